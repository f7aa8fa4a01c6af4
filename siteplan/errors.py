"""What can go wrong, and what is merely odd.

SiteplanError            anything siteplan refuses, with one clear message
├── InputError           a file, row or value that cannot be used
├── StudyError           a study file, option or parameter that makes no sense
├── NetworkError         streets that cannot carry the question asked
├── FetchError           something that could not be fetched, and what to do in place of it
└── WorkerError          a process or a cluster that came to an end before its work did
SiteplanWarning          something odd that was counted and left as it is (a warning, not an error)
└── KeptWarning          something kept for later runs was damaged, and was computed again

A message names the file or key, what was found, what was expected and what to do.
"""

import difflib
import errno
import functools
import os
import re
import stat
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_stack
from typing import Any, ParamSpec, TypeVar

__all__ = [
    "CONTROL",
    "FetchError",
    "InputError",
    "KeptWarning",
    "Key",
    "NetworkError",
    "SiteplanError",
    "SiteplanWarning",
    "StudyError",
    "WorkerError",
    "absence",
    "called",
    "is_there",
    "keys_named",
    "listed",
    "printable",
    "reads",
    "special",
    "suggested",
    "warn",
]

P = ParamSpec("P")
R = TypeVar("R")
PIPE = "a pipe"
LONGEST = 900  # characters of a line of a message; what is cut is cut in the middle
# What moves the cursor or the colour of a terminal, or the order in which letters are shown; line ends are not of them.
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class SiteplanError(Exception):
    """Base of every error that siteplan raises on purpose; its text can be shown on any terminal."""

    def __str__(self) -> str:
        return printable("".join(map(str, self.args)))


class InputError(SiteplanError, ValueError):
    """A file, row or value that cannot be used."""


class Key(str):
    """The name of a parameter within the message of a `StudyError`: whoever knows it by another name can say that."""

    __slots__ = ()


class StudyError(SiteplanError, ValueError):
    """A study file, option or parameter that makes no sense.

    Its arguments are the parts of its message: plain texts, and the `Key` of every parameter that they speak of.
    """

    @property
    def keys(self) -> tuple[Key, ...]:
        """The parameters that the message names, in its order."""
        return tuple(part for part in self.args if isinstance(part, Key))

    def named(self, name: Callable[[Key], str]) -> "StudyError":
        """Return the same error with other names of its parameters."""
        return StudyError(*(Key(name(part)) if isinstance(part, Key) else part for part in self.args))


class NetworkError(SiteplanError):
    """Streets that cannot carry the question asked."""


class FetchError(SiteplanError):
    """Something that could not be fetched: from where, why, and what to do."""


class WorkerError(SiteplanError):
    """Processes or a cluster that came to an end before their work did."""


class SiteplanWarning(UserWarning):
    """Something odd that was counted and left as it is; its text can be shown on any terminal."""

    def __str__(self) -> str:
        return printable("".join(map(str, self.args)))


class KeptWarning(SiteplanWarning):
    """Something kept for later runs was damaged and computed again: the result is the same, its manifest too."""


@contextmanager
def keys_named(name: Callable[[Key], str]) -> Iterator[None]:
    """Let the errors of what is done inside call their parameters by other names."""
    try:
        yield
    except StudyError as error:
        raise error.named(name) from error.__cause__


@contextmanager
def called(place: Path, name: str) -> Iterator[None]:
    """Let errors and warnings of what is done inside call a file by the name that its user knows."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            yield
        except InputError as error:
            raise InputError(str(error).replace(str(place), name)) from None
        except StudyError as error:
            parts = (part if isinstance(part, Key) else str(part).replace(str(place), name) for part in error.args)
            raise StudyError(*parts) from None
        finally:
            told = [(str(each.message).replace(str(place), name), each.category) for each in odd]
    for text, category in told:
        warn(text, category)


def listed(names: Iterable[Any], most: int = 30) -> str:
    """Write names one after the other on one line, the rest as a count."""
    texts = [str(name).replace("\n", "\\n") for name in names]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more" if len(texts) > most else "")


def suggested(text: str, known: Iterable[Any]) -> str:
    """Say what could have been meant: the names that are near; where none is, any of them."""
    names = [str(name) for name in known]
    close = difflib.get_close_matches(text, names, n=3)
    return f"one such as {', '.join(close)}" if close else f"any of {listed(names, most=10)}"


def warn(text: str | Warning, category: type[Warning] = SiteplanWarning) -> None:
    """Warn at the line of whoever called this package, however deep in it something odd was met."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in walk_stack(sys._getframe(1))]
    outermost = max(depth for depth, name in enumerate(modules, start=2) if name.partition(".")[0] == __package__)
    warnings.warn(text, category, stacklevel=min(outermost + 1, len(modules) + 1))


def printable(text: str) -> str:
    r"""Return a text that does nothing to a terminal and fills no screen: escapes written out, long lines cut.

    Examples
    --------
    >>> from siteplan.errors import printable
    >>> print(printable("status \x1b]0;title"))
    status \x1b]0;title
    """
    shown = CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    keep = LONGEST * 2 // 3
    cut = (
        line if len(line) <= LONGEST else f"{line[:keep]} ... {line[keep - LONGEST :]}" for line in shown.split("\n")
    )
    return "\n".join(cut)


def reads(what: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let whatever goes wrong inside a reader be one `InputError` that names its first argument, the file.

    Libraries that read files raise errors of many kinds, and of more with each version. Warnings that are raised as
    errors pass, as does what is no fault of the file: an interruption, no memory.

    Parameters
    ----------
    what
        What the reader expects in the file, as "people" or "a timetable".
    """

    def decorate(reader: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(reader)
        def reading(*args: P.args, **options: P.kwargs) -> R:
            try:
                return reader(*args, **options)
            except (SiteplanError, Warning, MemoryError):
                raise
            except Exception as error:
                file = args[0] if args else next(iter(options.values()), "")
                why = " ".join(f"{type(error).__name__}: {error}".split())
                raise InputError(f"{file}: cannot be read as {what} ({why}); is it whole? Export it again") from error

        return reading

    return decorate


def is_there(path: Path) -> bool:
    """Tell whether there is something of a name, whatever the name: one too long for the disk has nothing."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where the name is too long


def special(path: Path) -> str:
    """Name what is neither a file nor a folder, and cannot stand for one; empty for all else, and for nothing."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as above
    except (OSError, ValueError) as error:
        return "a circle of symbolic links" if isinstance(error, OSError) and error.errno == errno.ELOOP else ""
    kinds = {stat.S_IFIFO: PIPE, stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}
    return kinds.get(stat.S_IFMT(mode), "")


def absence(path: Path) -> str:
    """Say why there is no file of a name: it is an address, or standard input, no file, or it is simply not there."""
    kind = special(path)
    if kind:
        remedy = "; what a program writes can be piped into --sites - and other tables" if kind == PIPE else ""
        return f"is {kind}, expected a file{remedy}"
    # A path has lost one slash of the two, and stands behind a folder where it was made absolute.
    if re.search(r"(^|/)(https?|ftp|s3|gs|file):/", path.as_posix(), re.IGNORECASE):
        return "is an address; siteplan fetches no input from the network, so download it and give the file"
    if path.name == "-":
        return "no such file, and standard input is read for an option of the command line only (--sites -)"
    return "no such file"
