"""Results for the terminal, in the words of a language: tables, and sentences that explain them.

Text from the data is printed as it is, never as markup. `full` says that sites may be full: people are served then, not
merely within reach.
"""

import math
import textwrap
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd

from siteplan.analysis.equity import TOTAL
from siteplan.catalogue import BEST, PEOPLE, Measure, by_mode, measures, speeds
from siteplan.config import TRANSIT, Public
from siteplan.errors import listed
from siteplan.objectives import Objective, objective_names
from siteplan.output.coverage import (
    at_limit,
    counted,
    cycles,
    limits_of,
    nearly_cycling,
    planned_of,
    public_name,
    rows_at,
    way_name,
)
from siteplan.output.publics import publics_told
from siteplan.units import Unit
from siteplan.words import NONE, Said, Words, load_words

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from siteplan.siting.choice import Choice

__all__ = [
    "choice_summary",
    "print_changes",
    "print_choice",
    "print_coverage",
    "print_each",
    "print_frontier",
    "print_scenarios",
    "print_scores",
    "printable",
]

NAME_WIDTH = 14  # characters of a name that stay in one line
WORST = 3  # communes named with their floors
COUNTED = ("people", "added", "gain", "alone", "served", "turned_away", "cost")
PHASES = ("phase", "count", "budget", "value", "alone", "loss", "loss_share", "opens")


@dataclass(frozen=True)
class Column:
    """A heading with the texts below it: numbers to the right, names broken into lines where room is scarce."""

    heading: str
    texts: Sequence[str]
    number: bool = True
    name: bool = False


def printable(text: object) -> str:
    """Show control characters, which could drive a terminal, as what they are not."""
    seen = (char.isprintable() or unicodedata.category(char) == "Zs" for char in str(text))
    return "".join(char if known else "\N{REPLACEMENT CHARACTER}" for char, known in zip(str(text), seen, strict=True))


def _print(console: "Console", columns: Sequence[Column], lines: Iterator[str]) -> None:
    """Print a table, never cut, and lines below it; text from the data is printed as it is, never as markup."""
    from rich.text import Text

    if columns:
        table = _table(columns)
        least = _least(table, console)
        table.width = least if least > console.width else None
        console.print(table, crop=False)
    for line in lines:
        console.print(Text(line))


def _table(columns: Sequence[Column]) -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for column in columns:
        if column.name:
            longest = max(map(len, column.texts), default=0)
            table.add_column(Text(column.heading), overflow="fold", min_width=min(longest, NAME_WIDTH))
        else:
            table.add_column(Text(column.heading), justify="right" if column.number else "left", no_wrap=True)
    for row in zip(*(column.texts for column in columns), strict=True):
        table.add_row(*map(Text, row))
    return table


def _least(table: "Table", console: "Console") -> int:
    """Return the width below which the table would lose something."""
    from rich.measure import Measurement

    return Measurement.get(console, console.options.update_width(10_000), table).minimum


def _spoken(value: Any, words: Words) -> str:
    """Give a value as a person reads it."""
    if isinstance(value, str):
        return printable(value)
    text = words.spoken(round(value, 1) if isinstance(value, float) else value)
    return "-" if text == NONE else text


# ---- scores ----


def print_scores(
    scores: pd.DataFrame,
    n: int,
    console: "Console",
    *,
    weights: Mapping[str, float] = MappingProxyType({}),
    rides: Collection[str] = (TRANSIT.name,),
    language: str = "en",
) -> None:
    """Print the first `n` sites by rank: whom they reach and add, their scores, and what all that means.

    Where the console is too narrow, columns are left out (and named), never figures cut. `rides` are the modes of
    public transport, whose speed is that on foot.
    """
    words = load_words(language, "terminal")
    ranked = (scores.sort_values("rank", kind="stable") if "rank" in scores else scores).head(n).reset_index()
    columns = _score_columns(ranked, words)
    left_out: list[str] = []
    for name in _expendable(columns):
        if _least(_table(list(columns.values())), console) <= console.width:
            break
        left_out.append(" ".join(columns.pop(name).heading.split()))
    shown = words.text("shown", shown=len(ranked), all=len(scores))
    how: dict[str, Any] = {"weights": weights, "left_out": left_out, "shown": shown, "rides": rides}
    _print(console, list(columns.values()), _explained(scores, columns, **how, words=words))


