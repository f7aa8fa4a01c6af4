"""What can go wrong, and what is merely odd.

SiteplanError            anything siteplan refuses, with one clear message
├── InputError           a file, row or value that cannot be used
├── StudyError           a study file, option or parameter that makes no sense
└── NetworkError         streets that cannot carry the question asked
SiteplanWarning          something odd that was counted and left as it is (a warning, not an error)

A message names the file or key, what was found, what was expected and what to do.
"""

from collections.abc import Iterable
from typing import Any

__all__ = ["InputError", "NetworkError", "SiteplanError", "SiteplanWarning", "StudyError", "listed"]


class SiteplanError(Exception):
    """Base of every error that siteplan raises on purpose."""


class InputError(SiteplanError, ValueError):
    """A file, row or value that cannot be used."""


class StudyError(SiteplanError, ValueError):
    """A study file, option or parameter that makes no sense."""


class NetworkError(SiteplanError):
    """Streets that cannot carry the question asked."""


class SiteplanWarning(UserWarning):
    """Something odd that was counted and left as it is."""


def listed(names: Iterable[Any], most: int = 30) -> str:
    """Write names one after the other, the rest as a count."""
    texts = [str(name) for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")
