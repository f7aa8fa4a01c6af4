"""The whole of it: a study file, its stages in order, a folder of results. `__init__.pyi` lists the names.

Each is loaded when it is first used: to check a study needs neither the map nor what is compared.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
