"""From a name to files: where the inputs of a study are published, and how each is had.

Each source is a function: `get_population`, `get_terrain`, ... take an area, a source, the cache and a folder, write
into it, and return what they wrote, of what it is made and what is odd. `__init__.pyi` lists them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
