"""Compiled functions: made when first called, and kept in the user's cache for every install that has the same.

Numba costs a quarter of a second to import, which whoever only reads a file need not wait for; and it keeps what it
compiled beside the source, by the path and the text of that one file, so that every install compiles anew, and a kernel
is taken as it was although a kernel of another file that it calls has changed.

Here a kernel is kept by all that its machine code depends on: its own instructions and constants, those of every
kernel that it calls, the values of the names it uses, the types of its arguments, the processor, and the versions of
Python, NumPy and Numba. So what is kept is never out of date, whichever checkout or install it comes from. Each
kernel and signature is one file, written whole under a name of its own: any number of processes may read and write side
by side.
"""

import functools
import hashlib
import os
import pickle
import platform
import threading
import time
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any
from uuid import uuid4

import numpy as np

__all__ = ["Kernel", "folder_of_kernels", "inner_kernel", "kernel"]

DAYS = 180  # that what nobody compiles any more is kept
DIGEST = hashlib.sha256().digest_size
PLAIN = (bool, int, float, str, bytes, tuple, type(None), np.generic)


def folder_of_kernels() -> Path:
    """Return where compiled kernels are kept: NUMBA_CACHE_DIR, else where the system keeps what can be had again."""
    named = os.environ.get("NUMBA_CACHE_DIR", "")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("siteplan", appauthor=False)) / "kernels"


class Kernel:
    """A function over arrays that is compiled when it is first called, from Python or from another kernel.

    Parameters
    ----------
    function
        What to compile, in the part of Python that Numba knows.
    **options
        What Numba is told about it.
    """

    def __init__(self, function: FunctionType, **options: Any) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.options = options
        self.turn = threading.Lock()
        self.made: Any = None

    def __call__(self, *args: Any) -> Any:
        """Run the machine code for these arguments, compiled or read first where it must be."""
        return (self.made or self.dispatcher)(*args)

    @property
    def dispatcher(self) -> Any:
        """What Numba calls: one version for each signature."""
        with self.turn:
            if self.made is None:
                from numba import njit

                made = njit(nogil=True, **self.options)(self.function)
                if hasattr(made, "enable_caching"):  # else NUMBA_DISABLE_JIT has left a plain function
                    made._cache = _kept(self)
                    made.get_call_template = _of_types(made.get_call_template)
                self.made = made
            return self.made

    @property
    def signatures(self) -> list[Any]:
        """What it was compiled for in this process."""
        return list(getattr(self.made, "signatures", ()))

    @property
    def _numba_type_(self) -> Any:
        """What a kernel is to a kernel that calls it."""
        return self.dispatcher._numba_type_

    @functools.cached_property
    def source(self) -> str:
        """A digest of all that decides what the kernel does: its instructions, and all that they name."""
        said = hashlib.sha256()
        for each in _named_by(self):
            said.update(_text(each).encode())
        return said.hexdigest()


def kernel(function: Any) -> Kernel:
    """Compile a function at its first call; other threads go on while it runs."""
    return Kernel(function)


