"""The chain served to miners: Bitcoin Core's JSON-RPC over HTTP, as far as those ask for it."""
