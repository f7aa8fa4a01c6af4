"""What layers and their columns are called where a program lists them: titles, abstracts and names of columns."""

from collections.abc import Sequence

from siteplan.catalogue import Measure
from siteplan.catalogue.tables import is_uptake
from siteplan.words import Words

__all__ = ["abstract", "column_caption", "title"]


def title(layer: str, words: Words) -> str:
    """Give the title of a layer; one that is none of the catalogue's has its own name."""
    return words.get(f"title_{layer}", layer)


def abstract(layer: str, words: Words, credits: Sequence[str] = ()) -> str:  # noqa: A002 - the word for it
    """Say what a layer holds, and whose data it is made of."""
    return " ".join([*([words[f"about_{layer}"]] if f"about_{layer}" in words else []), *credits])


def column_caption(name: str, words: Words) -> str:
    """Say in words what a column holds; nothing where its own name says all there is to say."""
    if f"column_{name}" in words:
        return words[f"column_{name}"]
    measure = Measure.read(name)
    if measure is not None and f"measure_{measure.kind}" in words:
        limit = "" if measure.minutes is None else f"{words.number(measure.minutes)} {words[_unit(measure)]}"
        said = {"group": words.group(measure.group), "mode": words.mode(measure.mode), "limit": limit}
        return words.text(f"measure_{measure.kind}", **said)
    if is_uptake(name):
        return words.text("measure_uptake", share=words.percent(float(name[len("desks_") : -len("pct")])))
    return words.get(f"group_{name}", "")


def _unit(measure: Measure) -> str:
    return "metre" if measure.unit == "metres" else "minute"
