"""The reference chain: Bitcoin's formats and rules."""
