"""Every request that the project makes: asked of known hosts alone, resumed, verified, kept by content.

A file is loaded beside its later place (`.part`) and goes on from there when the connection is cut or the process ends;
it appears in the cache whole or not at all. What is in the cache is never asked for again, unless by `update`, and then
only whether it has changed.

    objects/<sha-256>.<ending>   the files
    known/<key>.json             what is known of an address: which object, its ETag, where it was asked for
    parts/<key>.part, .json      what is loaded of an address so far, and of which state of it
    pieces/<key>/                stretches of large files, read without the rest
"""

import errno
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import filelock
import platformdirs
import requests
import tenacity

from siteplan import __version__
from siteplan.errors import FetchError, StudyError
from siteplan.sources.source import Source, Used, address

__all__ = ["Downloads", "NotThereError", "WholeOnlyError", "is_offline"]

AGENT = f"siteplan/{__version__} (planning of telecentres; Python)"
CHUNK = 1 << 17
REDIRECTS = 5
PASSING = (429, 500, 502, 503, 504)  # answers after which one may ask again
GONE = (404, 410)
PAGE = re.compile(rb"\s*(<!doctype html|<html)", re.IGNORECASE)
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

Progress = Callable[[str, int, int], None]
T = TypeVar("T")


def _cache_folder() -> Path:
    """Return where downloads are kept: SITEPLAN_CACHE, else where the system keeps what can be had again."""
    named = os.environ.get("SITEPLAN_CACHE", "")
    return Path(named) if named else Path(platformdirs.user_cache_dir("siteplan", appauthor=False)) / "downloads"


def is_offline() -> bool:
    """Tell whether SITEPLAN_OFFLINE forbids requests."""
    return os.environ.get("SITEPLAN_OFFLINE", "").lower() not in ("", "0", "no", "false")


class NotThereError(FetchError):
    """A file that its host does not have; of some sources that says something, as that a tile is all sea."""


class WholeOnlyError(FetchError):
    """A file of which its host gives no parts."""


class _PassingError(Exception):
    """What may be over when one asks again: why, for how long (seconds; None is not known), after how many bytes."""

    def __init__(self, why: str, wait: float | None = None, gained: int = 0) -> None:
        super().__init__(why)
        self.wait, self.gained = wait, gained


