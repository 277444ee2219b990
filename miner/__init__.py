"""Jobs, nonce space, device workers and sources of work."""