def _score_columns(ranked: pd.DataFrame, words: Words) -> dict[str, Column]:
    """Give the columns worth printing, by their names."""
    found = [measure for measure in measures(ranked) if measure.group == PEOPLE]
    reached = {
        each.column: f"{each.mode}\n{_limit(each.limit, each.unit, words)}" for each in found if each.kind == "reached"
    }
    adds = [each.column for each in found if each.kind == "added"][-1:]
    named = "name" in ranked and not (ranked["name"].astype(str) == ranked["site"].astype(str)).all()
    first = ["rank", "site", *(["name"] if named else []), "status"]
    headings = {name: words[name] for name in first} | reached | dict.fromkeys(adds, words["added"])
    columns = {}
    for name, heading in (headings | {"score": words["score"]}).items():
        if name in ranked:
            texts = [_score_text(name, value, words) for value in ranked[name].tolist()]
            columns[name] = Column(heading, texts, name not in ("site", "name", "status"), name == "name")
    return columns


def _limit(limit: float, unit: Unit, words: Words) -> str:
    """Write a limit with its unit."""
    return f"{limit:g} {words['minute' if unit == 'minutes' else 'metre']}"


def _unit(choice: "Choice") -> Unit:
    """Return what the limit of a choice counts."""
    return "metres" if "metres" in choice.summary else "minutes"


def _score_text(name: str, value: Any, words: Words) -> str:
    if name == "status":
        return printable(words.get(str(value), str(value)))
    return words.number(value, 1) if name == "score" and pd.notna(value) else _spoken(value, words)


def _expendable(columns: Mapping[str, Column]) -> list[str]:
    """Name what a narrow terminal can do without, the first to go first: any mode, ids beside names, the rest."""
    found = {name: measure for name in columns if (measure := Measure.read(name)) is not None}
    reached = [name for name, measure in found.items() if measure.kind == "reached"][::-1]
    best = [name for name in reached if found[name].mode == BEST]
    others = [name for name in reached if name not in best]
    ids = ["site"] if "name" in columns else []
    tail = [name for name in columns if name == "status" or (name in found and name not in reached)]
    return [*best[1:], *ids, *best[:1], *others[:-1], *tail, *others[-1:]]


def _explained(
    scores: pd.DataFrame,
    columns: Mapping[str, Column],
    *,
    weights: Mapping[str, float],
    left_out: list[str],
    shown: str,
    rides: Collection[str],
    words: Words,
) -> Iterator[str]:
    """Say what stands in the table, and what does not."""
    spoken = ", ".join(
        words.text("speed_on_foot" if mode in rides else "speed", mode=mode, speed=speed)
        for mode, speed in speeds(scores).items()
        if math.isfinite(speed)
    )
    yield words.text("shown_speeds", shown=shown, speeds=spoken) if spoken else shown
    for measure in measures(scores):
        if measure.column in columns and measure.kind == "added":
            mode = words.mode(measure.mode)
            yield words.text(
                "adds_note", limit=_limit(measure.limit, measure.unit, words), mode=mode, column=measure.column
            )
    used = {name: weight for name, weight in weights.items() if weight}
    if len(used) == 1:
        yield words.text("score_one", name=next(iter(used)))
    elif used:
        yield words.text("score_parts", parts=", ".join(f"{name} x{weight:g}" for name, weight in used.items()))
    if left_out:
        yield words.text("narrow", names=", ".join(left_out))


# ---- a choice ----


def print_choice(
    choice: "Choice", console: "Console", *, full: bool = False, language: str = "en", currency: str = ""
) -> None:
    """Print the chosen sites in the order to open them, the phases if there are any, and how good they are."""
    words = load_words(language, "terminal")
    sites = choice.sites.reset_index()
    counted = [name for name in COUNTED if name in sites and _worth_showing(choice, name, words)]
    sites["order"] = sites["order"].where(sites["order"] > 0)  # what exists does not open
    named = [name for name in ("order", "phase", "site", "name", "status") if name in sites]
    _print(console, _choice_columns(sites[[*named, *counted]], words, currency), iter(()))
    if choice.phases is not None:
        shown = choice.phases.reset_index()
        shown["loss_share"] *= 100
        shown = shown[[name for name in PHASES if name in shown]]
        _print(console, _choice_columns(shown.rename(columns={"alone": "best_alone"}), words, currency), iter(()))
    summary = choice_summary(choice, full=full, language=language)
    _print(console, (), iter([summary, *_figures(choice, full, words, currency), _meaning(choice, counted, words)]))


