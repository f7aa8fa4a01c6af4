"""The names of counted columns, made and read in one place.

A `Measure` says how many of whom, by which mode, within how many minutes or metres. Its column has a short name such as
`unique_workers_walk_15` (of metres `unique_workers_walk_800m`), as far as that name tells it from all other
measures; where it would not (a group called `unique`, a mode with an underscore), the long one,
`reached__unique__walk__15`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import pandas as pd

from siteplan.errors import InputError
from siteplan.units import Unit

__all__ = [
    "BEST",
    "COUNTED",
    "PEOPLE",
    "Measure",
    "by_mode",
    "check_groups",
    "decayed_measures",
    "measures",
    "mode_order",
    "score_measures",
    "speeds",
]

PEOPLE = "people"  # everybody, beside the groups
BEST = "best"  # the least minutes of any mode
# As a reader expects them; others follow, then `best`.
MODES = ("walk", "slow_walk", "bike", "calm", "pedelec", "transit")
COUNTED = ("reached", "unique", "added")


@dataclass(frozen=True)
class _Kind:
    """How the short name of a kind of measure is put together: what stands around group, mode and minutes."""

    before: str = ""
    after: str = ""
    groups: bool = False
    limited: bool = False


# In the order in which a name is tried: of two readings that fit, the first holds.
_KINDS = MappingProxyType(
    {
        "unique": _Kind(before="unique_", groups=True, limited=True),
        "added": _Kind(before="added_", groups=True, limited=True),
        "covered": _Kind(before="covered_", limited=True),
        "before": _Kind(before="before_", limited=True),
        "after": _Kind(before="after_", limited=True),
        "reached": _Kind(groups=True, limited=True),
        "decayed": _Kind(before="decayed_", groups=True),
        "minutes": _Kind(before="minutes_"),
        "site": _Kind(before="site_"),
        "desks_per_person": _Kind(before="desks_per_person_"),
        "kmh": _Kind(after="_kmh"),
    }
)


@dataclass(frozen=True, order=True)
class Measure:
    """One figure by site, cell or point: what of it, of whom, by which mode, within how many minutes.

    Parameters
    ----------
    kind
        Of a site: people `reached`, `unique` (by no other site), `added` (to what existing sites reach), `decayed`
        (weighted by nearness). Of a cell or point: the share `covered`, `minutes` to the nearest `site`,
        `desks_per_person`. Of a mode: its speed, `kmh`. Of a territory: people with an open site `before` and `after`
        the choice.
    group
        People or the name of a group; always people but for the kinds of a site.
    mode
        A mode, or `best`.
    minutes
        The limit, for the kinds that have one.
    unit
        What the limit counts: minutes or metres.
    """

    kind: str
    group: str
    mode: str
    minutes: float | None = None
    unit: Unit = "minutes"

    def __post_init__(self) -> None:
        limited, groups = _KINDS[self.kind].limited, _KINDS[self.kind].groups
        if limited != (self.minutes is not None) or not (groups or self.group == PEOPLE):
            raise ValueError(f"no measure {self.kind} of {self.group} with minutes {self.minutes}")

    @property
    def column(self) -> str:
        """What its column is called: the short name where that says it all, else the long one."""
        return self._short if _read_short(self._short) == self else self._long

    @classmethod
    def read(cls, name: str) -> "Measure | None":
        """Tell which measure a column holds; None where it is something else."""
        return _read_long(name) or _read_short(name)

    @property
    def limit(self) -> float:
        """The minutes (or metres) of a kind that has a limit."""
        return math.nan if self.minutes is None else self.minutes

    @property
    def _short(self) -> str:
        kind = _KINDS[self.kind]
        named = kind.groups and (self.group != PEOPLE or self.kind == "reached")
        parts = [*([self.group] if named else []), self.mode, *self._written]
        return f"{kind.before}{'_'.join(parts)}{kind.after}"

    @property
    def _long(self) -> str:
        return "__".join([self.kind, _escaped(self.group), _escaped(self.mode), *self._written])

    @property
    def _written(self) -> list[str]:
        return [] if self.minutes is None else [_figure(self.minutes) + ("m" if self.unit == "metres" else "")]


def _read_long(name: str) -> Measure | None:
    kind, *parts = name.split("__")
    if kind not in _KINDS or len(parts) != 2 + _KINDS[kind].limited:
        return None
    limit = _limit(parts.pop()) if _KINDS[kind].limited else None
    group, mode = map(_plain, parts)
    if (limit is None) == _KINDS[kind].limited or not (_KINDS[kind].groups or group == PEOPLE):
        return None
    found = Measure(kind, group, mode, *(limit or ()))
    return found if found.column == name else None


@lru_cache(maxsize=10_000)  # the columns of all tables
def _read_short(name: str) -> Measure | None:
    head, _, tail = name.rpartition("_")
    limit = _limit(tail)
    for known, kind in _KINDS.items():
        whole = name if not kind.limited else head if limit is not None else ""
        if not (whole.startswith(kind.before) and whole.endswith(kind.after)):
            continue
        group, mode = _group_and_mode(whole[len(kind.before) : len(whole) - len(kind.after)], kind)
        if group and mode:
            found = Measure(known, group, mode, *(limit or ()) if kind.limited else ())
            if found._short == name:
                return found
    return None


def _group_and_mode(text: str, kind: _Kind) -> tuple[str, str]:
    """Cut a short name into group and mode: the mode is one that is known with an underscore, or the last word."""
    if not kind.groups or (kind.before and text in MODES):
        return PEOPLE, text
    mode = next((mode for mode in MODES if "_" in mode and text.endswith(f"_{mode}")), text.rpartition("_")[2])
    return text[: -len(mode) - 1] or (PEOPLE if kind.before else ""), mode


def _figure(minutes: float) -> str:
    short = f"{minutes:g}"
    return short if float(short) == minutes else repr(float(minutes))


def _limit(text: str) -> tuple[float, Unit] | None:
    """Read minutes, or metres with their m, that were written by `_figure`; None for anything else."""
    figure = text.removesuffix("m")
    try:
        limit = float(figure)
    except ValueError:
        return None
    unit: Unit = "minutes" if figure == text else "metres"
    return (limit, unit) if math.isfinite(limit) and _figure(limit) == figure else None


def _escaped(part: str) -> str:
    """Write a part of a long name so that none ends, begins or is cut where it should not be."""
    if "%" not in part and "__" not in f"_{part}_":
        return part
    return part.replace("%", "%25").replace("_", "%5F") or "%"


def _plain(part: str) -> str:
    return "" if part == "%" else part.replace("%5F", "_").replace("%25", "%")


def score_measures(
    modes: Sequence[str],
    limits: Sequence[float] | Mapping[str, Sequence[float]],
    groups: Sequence[str],
    unit: Unit = "minutes",
) -> list[Measure]:
    """List the counted columns of a score table, in their order; `limits` are of all modes, or by mode and `best`."""
    of = limits if isinstance(limits, Mapping) else dict.fromkeys(modes, limits)
    return [
        Measure(kind, group, mode, float(limit), unit)
        for mode in modes
        for limit in of[mode]
        for group in (PEOPLE, *groups)
        for kind in COUNTED
    ]


def decayed_measures(modes: Sequence[str], groups: Sequence[str]) -> list[Measure]:
    """List the columns of a score table that count people by nearness, in their order."""
    return [Measure("decayed", group, mode) for mode in modes for group in (PEOPLE, *groups)]


def measures(table: pd.DataFrame, kinds: Collection[str] = COUNTED) -> list[Measure]:
    """List the measures of some kinds that a table holds, in its order.

    Of the counted columns, those whose mode has a speed or a column of people: a table of sites may hold columns of
    its own that merely look alike.
    """
    found = [measure for measure in map(Measure.read, map(str, table)) if measure is not None]
    modes = {each.mode for each in found if (each.kind, each.group) in (("kmh", PEOPLE), ("reached", PEOPLE))} | {BEST}
    return [each for each in found if each.kind in kinds and (each.kind not in COUNTED or each.mode in modes)]


def by_mode(table: pd.DataFrame, kind: str) -> dict[str, str]:
    """Give the columns of one kind by their mode, the modes as a reader expects them."""
    found = {measure.mode: measure.column for measure in measures(table, [kind])}
    return {mode: found[mode] for mode in sorted(found, key=mode_order)}


def speeds(scores: pd.DataFrame) -> dict[str, float]:
    """Give the speed of each mode in km/h, as the scores say it."""
    kmh = measures(scores, ["kmh"])
    return {each.mode: float(scores[each.column].iloc[0]) for each in kmh if len(scores)}


def mode_order(mode: str) -> tuple[int, str]:
    """Give the key that sorts modes for a reader: the slower first, `best` last."""
    if mode in MODES:
        return MODES.index(mode), mode
    return len(MODES) + (mode == BEST), mode


def check_groups(groups: Sequence[str], whose: str, taken: Collection[str] = ("mode", "minutes")) -> None:
    """Refuse groups of people whose names stand for something else in tables that have a column for each group.

    Raises
    ------
    InputError
        Naming those that are `taken`, the share of another group (`workers_share` beside `workers`), a measure of cells
        (`minutes_walk`) or another group but for case, which a GeoPackage does not tell apart.
    """
    shares = {f"{group}_share" for group in (PEOPLE, *groups)}
    named = [group for group in groups if group.lower() in taken or group in shares or _of_cells(group)]
    if named:
        raise InputError(
            f"{whose}: a group cannot be called {', '.join(named)}: siteplan uses that name itself; rename it"
        )
    first: dict[str, str] = {}
    for group in groups:
        if first.setdefault(group.lower(), group) != group:
            raise InputError(f"{whose}: groups {first[group.lower()]} and {group} differ by case alone; rename one")


def _of_cells(name: str) -> bool:
    measure = Measure.read(name.lower())
    return measure is not None and measure.kind in ("covered", "minutes", "site", "desks_per_person")