def inner_kernel(function: Any) -> Kernel:
    """Compile a function that only kernels call: without a way in from Python it compiles in half the time."""
    return Kernel(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _of_types(template: Any) -> Any:
    """Return how a call from another kernel is typed: by its arguments' types, whatever their values.

    What begins at 0 and is counted up is to Numba the number 0 at first, and it would compile a version for 0 alone.
    """
    from numba.core import types

    unliteral: Any = types.unliteral

    def typed(args: Any, kws: dict[str, Any]) -> Any:
        return template([unliteral(each) for each in args], {name: unliteral(each) for name, each in kws.items()})

    return typed


def _named_by(first: Kernel) -> list[Kernel]:
    """Return a kernel and all that it calls, by whatever way, each once."""
    found = [first]
    for each in found:
        for _, value in _globals(each):
            if isinstance(value, Kernel) and value not in found:
                found.append(value)
    return found


def _globals(named: Kernel) -> list[tuple[str, Any]]:
    """Return what a kernel's names stand for outside of it."""
    names: set[str] = set()
    codes = [named.function.__code__]
    for code in codes:
        names.update(code.co_names)
        codes += [each for each in code.co_consts if isinstance(each, CodeType)]
    world = named.function.__globals__
    return [(name, world[name]) for name in sorted(names) if name in world]


def _text(named: Kernel) -> str:
    """Return what one kernel itself is made of, the same in every process and wherever its file lies."""
    if named.function.__closure__ is not None:
        raise TypeError(f"{named.function.__qualname__}: a kernel names what its module holds, and nothing else")
    values = []
    for name, value in _globals(named):
        if isinstance(value, PLAIN):
            values.append((name, type(value).__name__, repr(value)))
        elif isinstance(value, ModuleType):
            values.append((name, "module", value.__name__))
        elif isinstance(value, Kernel):
            values.append((name, "kernel", value.function.__qualname__))
        elif isinstance(value, type | BuiltinFunctionType):
            values.append((name, "named", f"{value.__module__}.{value.__qualname__}"))
        else:
            raise TypeError(f"{named.function.__qualname__}: what {name} stands for cannot be told apart in a cache")
    defaults = repr(named.function.__defaults__), sorted(named.options.items())
    return repr((named.function.__qualname__, _told(named.function.__code__), defaults, values))


def _told(code: CodeType) -> tuple[Any, ...]:
    """Return the instructions and constants of a function, without its file and lines."""
    constants = [_told(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return (code.co_code.hex(), code.co_exceptiontable.hex(), code.co_argcount, code.co_flags, names, constants)


def _kept(named: Kernel) -> Any:
    """Return the cache of a kernel, as Numba asks one."""
    import numba
    from numba.core import compiler, config, serialize
    from numba.core.caching import FunctionCache
    from numba.core.runtime.nrt import rtsys

    settings: Any = config
    rebuild: Any = compiler.CompileResult._rebuild
    pickled: Any = serialize.dumps
    versions = platform.python_implementation(), platform.python_version(), np.__version__, numba.__version__
    made_by = *versions, settings.OPT, settings.BOUNDSCHECK, settings.DEBUGINFO_DEFAULT

    class Kept(FunctionCache):
        """One file for each signature, named by all that it depends on; what cannot be read or written is compiled."""

        def __init__(self) -> None:
            self.folder = folder_of_kernels()

        @property
        def cache_path(self) -> str:
            return str(self.folder)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            # What machine code calls of Numba's own, memory above all. What compiling needs beside it, SciPy's linear
            # algebra and all, takes half a second to import, and Numba's compiler asks for it itself.
            rtsys.initialize(target_context)
            try:
                told = self._file(sig, target_context.codegen()).read_bytes()
            except OSError:
                return None
            if hashlib.sha256(told[DIGEST:]).digest() != told[:DIGEST]:
                return None
            return rebuild(target_context, *pickle.loads(told[DIGEST:]))  # noqa: S301 (written by save_overload)

        def save_overload(self, sig: Any, data: Any) -> None:
            if data.library.has_dynamic_globals:  # addresses of this process
                return
            file = self._file(sig, data.codegen)
            told = pickled(data._reduce())
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
                _drop_old(file.parent)
                part = file.with_suffix(f".{uuid4().hex}.part")
                try:
                    part.write_bytes(hashlib.sha256(told).digest() + told)
                    part.replace(file)
                finally:
                    part.unlink(missing_ok=True)
            except OSError:  # a full disk, or a folder of somebody else: it is compiled again the next time
                return

        def _file(self, sig: Any, codegen: Any) -> Path:
            key = repr((named.source, repr(sig), codegen.magic_tuple(), made_by))
            return self.folder / f"{named.function.__name__}-{hashlib.sha256(key.encode()).hexdigest()[:32]}.kernel"

    return Kept()


def _drop_old(folder: Path) -> None:
    """Remove what was written long ago: kernels of versions that are gone, and what is still used is soon made anew."""
    oldest = time.time() - DAYS * 86_400
    for pattern in ("*.kernel", "*.part"):
        for each in folder.glob(pattern):
            if each.stat().st_mtime < oldest:
                each.unlink(missing_ok=True)