def _choice_columns(table: pd.DataFrame, words: Words, currency: str) -> list[Column]:
    columns = []
    for name in map(str, table):
        number = pd.api.types.is_numeric_dtype(table[name])
        decimals = 1 if name == "loss_share" else 0
        texts = [
            "-" if number and pd.isna(value)
            else words.number(value, decimals) if number
            else printable(words.get(str(value), str(value)) if name == "status" else value)
            for value in table[name]
        ]  # fmt: skip
        heading = words[f"col_{name}"]
        heading = words.priced(heading, currency) if name in ("cost", "budget") else heading
        columns.append(Column(heading, texts, number, name in ("name", "opens")))
    return columns


def choice_summary(choice: "Choice", *, full: bool = False, language: str = "en") -> str:
    """Say in one sentence what was reached and how far from the best possible it is; `full` where sites may be full."""
    words = load_words(language, "terminal")
    proof = words["proof_best"] if choice.gap == 0 else words.text("proof_gap", gap=words.percent(100 * choice.gap, 2))
    greedy = "" if pd.isna(choice.greedy) else words.text("greedy", greedy=words.number(choice.greedy, 0))
    if pd.isna(choice.bound):
        proof = words["proof_none"]
    elif _said(choice, "beyond", words) and choice.value > choice.summary[_unit(choice)]:
        # Only that is proven: how many are left out was not what was to be least.
        proof, greedy = words["proof_beyond" if choice.gap == 0 else "proof_not_beyond"], ""
    cut = words["clock"] if choice.summary.get("ended") == "clock" else ""
    return (
        words.text("summary", objective=choice.objective, worth=_worth(choice, full, words), proof=proof) + greedy + cut
    )


def _said(choice: "Choice", kind: str, words: Words) -> str:
    """Give what the language says of the objective, else what the objective says itself; empty if neither does."""
    goal: Objective = objective_names()[choice.objective]
    return words.get(f"{kind}_{goal.name}", goal.words.get(kind, ""))


def _worth(choice: "Choice", full: bool, words: Words) -> str:
    """Say the value in the unit of its objective."""
    told = choice.summary
    group, out, beyond = (
        words.group(told["group"]),
        told["people"] - told["covered"],
        told["coverable"] - told["covered"],
    )
    figures = {"value": choice.value, **{name: told[name] for name in ("covered", "coverable")}, "beyond": beyond}
    text = (_said(choice, "beyond", words) if beyond > 1e-6 else "") or _said(choice, "told", words)
    missed = words.text("missed", people=words.number(out, 0), penalty=f"{told['penalty']:g}")
    return words.fill(
        text,
        **{name: words.number(figure, 0) for name, figure in figures.items()},
        group=group,
        everybody=f"{words.number(told['people'], 0)} {group}",
        limit=_limit(told[_unit(choice)], _unit(choice), words),
        unit=words[f"unit_{_unit(choice)}"],
        reached=words["served" if full else "covered"],
        sites=words["col_count" if choice.value == told["sites"] else "of_cost"],
        missed=missed if out >= 0.5 else words["all_served"],
    )


def _worth_showing(choice: "Choice", name: str, words: Words) -> bool:
    """Leave out columns that say nothing of this choice."""
    if name == "turned_away":
        return bool((choice.sites[name] > 0).any())
    return name != "gain" or bool(_said(choice, "gained", words))


def _figures(choice: "Choice", full: bool, words: Words, currency: str) -> Iterator[str]:
    """Say whom the choice covers, what it costs, and what the communes with floors have."""
    told = choice.summary
    counts = {name: words.number(told[name], 0) for name in ("covered", "people", "today", "coverable", "cost")}
    figures = []
    if told["limited"] and "{reached}" not in _said(choice, "told", words):  # else it is said already
        key, group = "within_served" if full else "within", words.group(told["group"])
        figures = [words.text(key, group=group, limit=_limit(told[_unit(choice)], _unit(choice), words), **counts)]
    yield words["semicolon"].join([*figures, words.text("reach", **counts)])
    if told["cost"] or told["cost_unknown"]:
        cost = words.money(told["cost"], currency)
        yield words.text("costs", count=told["cost_unknown"], **{**counts, "cost": cost})
    floors = told.get("floors")
    if floors:
        # A commune without people has no share.
        reached = sorted((share, name) for name, share in told["territories"].items() if share >= 0)
        most = "floor" in told
        if most:
            key = "floor" if told["floor_bound"] > told["floor"] + 1e-6 else "floor_highest"
            bounds = {name: words.percent(100 * told[name], 1) for name in ("floor", "floor_bound")}
            yield words.text(key, **bounds)
        lowest = [
            f"{name} {words.percent(100 * share, 1)}"
            if most
            else words.text(
                "asked", name=name, share=words.percent(100 * share, 0), floor=words.percent(100 * floors[name], 0)
            )
            for share, name in reached
            if floors[name] > 0
        ]
        yield words.text("lowest", names=listed(lowest, most=WORST))


