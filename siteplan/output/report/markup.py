"""HTML and SVG in which text is text: only what this module made is markup."""

import re
from collections.abc import Iterable
from html import escape

__all__ = ["UNSEEN", "Markup", "bullets", "figure", "join", "note", "paragraph", "seen", "tag"]

# Control characters, and those that turn the direction of what follows: a name must not rewrite its surroundings.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that is markup already; any other text is escaped before it stands in a page."""

    __slots__ = ()

    def __html__(self) -> str:
        """Let templates take it as it is."""
        return str(self)


def tag(name: str, /, *children: str, **attributes: object) -> Markup:
    """Give an element; attributes are named as in Python (`class_`, `aria_label`), and left out where None."""
    given = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    head = "".join(f' {key}="{escape(str(value))}"' for key, value in given.items())
    if not children and name in ("br", "meta", "path", "circle", "rect", "line", "use", "polygon", "col"):
        return Markup(f"<{name}{head}/>")
    return Markup(f"<{name}{head}>{join(*children)}</{name}>")


def join(*parts: str, by: str = "") -> Markup:
    """Put parts one after the other, escaping what is not markup."""
    between = str(_safe(by))
    return Markup(between.join(str(_safe(part)) for part in parts))


def figure(drawn: str, *caption: str, class_: str | None = None) -> Markup:
    """Give a drawing with its caption."""
    return tag("figure", drawn, tag("figcaption", *caption), class_=class_)


def paragraph(*sentences: str, class_: str | None = None) -> Markup:
    """Give a paragraph of the sentences that are not empty; nothing where all are."""
    said = " ".join(each for each in sentences if each)
    return tag("p", said, class_=class_) if said else Markup("")


def note(*sentences: str) -> Markup:
    """Give a paragraph in small print."""
    return paragraph(*sentences, class_="note")


def bullets(texts: Iterable[str]) -> Markup:
    """Give a list; nothing where there is nothing to list."""
    items = [tag("li", text) for text in texts]
    return tag("ul", *items) if items else Markup("")


def seen(text: str) -> str:
    """Show what cannot be seen as what it is not; markup stays as it is."""
    return text if hasattr(text, "__html__") else UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)


def _safe(part: str) -> str:
    return part if hasattr(part, "__html__") else escape(seen(part))
