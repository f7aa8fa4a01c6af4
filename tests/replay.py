"""A server on this machine that stands in for every source: it answers from miniatures, counts, and fails as told.

    with replayed({"geofabrik": handler_or_files}, monkeypatch) as replay:
        ...
    replay.requests   every request: (source, path with its query, headers)

What a source answers is a mapping from paths to bytes (the query is left out, or part of the path where it is given),
or a function from a path with its query (and what was posted) to bytes, or None for what is not there. Files have an
ETag and are given in parts where that is asked for.
"""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answers = Mapping[str, bytes] | Callable[[str, bytes], bytes | None]


@dataclass
class Fault:
    """What goes wrong at the next `times` requests of a source whose path holds a text."""

    path: str = ""
    times: int = 1
    status: int = 0  # answered in place of data
    headers: dict[str, str] = field(default_factory=dict)  # with it
    body: bytes | None = None  # given in place of the file's
    cut: int | None = None  # bytes after which the connection ends
    slow: float = 0  # seconds before each answer
    no_ranges: bool = False  # a host that gives whole files only


@dataclass
class Asked:
    """One request."""

    source: str
    path: str
    headers: dict[str, str]
    method: str
    at: float
    sent: int = 0


class Replay:
    """The sources, what was asked of them, and what shall go wrong."""

    def __init__(self, answers: Mapping[str, Answers]) -> None:
        self.answers = dict(answers)
        self.requests: list[Asked] = []
        self.faults: dict[str, list[Fault]] = {}
        self.lock = threading.Lock()
        self.address = ""

    def url(self, source: str) -> str:
        return f"{self.address}/{source}"

    def fail(self, source: str, **how: Any) -> None:
        self.faults.setdefault(source, []).append(Fault(**how))

    def asked(self, source: str = "") -> list[Asked]:
        return [each for each in self.requests if source in ("", each.source)]

    @property
    def sent(self) -> int:
        return sum(each.sent for each in self.requests)

    def fault(self, source: str, path: str) -> Fault:
        with self.lock:
            for fault in self.faults.get(source, []):
                if fault.times > 0 and fault.path in path:
                    fault.times -= 1
                    return fault
        return Fault()

    def body(self, source: str, path: str, posted: bytes) -> bytes | None:
        answers = self.answers.get(source, {})
        if callable(answers):
            return answers(path, posted)
        return answers.get(path, answers.get(path.partition("?")[0]))


def _handler(replay: Replay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            self.answer(b"")

        def do_HEAD(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def answer(self, posted: bytes) -> None:
            source, _, rest = self.path[1:].partition("/")
            path = f"/{rest}"
            asked = Asked(source, path, dict(self.headers), self.command, time.monotonic())
            replay.requests.append(asked)
            fault = replay.fault(source, path)
            time.sleep(fault.slow)
            if fault.status:
                self.give(asked, fault.status, fault.headers, fault.body or b"")
                return
            body = fault.body if fault.body is not None else replay.body(source, path, posted)
            if body is None:
                self.give(asked, 404, {}, b"no such file")
                return
            tag = f'"{hashlib.md5(body).hexdigest()}"'
            headers = {"ETag": tag, "Accept-Ranges": "none" if fault.no_ranges else "bytes", **fault.headers}
            if self.headers.get("If-None-Match") == tag:
                self.give(asked, 304, headers, b"")
                return
            wanted = self.headers.get("Range")
            if wanted and not fault.no_ranges and self.headers.get("If-Range", tag) == headers["ETag"]:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start, stop = int(first), min(int(last) + 1 if last else len(body), len(body))
                if start >= len(body):
                    self.give(asked, 416, {"Content-Range": f"bytes */{len(body)}"}, b"")
                    return
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
                self.give(asked, 206, headers, body[start:stop], fault.cut)
                return
            self.give(asked, 200, headers, body, fault.cut)

        def give(
            self, asked: Asked, status: int, headers: Mapping[str, str], body: bytes, cut: int | None = None
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                sent = body if cut is None else body[:cut]
                asked.sent = len(sent)  # before they go: whoever has them all may look at once
                with contextlib.suppress(OSError):  # whoever asked has left
                    self.wfile.write(sent)
                    self.wfile.flush()
            if cut is not None:
                self.close_connection = True

    return Handler


@contextlib.contextmanager
def replayed(answers: Mapping[str, Answers], monkeypatch: Any) -> Iterator[Replay]:
    """Serve sources, with SITEPLAN_URL_<SOURCE> set to where each of them is answered."""
    replay = Replay(answers)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(replay))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # whoever asked may leave in the middle
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    replay.address = f"http://127.0.0.1:{server.server_address[1]}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for source in answers:
        monkeypatch.setenv(f"SITEPLAN_URL_{source.upper()}", replay.url(source))
    thread.start()
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
