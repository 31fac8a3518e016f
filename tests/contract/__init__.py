"""The wire: what the contract room must hold to."""
