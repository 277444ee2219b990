"""Work from a node: block templates over JSON-RPC (BIP 22, 23, 9, 145)."""
