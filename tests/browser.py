"""Open a page in Debian's Chromium, offline, and keep an eye on what it asks for and complains about."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PICTURES = Path(__file__).parent.parent / "test-output"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync")


def needs_chromium(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that opens pages; it is skipped where nothing can open them."""
    absent = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
    marked: Callable[..., None] = pytest.mark.chromium(absent(test))
    return marked


@dataclass(frozen=True)
class Opened:
    """A page that is open, with every address it asked for and every complaint so far."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def picture(self, name: str) -> Path:
        PICTURES.mkdir(exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")
        return PICTURES / f"{name}.png"


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        try:
            yield opened
        finally:
            opened.close()


@contextmanager
def open_page(chromium: Any, path: Path, *, width: int = 1400, height: int = 900) -> Iterator[Opened]:
    """Open a file with the network off."""
    context = chromium.new_context(viewport={"width": width, "height": height}, offline=True)
    try:
        with watched(context.new_page(), path) as opened:
            yield opened
    finally:
        context.close()


@contextmanager
def watched(page: Any, path: Path) -> Iterator[Opened]:
    """Open a file in a page that is there, which is blank again afterwards."""
    opened = Opened(page)
    heard = {
        "request": lambda request: opened.requests.append(request.url),
        "console": lambda said: opened.complaints.append(said.text) if said.type == "error" else None,
        "pageerror": lambda error: opened.complaints.append(str(error)),
    }
    for event, listener in heard.items():
        page.on(event, listener)
    page.goto(path.resolve().as_uri())
    try:
        yield opened
    finally:
        for event, listener in heard.items():
            page.remove_listener(event, listener)
        page.mouse.move(0, 0)
        page.goto("about:blank")
