"""What can go wrong, and what is merely odd.

SiteplanError            anything siteplan refuses, with one clear message
├── InputError           a file, row or value that cannot be used
├── StudyError           a study file, option or parameter that makes no sense
└── NetworkError         streets that cannot carry the question asked
SiteplanWarning          something odd that was counted and left as it is (a warning, not an error)
└── KeptWarning          something kept for later runs was damaged, and was computed again

A message names the file or key, what was found, what was expected and what to do.
"""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from traceback import walk_stack
from typing import Any

__all__ = [
    "InputError",
    "KeptWarning",
    "Key",
    "NetworkError",
    "SiteplanError",
    "SiteplanWarning",
    "StudyError",
    "keys_named",
    "listed",
    "warn",
]


class SiteplanError(Exception):
    """Base of every error that siteplan raises on purpose."""


class InputError(SiteplanError, ValueError):
    """A file, row or value that cannot be used."""


class Key(str):
    """The name of a parameter within the message of a `StudyError`: whoever knows it by another name can say that."""

    __slots__ = ()


class StudyError(SiteplanError, ValueError):
    """A study file, option or parameter that makes no sense.

    Its arguments are the parts of its message: plain texts, and the `Key` of every parameter that they speak of.
    """

    def __str__(self) -> str:
        return "".join(map(str, self.args))

    @property
    def keys(self) -> tuple[Key, ...]:
        """The parameters that the message names, in its order."""
        return tuple(part for part in self.args if isinstance(part, Key))

    def named(self, name: Callable[[Key], str]) -> "StudyError":
        """Return the same error with other names of its parameters."""
        return StudyError(*(Key(name(part)) if isinstance(part, Key) else part for part in self.args))


class NetworkError(SiteplanError):
    """Streets that cannot carry the question asked."""


class SiteplanWarning(UserWarning):
    """Something odd that was counted and left as it is."""


class KeptWarning(SiteplanWarning):
    """Something kept for later runs was damaged and computed again: the result is the same, its manifest too."""


@contextmanager
def keys_named(name: Callable[[Key], str]) -> Iterator[None]:
    """Let the errors of what is done inside call their parameters by other names."""
    try:
        yield
    except StudyError as error:
        raise error.named(name) from error.__cause__


def listed(names: Iterable[Any], most: int = 30) -> str:
    """Write names one after the other, the rest as a count."""
    texts = [str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def warn(text: str | Warning, category: type[Warning] = SiteplanWarning) -> None:
    """Warn at the line of whoever called this package, however deep in it something odd was met."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in walk_stack(sys._getframe(1))]
    outermost = max(depth for depth, name in enumerate(modules, start=2) if name.partition(".")[0] == __package__)
    warnings.warn(text, category, stacklevel=min(outermost + 1, len(modules) + 1))
