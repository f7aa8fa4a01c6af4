"""Which sites to choose."""
