"""Where should the next telecentre go, and whom does it reach without a car?"""

__version__ = "0.1.0"