@dataclass(frozen=True)
class Downloads:
    """The cache of downloads, and the only way to what is not in it.

    Attributes
    ----------
    folder
        The cache.
    offline
        Nothing is asked for; what is not in the cache is missing.
    update
        What is in the cache is asked for once again, and loaded where it has changed.
    progress
        Told the name of a file, the bytes that are there and those that will be (0 = not known).
    timeout
        Seconds without a byte after which a connection counts as cut.
    patience
        Seconds to wait, at most, before one asks again; a host that wants more is told of, and left.
    tries
        How often one asks without a byte more.
    """

    folder: Path = field(default_factory=_cache_folder)
    offline: bool = field(default_factory=is_offline)
    update: bool = False
    progress: Progress | None = None
    timeout: float = 60.0
    patience: float = 30.0
    tries: int = 4
    _session: requests.Session = field(default_factory=requests.Session, repr=False, compare=False)
    _asked: set[str] = field(default_factory=set, repr=False, compare=False)

    def get(self, source: Source, url: str, *, digest: str | None = None, post: bytes | None = None) -> Path:
        """Return a file of a source, from the cache or loaded into it; the path has the ending of the address.

        Parameters
        ----------
        source
            Whose hosts may be asked.
        url
            The source's own address; a mirror that the user names stands in for it.
        digest
            What the source publishes of the file, as `md5:...`, `sha256:...`; other bytes are refused.
        post
            What is posted, for a source that answers a question.

        Raises
        ------
        FetchError
            In one sentence: from where, why, what to do.
        """
        key = _key(source, url, post)
        with self._alone(key):
            known = self._known(key)
            same = known is not None and digest is not None and digest == known.get("digest")
            fresh = digest is None and (self.offline or not self.update or key in self._asked)
            if known is not None and (same or fresh):
                return self._object(known)
            if self.offline:
                raise FetchError(
                    f"{source.name}: {url} is not in the cache {self.folder}, and offline nothing is asked for; "
                    "fetch it once with a connection, or name the cache that has it in SITEPLAN_CACHE"
                )
            path = self._loaded(source, url, key, known=known, digest=digest, post=post)
            self._asked.add(key)
            return path

    def read(self, source: Source, url: str) -> bytes:
        """Return the bytes of a small file, such as an answer in JSON; kept like all others. Errors as of `get`."""
        return self.get(source, url).read_bytes()

    def piece(self, source: Source, url: str, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to `stop` of a large file, without the rest of it; kept as well.

        Fewer bytes come where the file ends before `stop`.

        Raises
        ------
        FetchError
            As of `get`; its host gives whole files only; the file changed since its first piece was read.
        """
        key = _key(source, url, None)
        place = self.folder / "pieces" / key
        piece, state = place / f"{start}-{stop}", place / "state"
        with self._alone(key):
            if self.update and not self.offline and key not in self._asked:
                shutil.rmtree(place, ignore_errors=True)
            self._asked.add(key)
            if piece.exists():
                return piece.read_bytes()
            if self.offline:
                raise FetchError(
                    f"{source.name}: bytes {start}-{stop} of {url} are not in the cache {self.folder}, and offline "
                    "nothing is asked for; fetch them once with a connection"
                )
            now, body = self._patiently(source, url, lambda: self._stretch(source, url, start, stop))
            known = state.read_text(encoding="utf-8") if state.exists() else now
            if now != known:
                raise FetchError(f"{source.name}: {url} changed while it was read; fetch again with --update")
            with self._room():
                place.mkdir(parents=True, exist_ok=True)
                _put(state, now.encode())
                _put(piece, body)
            return body

    def extent(self, source: Source, url: str) -> int:
        """Return how many bytes a file has of which a piece was read; 0 where its host does not say."""
        state = self.folder / "pieces" / _key(source, url, None) / "state"
        told = state.read_text(encoding="utf-8").rpartition(" ")[2] if state.exists() else ""
        return int(told) if told.isdigit() else 0

    def unless_lacking(self, source: Source, url: str, ask: Callable[[], T]) -> T | None:
        """Return what asking for a file gives; None, and remembered, where it does not exist.

        For a source where that is no fault, as of tiles that are all sea; an update asks again.
        """
        known = self.folder / "known" / f"{_key(source, url, None)}.absent"
        if known.exists() and not self.update:
            return None
        try:
            return ask()
        except NotThereError:
            with self._room():
                known.parent.mkdir(parents=True, exist_ok=True)
                _put(known, url.encode())
            return None

    def size(self, source: Source, url: str) -> int | None:
        """Return how many bytes a file has, without loading it; None where its host does not say."""
        known = self._known(_key(source, url, None))
        if known is not None:
            return int(known["bytes"])
        if self.offline:
            return None
        try:
            with self._ask(source, url, {}, method="HEAD") as answer:
                length = answer.headers.get("Content-Length", "")
        except (FetchError, _PassingError):
            return None
        return int(length) if length.isdigit() else None

    def has(self, source: Source, url: str) -> bool:
        """Tell whether a file is in the cache."""
        return self._known(_key(source, url, None)) is not None

    def used(self, source: Source, url: str, *, vintage: str = "", post: bytes | None = None) -> Used:
        """Tell of a file in the cache what travels with a study.

        Parameters
        ----------
        source, url, post
            As they were given to `get`.
        vintage
            Of when the data are, where that is known better than from the source.
        """
        known = self._known(_key(source, url, post)) or {"sha256": "", "bytes": 0}
        licence, attribution = source.licence, source.attribution
        told = vintage or source.vintage
        return Used(source.name, url, licence, attribution, told, str(known["sha256"]), int(known["bytes"]))

    # ---- what is in the cache ----

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """Let one process at a time load a file: whoever waits finds it there."""
        with self._room():
            (self.folder / "parts").mkdir(parents=True, exist_ok=True)
            lock = filelock.FileLock(self.folder / "parts" / f"{key}.lock")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

    def _known(self, key: str) -> dict[str, Any] | None:
        """Return what is known of an address whose file is here, whole."""
        try:
            known = json.loads((self.folder / "known" / f"{key}.json").read_text(encoding="utf-8"))
            whole = self._object(known).stat().st_size == known["bytes"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return known if whole else None

    def _object(self, known: dict[str, Any]) -> Path:
        return self.folder / "objects" / f"{known['sha256']}{known['ending']}"

    @contextmanager
    def _room(self) -> Iterator[None]:
        """Name the cache where it cannot be written, and what to do."""
        try:
            yield
        except OSError as error:
            if isinstance(error, requests.RequestException):
                raise
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            remedy = "make room" if full else "let it be written"
            raise FetchError(
                f"{self.folder}: cannot be written ({error.strerror or error}); {remedy}, or name another folder in "
                "SITEPLAN_CACHE. What was loaded so far is kept, and the next try goes on from there"
            ) from error

    # ---- loading ----

    def _loaded(
        self,
        source: Source,
        url: str,
        key: str,
        *,
        known: dict[str, Any] | None,
        digest: str | None,
        post: bytes | None,
    ) -> Path:
        """Load a file, in as many tries as bring bytes, and keep it; or find that what is here has not changed."""
        part = self.folder / "parts" / f"{key}.part"
        ask = partial(self._try, source, url, part, known=known if digest is None else None, post=post)
        for last in (False, True):
            if self._patiently(source, url, ask):
                assert known is not None  # noqa: S101 - only asked about with what is known
                return self._object(known)
            found = None if digest is None else _digest(part, digest.partition(":")[0])
            if digest in (None, found):
                return self._kept(url, key, part, digest)
            # Two states of a file may have met in it: once more from its first byte.
            _remove(part)
            if last:
                raise FetchError(
                    f"{source.name}: {url} is not the file that its publisher tells of ({digest} expected, {found} "
                    "found), and was thrown away; try again later, or with --update for a newer list of digests"
                )
        raise AssertionError  # pragma: no cover

    def _kept(self, url: str, key: str, part: Path, digest: str | None) -> Path:
        """Let a file that is loaded appear in the cache."""
        state = json.loads(_state(part).read_text(encoding="utf-8"))
        told = {
            "url": url,
            "sha256": _digest(part, "sha256").partition(":")[2],
            "bytes": part.stat().st_size,
            "ending": _ending(url),
            "digest": digest,
            **state,
        }
        target = self._object(told)
        with self._room():
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
            (self.folder / "known").mkdir(parents=True, exist_ok=True)
            _put(self.folder / "known" / f"{key}.json", json.dumps(told, indent=1).encode())
        _remove(part)
        return target

    def _patiently(self, source: Source, url: str, ask: Callable[[], T]) -> T:
        """Ask again for as long as what goes wrong may pass, and bytes come or tries are left."""
        fruitless = 0

        def enough(state: tenacity.RetryCallState) -> bool:
            nonlocal fruitless
            error = state.outcome.exception() if state.outcome else None
            fruitless = 0 if isinstance(error, _PassingError) and error.gained else fruitless + 1
            wanted = error.wait if isinstance(error, _PassingError) else None
            return fruitless >= self.tries or (wanted is not None and wanted > self.patience)

        asking = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_PassingError), stop=enough, wait=self._pause, reraise=True
        )
        try:
            return asking(ask)
        except _PassingError as error:
            later = "" if error.wait is None else f" and asks to wait {error.wait:.0f} s"
            raise FetchError(
                f"{source.name}: {urlsplit(url).hostname} {error}{later}; try again then: what was loaded so far is "
                f"kept ({url})"
            ) from error

    def _stretch(self, source: Source, url: str, start: int, stop: int) -> tuple[str, bytes]:
        """Ask for a stretch of a file: of which state of it, and its bytes."""
        with self._ask(source, url, {"Range": f"bytes={start}-{stop - 1}"}) as answer:
            if answer.status_code != 206:
                raise WholeOnlyError(f"{source.name}: {url} cannot be read in part; its host gives whole files only")
            return _validator(answer), b"".join(self._chunks(answer, lambda: 0))

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wanted = error.wait if isinstance(error, _PassingError) else None
        return min(0.5 * 2.0**state.attempt_number if wanted is None else wanted, self.patience)

    def _try(self, source: Source, url: str, part: Path, *, known: dict[str, Any] | None, post: bytes | None) -> bool:
        """Ask once, and write what comes."""
        have = part.stat().st_size if part.exists() else 0
        state = json.loads(_state(part).read_text(encoding="utf-8")) if _state(part).exists() else {}
        validator = state.get("etag") or state.get("modified")
        headers = {}
        if have and validator:
            headers = {"Range": f"bytes={have}-", "If-Range": validator}
        elif known is not None and (known.get("etag") or known.get("modified")):
            pairs = (("If-None-Match", known.get("etag")), ("If-Modified-Since", known.get("modified")))
            headers = {name: str(value) for name, value in pairs if value}
        with self._ask(source, url, headers, post=post) as answer:
            if answer.status_code == 304:
                return True
            if answer.status_code == 416:  # more is here than there
                _remove(part)
                raise _PassingError("gave no more of a file that was cut", 0, gained=1)
            goes_on = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            if answer.status_code == 206 and not goes_on:
                _remove(part)
                raise _PassingError("gave another stretch of the file than was asked for", 0)
            have = have if goes_on else 0
            self._write(source, url, answer, part=part, start=have)
        return False

    def _write(self, source: Source, url: str, answer: requests.Response, *, part: Path, start: int) -> None:
        """Write an answer behind what is there, or in its place."""
        have = start
        length = answer.headers.get("Content-Length", "")
        plain = "Content-Encoding" not in answer.headers
        total = have + int(length) if length.isdigit() and plain else 0
        name = f"{source.name}: {Path(urlsplit(url).path).name or urlsplit(url).hostname}"
        chunks = self._chunks(answer, lambda: part.stat().st_size - start if part.exists() else 0)
        first = next(chunks, b"")
        if not have and source.format != "html" and _is_page(answer, first):
            found = TITLE.search(first.decode("utf-8", "replace"))
            title = f" ('{' '.join(found[1].split())}')" if found else ""
            raise FetchError(
                f"{source.name}: {url} gave a page of HTML{title} in place of data; look at it in a browser: it may "
                "ask to log in, or have moved"
            )
        with self._room():
            if total - have > shutil.disk_usage(self.folder).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if not have:
                _remove(part)
                state = {"etag": _strong(answer), "modified": answer.headers.get("Last-Modified", "")}
                _put(_state(part), json.dumps(state).encode())
            with part.open("ab") as file:
                for chunk in _after(first, chunks):
                    file.write(chunk)
                    have += len(chunk)
                    file.flush()
                    if self.progress is not None:
                        self.progress(name, have, total)
                os.fsync(file.fileno())
        if total and have != total:
            raise _PassingError(f"cut the connection after {have:,} of {total:,} bytes", gained=have - start)

    def _chunks(self, answer: requests.Response, gained: Callable[[], int]) -> Iterator[bytes]:
        """Give an answer's bytes; a cut is something that passes."""
        try:
            yield from answer.iter_content(CHUNK)
        except requests.RequestException as error:
            raise _PassingError(f"cut the connection ({_why(error)})", gained=gained()) from error

    @contextmanager
    def _ask(
        self, source: Source, url: str, headers: dict[str, str], *, method: str = "GET", post: bytes | None = None
    ) -> Iterator[requests.Response]:
        """Ask once, following where the hosts of the source lead to; all but an answer with data is an error."""
        answer = self._answered(source, url, headers, method=method, post=post)
        with answer:
            status = answer.status_code
            if status in GONE:
                raise NotThereError(
                    f"{source.name}: {url} is not there ({status}); it may have moved or not be published yet: look at "
                    f"{urlsplit(url).scheme}://{urlsplit(url).hostname}, or name another source"
                )
            if status in PASSING:
                wait = _seconds(answer.headers.get("Retry-After", ""))
                why = "is asked too much (429)" if status == 429 else f"cannot answer now ({status})"
                raise _PassingError(why, wait)
            if status not in (200, 206, 304, 416):
                raise FetchError(
                    f"{source.name}: {url} is refused ({status} {answer.reason}); get the file by hand, or name a "
                    f"mirror in SITEPLAN_URL_{source.name.upper()}"
                )
            yield answer

    def _answered(
        self, source: Source, url: str, headers: dict[str, str], *, method: str, post: bytes | None
    ) -> requests.Response:
        """Ask, and ask on where one is sent to."""
        asked = {"User-Agent": AGENT, "Accept-Encoding": "identity", **headers}
        wanted = url
        for _ in range(REDIRECTS + 1):
            try:
                there = address(source, wanted)
            except StudyError as error:
                raise FetchError(str(error)) from None
            self._wait_turn(source)
            verb = "POST" if post is not None else method
            try:
                answer = self._session.request(
                    verb, there, data=post, headers=asked, stream=True, timeout=self.timeout, allow_redirects=False
                )
            except (requests.ConnectionError, requests.Timeout) as error:
                raise _PassingError(f"cannot be reached ({_why(error)})") from error
            except requests.RequestException as error:
                raise FetchError(f"{source.name}: {url} cannot be asked for ({_why(error)})") from error
            if not answer.is_redirect:
                return answer
            wanted = urljoin(there, answer.headers["Location"])
            answer.close()
            if urlsplit(there).scheme == "https" and urlsplit(wanted).scheme == "http":
                raise FetchError(f"{source.name}: {url} leads from https to http, and is not followed there")
        raise FetchError(f"{source.name}: {url} leads from one address to the next without end")

    def _wait_turn(self, source: Source) -> None:
        """Wait as long as the host asks for between two requests, those of other processes counted."""
        if not source.pause:
            return
        turn = self.folder / "parts" / f"{source.name}.turn"
        with self._room():
            turn.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(turn.with_suffix(".turn.lock")):
                since = time.time() - turn.stat().st_mtime if turn.exists() else source.pause
                if 0 <= since < source.pause:
                    time.sleep(source.pause - since)
                turn.touch()


def _key(source: Source, url: str, post: bytes | None) -> str:
    return hashlib.sha256(b"\n".join([source.name.encode(), url.encode(), post or b""])).hexdigest()[:32]


def _ending(url: str) -> str:
    """Return the ending of an address's file, such as `.osm.pbf`: readers go by it."""
    found = re.search(r"((?:\.[A-Za-z][A-Za-z0-9]{0,7}){1,2})$", urlsplit(url).path.rpartition("/")[2])
    return found[1].lower() if found else ""


def _digest(path: Path, algorithm: str) -> str:
    """Return the digest of a file's bytes, as `md5:...`."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def _state(part: Path) -> Path:
    return part.with_suffix(".json")


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)
    _state(part).unlink(missing_ok=True)


def _put(path: Path, body: bytes) -> None:
    """Write a small file whole or not at all."""
    aside = path.with_name(f"{path.name}.new")
    aside.write_bytes(body)
    aside.replace(path)


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _strong(answer: requests.Response) -> str:
    """Return the ETag, unless it is a weak one, which stretches of bytes cannot be joined by."""
    tag = answer.headers.get("ETag", "")
    return "" if tag.startswith("W/") else tag


def _validator(answer: requests.Response) -> str:
    total = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return f"{answer.headers.get('ETag', '')} {answer.headers.get('Last-Modified', '')} {total}"


def _is_page(answer: requests.Response, first: bytes) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/html") or PAGE.match(first) is not None


def _seconds(text: str) -> float | None:
    """Read Retry-After: seconds, or a moment."""
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except ValueError:
        return None


def _why(error: Exception) -> str:
    """Say in few words what a connection failed of."""
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    inner = re.search(r"\[Errno[^\]]*\] ([A-Za-z ]+)|(timed out)|(Name or service not known)", str(error))
    return next((group for group in inner.groups() if group), kind) if inner else kind
