"""Measurements against other engines, side by side: `python -m tests.bench`."""
