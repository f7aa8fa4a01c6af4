"""Where should the next telecentre go, and whom does it reach without a car? `__init__.pyi` lists every public name.

Each name is loaded when it is first used, so that `import siteplan` costs little.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
