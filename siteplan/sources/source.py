"""Where inputs are published: one entry of `sources.yaml` each, and what is told of every file that was taken from one.

A user's own file of entries is read beside the project's; an entry of a name that is there already replaces it.
"""

import os
import string
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import quote, urlsplit

from pydantic import Field, ValidationError, field_validator

from siteplan.config.problems import problems
from siteplan.config.profiles import Model
from siteplan.errors import StudyError, listed
from siteplan.yamls import read_yaml

__all__ = ["SOURCES", "Got", "Kind", "Source", "Used", "address", "best_sources", "mirrored", "sources", "url"]

SOURCES = Path(__file__).with_name("sources.yaml")
Kind = Literal[
    "place", "communes", "extract", "population", "timetables", "terrain", "flows", "workplaces", "broadband"
]
WORLD, EUROPE = "world", "europe"
# The European Union, the EFTA and the United Kingdom: what Eurostat's grids and boundaries hold.
EUROPEAN = frozenset(
    "AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
)


class Source(Model):
    """One place where a kind of input is published."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="how it is called in --source and SITEPLAN_URL_...")
    kind: Kind = Field(description="what it gives")
    title: str = Field(description="its name, as a reader knows it")
    urls: dict[str, str] = Field(min_length=1, description="addresses by what they give; {fields} are filled in")
    hosts: tuple[str, ...] = Field(
        default=(), description="further hosts that its addresses lead to; .example.org stands for all below it"
    )
    covers: tuple[str, ...] = Field(default=(WORLD,), description="countries (ISO 3166-1 alpha-2), europe or world")
    licence: str = Field(description="its short name, such as CC-BY-4.0")
    licence_url: str = Field(default="", description="where the licence is written")
    attribution: str = Field(description="what must be said wherever the data show")
    vintage: str = Field(default="", description="of when the data are")
    format: str = Field(default="", description="how the files are written")
    partial: bool = Field(default=False, description="whether a part of a file can be read without the rest")
    pause: float = Field(default=0, ge=0, description="seconds between two requests that its host asks for")
    rank: int = Field(default=1, description="of several of a kind that cover a place, the lowest is used")

    @field_validator("urls")
    @classmethod
    def _are_addresses(cls, urls: dict[str, str]) -> dict[str, str]:
        for text in urls.values():
            parts = urlsplit(text)
            if parts.scheme not in ("http", "https") or not parts.hostname or "{" in parts.netloc:
                raise ValueError(f"'{text}' is no address; expected https://host/path, with fields in the path alone")
        return urls

    def serves(self, country: str) -> bool:
        """Tell whether it covers a country (alpha-2; "" where that is not known)."""
        return WORLD in self.covers or country in self.covers or (EUROPE in self.covers and country in EUROPEAN)

    def allows(self, host: str) -> bool:
        """Tell whether its addresses may lead to a host."""
        exact = {urlsplit(text).hostname for text in self.urls.values()} | {*self.hosts}
        return host in exact or any(each.startswith(".") and host.endswith(each) for each in self.hosts)


@dataclass(frozen=True)
class Used:
    """One file that was taken from a source, for `sources.json`; the address is the source's own, not a mirror's."""

    source: str
    url: str
    licence: str
    attribution: str
    vintage: str
    digest: str  # SHA-256 of the bytes
    bytes: int


@dataclass(frozen=True)
class Got:
    """What a kind of input gave: files in the folder, by the keys of a study that name them.

    Attributes
    ----------
    inputs
        Keys below `inputs` (or `area.communes`), each with the name of a file in the folder, or several.
    settings
        Other keys of the study, dotted, such as `inputs.population.people`.
    used
        Every file that was taken from a source.
    notes
        What is missing and what to do by hand, what was dropped and how much; a sentence each.
    """

    inputs: dict[str, str | list[str]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    used: list[Used] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sources(kind: str | None = None, *files: Path) -> list[Source]:
    """Read the entries of a kind (or all), the best first.

    Parameters
    ----------
    kind
        One of `Kind`; None stands for all.
    files
        Further files of entries, written like `sources.yaml`.

    Raises
    ------
    StudyError
        A kind that is none, or an entry that is wrong: file, entry and key.
    InputError
        A file that cannot be read.

    Examples
    --------
    >>> [source.name for source in sources("place")]
    ['geo_api', 'nominatim']
    """
    if kind is not None and kind not in get_args(Kind):
        raise StudyError(f"kind: found '{kind}'; expected any of {listed(get_args(Kind))}")
    found: dict[str, Source] = {}
    for file in (SOURCES, *files):
        raw = read_yaml(file, "sources (YAML: name: {kind: ..., urls: ...})")
        if not isinstance(raw, dict) or not all(isinstance(entry, dict) for entry in raw.values()):
            raise StudyError(f"{file}: expected an entry for each source, such as name: {{kind: ..., urls: ...}}")
        for name, entry in raw.items():
            try:
                found[str(name)] = Source(**{"name": str(name), **entry})
            except ValidationError as error:
                raise StudyError(f"{file}: {name}: {'; '.join(problems(error, Source))}") from None
    every = [source for source in found.values() if kind in (None, source.kind)]
    return sorted(every, key=lambda source: (source.kind, source.rank, source.name))


def best_sources(kind: str, country: str, named: str = "", files: Iterable[Path] = ()) -> list[Source]:
    """Return the sources of a kind that cover a country, the best first; or the one that is named.

    Raises
    ------
    StudyError
        No source of the kind has the name.
    """
    every = sources(kind, *files)
    if not named:
        return [source for source in every if source.serves(country)]
    chosen = [source for source in every if source.name == named]
    if not chosen:
        raise StudyError(f"--source {kind}={named}: no such source; expected any of {listed(s.name for s in every)}")
    return chosen


def url(source: Source, what: str, **fields: object) -> str:
    """Fill one of a source's addresses; values are quoted, slashes too.

    Examples
    --------
    >>> url(sources("place")[0], "commune", code="03190").partition("?")[0]
    'https://geo.api.gouv.fr/communes/03190'
    """
    template = source.urls[what]
    quoted = {name: quote(str(value), safe="") for name, value in fields.items()}
    return string.Formatter().vformat(template, (), quoted)


def mirrored(source: Source, wanted: str) -> str:
    """Return an address as it is asked for: at the mirror that SITEPLAN_URL_<NAME> names, where it names one.

    The mirror stands in the place of scheme and host; its own path, if it has one, comes before the address's.
    """
    mirror = os.environ.get(f"SITEPLAN_URL_{source.name.upper()}", "").rstrip("/")
    parts = urlsplit(wanted)
    if not mirror or _origin(wanted) == _origin(mirror):
        return wanted
    return mirror + (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def address(source: Source, wanted: str) -> str:
    """Return an address as it is asked for, after a look at where it leads.

    Raises
    ------
    StudyError
        It leads to a host that is none of the source's, or is no http(s) address.
    """
    parts, asked = urlsplit(wanted), mirrored(source, wanted)
    mirror = os.environ.get(f"SITEPLAN_URL_{source.name.upper()}", "")
    at_mirror = bool(mirror) and _origin(wanted) == _origin(mirror)
    if parts.scheme not in ("http", "https") or not (at_mirror or source.allows(parts.hostname or "")):
        raise StudyError(
            f"{source.name}: leads to {parts.scheme}://{parts.hostname}, which is none of the hosts of {source.title}; "
            "nothing was asked there. Download the file by hand if you trust it, or name the host in your own sources"
        )
    return asked


def _origin(wanted: str) -> tuple[str, str]:
    parts = urlsplit(wanted)
    return parts.scheme, parts.netloc