def _meaning(choice: "Choice", counted: Sequence[str], words: Words) -> str:
    """Explain the columns."""
    meant = {name: words.get(f"meant_{name}", "") for name in counted} | {
        "gain": _said(choice, "gained", words).replace("{unit}", words[f"unit_{_unit(choice)}"])
    }
    if not choice.summary["limited"]:
        meant["people"] = words["meant_people_free"]
    told = [words["colon"].join((words[f"col_{name}"], meant[name])) for name in counted if meant[name]]
    if choice.phases is not None:
        told.append(words["colon"].join((words["col_best_alone"], words["meant_best_alone"])))
    return words["semicolon"].join(told)


def print_frontier(
    table: pd.DataFrame,
    console: "Console",
    *,
    names: Mapping[str, str],
    asked: Mapping[str, Any],
    language: str = "en",
    currency: str = "",
) -> None:
    """Print what so much money buys at best, however many sites; `asked` is what the study asked of the choice."""
    words = load_words(language, "report", "terminal")
    goal = objective_names()[str(asked.get("objective") or "coverage")]
    rows = table.sort_values("cost", kind="stable")
    opens = [
        words.listed(words.set_off(printable(names.get(site, site))) for site in sites.split(", ")) if sites else NONE
        for sites in rows["opens"].fillna("").astype(str)
    ]
    who = words.group(str(asked.get("group") or "people"))
    value = words.fill(words.get(f"value_{goal.name}", goal.words.get("value", goal.name)), who=who)
    columns = [
        Column(words.priced(words["col_cost"], currency), [words.number(cost) for cost in rows["cost"]]),
        Column(words["open_in_all"].lower(), [words.spoken(each) for each in rows["sites"]]),
        Column(value[:1].lower() + value[1:], [words.count(each) for each in rows["value"]]),
        Column(words["opens"].lower(), opens, number=False, name=True),
    ]
    _print(console, columns, iter([words["frontier_note"]]))


def print_each(table: pd.DataFrame, console: "Console", *, language: str = "en", currency: str = "") -> None:
    """Print what each territory has and gets: who has an open site by the best of the modes, what opens and its cost.

    `table` is that of `run_each`; of a territory without results it is told why.
    """
    words = load_words(language, "report", "terminal")
    done = table["error"] == ""
    columns = [
        Column(words["name"], list(map(printable, table["name"])), number=False, name=True),
        Column(words["col_people"], [words.count(each) for each in table["people"]]),
    ]
    for kind, heading in (("before", "open_today"), ("after", "open_chosen")):
        named = by_mode(table, kind)
        if named:
            covered = (table[list(named.values())[-1]] / table["people"]).where(done)
            shares = ["" if pd.isna(each) else words.share(each) for each in covered]
            columns.append(Column(f"{words[heading]}\n{list(named)[-1]}", shares))
    columns.append(Column(words["opens"].lower(), [words.count(each) for each in table["opened"]]))
    if "cost" in table:
        costs = ["" if pd.isna(each) else words.number(each) for each in table["cost"]]
        columns.append(Column(words.priced(words["col_cost"], currency), costs))
    if not done.all():
        columns.append(Column(words["no_results"], list(map(printable, table["error"])), number=False, name=True))
    _print(console, columns, iter([]))


# ---- coverage by mode ----


