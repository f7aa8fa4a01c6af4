"""The answer to a question in short, as a page of several answers shows it: sentences, and one picture at most."""

from dataclasses import dataclass

__all__ = ["Brief", "Pairs", "Stairs"]


@dataclass(frozen=True)
class Pairs:
    """Two figures of each row, to be drawn as bars: the words of a row, the first figure, the second."""

    title: str
    names: tuple[str, str]
    rows: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Stairs:
    """What so much of something (`xs`, rising) buys at best (`ys`), to be drawn as stairs."""

    title: str
    axis: str
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    falls: bool = False


@dataclass(frozen=True)
class Brief:
    """A question by its key, a sentence or two, one picture at most, and its figures as rows."""

    key: str
    texts: tuple[str, ...]
    picture: Pairs | Stairs | None = None
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