def print_coverage(
    table: pd.DataFrame,
    limit: float,
    console: "Console",
    *,
    profiles: Mapping[str, Mapping[str, Any]] | None = None,
    publics: Sequence[Public] = (),
    language: str = "en",
) -> None:
    """Print who has an open site by each mode and by all together; then groups and publics, if there are any.

    Of a mode that has no such limit, the next smaller one counts. `profiles` are the modes as the study describes them;
    the walks of those that ride are told, and where the best of all is nearly that of those who cycle, that is said.
    """
    known = {TRANSIT.name: TRANSIT.model_dump()} if profiles is None else profiles
    rides = [mode for mode, profile in known.items() if "window" in profile]
    wheels = [mode for mode, profile in known.items() if cycles(profile)]
    titles = {mode: profile["title"] for mode, profile in known.items() if profile.get("title")}
    words = load_words(language, "terminal").with_modes(titles)
    kept, limits = at_limit(table, limit), limits_of(table, limit)
    openings = list(dict.fromkeys(kept["open"].astype(str)))
    unit: Unit = "minutes" if "minutes" in table else "metres"
    ways = [printable(way_name(mode, words, rides, publics)) for mode in limits]
    within = [_limit(each, unit, words) for each in limits.values()]
    columns = [Column(words["by_way"], ways, number=False), Column(words["within_limit"], within)]
    for name in openings:
        texts = [_part(*counted(kept, name, mode), words) for mode in limits]
        columns.append(Column(words[f"open_{name}"], texts))
    said = (
        publics_told(publics, [mode for mode in limits if mode != BEST], words),
        nearly_cycling(kept, wheels, words),
    )
    _print(console, columns, filter(None, said))
    parts = {words.group(name): {"group": name} for name in dict.fromkeys(kept["group"].astype(str)) if name != PEOPLE}
    called = {each.name: each.title for each in publics}
    parts |= {
        public_name(name, called.get(name, {}), words): {"public": name}
        for name in dict.fromkeys(kept["public"].astype(str))
        if name != TOTAL
    }
    if parts:
        planned = planned_of(kept)
        columns = [Column(words[f"open_{planned}"], list(map(printable, parts)), number=False, name=True)]
        for mode in limits:
            texts = [_part(*counted(kept, planned, mode, **part), words) for part in parts.values()]
            way = printable(way_name(mode, words, rides))
            columns.append(Column("\n".join(textwrap.wrap(way, NAME_WIDTH)), texts))
        _print(console, columns, iter(()))


def _part(covered: float, people: float, words: Words) -> str:
    """Write how many, and of how many as a share."""
    return words.text("count_share", count=words.count(covered), share=words.share(covered, people))


# ---- changes ----


def print_changes(changes: pd.DataFrame, console: "Console", *, language: str = "en") -> None:
    """Print who gains and loses by commune: all people, by any mode, within the largest limit."""
    words = load_words(language, "terminal")
    mode, limit = changes["mode"].iloc[-1], changes["minutes"].max()
    rows = changes[(changes["group"] == "people") & (changes["mode"] == mode) & (changes["minutes"] == limit)]
    # The total stands below what it is the sum of.
    rows = pd.concat([rows[rows["split"] == "commune"], rows[rows["split"] == "total"]])
    totals = zip(rows["split"], rows["territory"], strict=True)
    called = {"total": words["all"], "outside": words["outside"]}
    names = [called.get(split) or called.get(str(name)) or printable(name) for split, name in totals]
    columns = [Column(words["commune"], names, number=False, name=True)]
    for figure in ("people", "before", "after", "gained", "lost", "unchanged"):
        columns.append(Column(words[figure], [words.number(value, 0) for value in rows[figure]]))
    _print(console, columns, iter([words.text("with_site", minutes=f"{limit:g}", mode=words.mode(str(mode)))]))


def print_scenarios(
    rows: pd.DataFrame, scenarios: Sequence[Mapping[str, Said]], console: "Console", *, language: str = "en"
) -> None:
    """Print who gains and loses a site in each scenario (`name`, `about`): all people, by each mode at its longest."""
    words = load_words(language, "terminal")
    rows = rows_at(rows[(rows["split"] == "total") & (rows["group"] == "people")], rows["minutes"].max())
    limits = limits_of(rows, rows["minutes"].max())
    names = [str(each["name"]) for each in scenarios]
    figures = {
        (row["scenario"], row["mode"]): _both(row["gained"], row["lost"], words) for row in rows.to_dict("records")
    }
    columns = [Column(words["scenario"], list(map(printable, names)), number=False, name=True)]
    for mode in dict.fromkeys(rows["mode"]):
        heading = f"{words['any'] if mode == BEST else mode}\n{limits[str(mode)]:g} {words['minute']}"
        columns.append(Column(heading, [figures.get((name, mode), "") for name in names]))
    about = [printable(words.of(each["about"])) for each in scenarios]
    columns.append(Column(words["what_changes"], about, number=False, name=True))
    _print(console, columns, iter([words["gain_lose"]]))


def _both(gained: float, lost: float, words: Words) -> str:
    parts = [f"{sign}{words.number(people, 0)}" for sign, people in (("+", gained), ("-", lost)) if round(people)]
    return " ".join(parts) or "="
