"""The page of a report: its sections in order, each from the tables that are there."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
import yaml

from siteplan.catalogue import PEOPLE, mode_order, speeds
from siteplan.config import at_once
from siteplan.network.snapping import LIMIT
from siteplan.output.coverage import terrain_told
from siteplan.output.palette import HATCH, INKS, css_variables
from siteplan.output.publics import publics_told
from siteplan.output.report.account import MOST_NAMED, Account
from siteplan.output.report.answers import (
    commuting_section,
    desks_section,
    fairness_section,
    robustness_section,
    scenarios_section,
)
from siteplan.output.report.building import building_section
from siteplan.output.report.chosen import (
    aim,
    chosen_answer,
    chosen_section,
    phases_section,
    rejected_section,
)
from siteplan.output.report.communes import communes_section, which_sites
from siteplan.output.report.criteria import competition_section, criteria_section
from siteplan.output.report.markup import Markup, join, note, seen, tag
from siteplan.output.report.observed import observed_section
from siteplan.output.report.pictures import curve_section, frontier_section, map_sections
from siteplan.output.report.sharing import spaces_section
from siteplan.output.report.tables import Column, table
from siteplan.output.report.together import together_section
from siteplan.output.report.ways import ways_answer, ways_section, ways_warning
from siteplan.output.tradeoffs import tradeoffs_told
from siteplan.words import NONE, capital

__all__ = ["render_page"]

NAMED = 3  # best candidates and communes that a sentence names


class _Compiled(jinja2.BytecodeCache):
    """What the templates were compiled to, which takes as long as filling in a small report."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        if bucket.key in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key])

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        self.kept[bucket.key] = bucket.bytecode_to_string()


@cache
def _compiled() -> _Compiled:
    """Give every page of a process the same."""
    return _Compiled()


def render_page(account: Account) -> str:
    """Put the sections together: what they say stands in `page.html`, their tables and figures are made here."""
    words, found = account.words, account.coverage
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__, ""),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        finalize=lambda value: seen(value) if isinstance(value, str) else value,
        bytecode_cache=_compiled(),
    )
    environment.filters["spoken"] = words.spoken
    environment.filters["money"] = partial(account.result.money, words=words)
    date = (account.manifest.get("inputs", {}).get("inputs.streets", {}).get("data_date") or "")[:10]
    made = (("OpenStreetMap", date), ("siteplan", account.manifest.get("siteplan")))
    style = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    page = environment.get_template("page.html").render(
        account=account,
        goal=account.goal,
        words=words,
        say=words.text,
        capital=capital,
        found=found,
        out=0.0 if found is None else found.people - found.all_sites,
        within=account.within,
        title=str(account.manifest.get("name") or words["title"]),
        dated=" · ".join(f"{name} {which}" for name, which in made if which),
        style=Markup(f"{css_variables()}\n{style}"),
        hatch=HATCH,
        paper=INKS["rule"],
        sections=SECTIONS,
        annex=ANNEX,
        aim=aim,
        chosen_answer=chosen_answer,
        answer_sites=_answer_sites,
        out_by_commune=_out_by_commune,
        out_by_group=_out_by_group,
        which_sites=which_sites,
        ways_answer=ways_answer,
        ways_section=ways_section,
        ways_warning=ways_warning,
        terrain=terrain_told(account.manifest, words),
        tradeoffs=list(tradeoffs_told(account.result, words.language)),
        speeds=speeds,
        at_once=at_once,
        modes=sorted(account.asked.get("travel", {}).get("profiles", {}), key=mode_order),
        link_m=account.asked.get("travel", {}).get("link_m", LIMIT),
        who=publics_told(account.result.publics, account.result.profiles, words),
        nothing=NONE,
        most_named=MOST_NAMED,
        asked=yaml.safe_dump(dict(account.asked), allow_unicode=True, sort_keys=True, width=60),
    )
    return f"{page}\n"


def _answer_sites(account: Account) -> list[str]:
    """Say which candidates are the best, and which adds most; not where a set was chosen."""
    words, measure, ranked = account.words, account.measure, account.ranked
    if measure is None or ranked is None or account.chosen:
        return []
    candidates = ranked[ranked.index.isin(account.candidates)]
    if not len(candidates):
        return []
    travel = {"minutes": measure.minutes, "mode": words.mode(measure.mode)}
    best = (
        words.text("answer_rank_one", name=words.set_off(account.name(str(site))), people=words.count(people))
        for site, people in candidates[measure.column].head(NAMED).items()
    )
    texts = [words.text("answer_rank", names=words.listed(best))]
    column = _added_column(account)
    if column in candidates and account.opened:
        site, most = str(candidates[column].idxmax()), float(candidates[column].max())
        key = "answer_adds" if most >= 1 else "answer_adds_none"
        texts.append(words.text(key, name=account.name(site), added=words.count(most), **travel))
    return texts


def _added_column(account: Account) -> str:
    measure = account.measure
    return "" if measure is None else replace(measure, kind="added", group=PEOPLE).column


def _ranking(account: Account) -> Markup:
    ranked, words = account.ranked, account.words
    if ranked is None or not len(ranked):
        return Markup("")
    about = account.sites.set_axis(account.sites.index.astype(str)).reindex(ranked.index)
    added = _added_column(account)
    ranks = ranked.get("rank", pd.Series(range(1, len(ranked) + 1), index=ranked.index))

    def named(each: tuple[Any, Any]) -> Markup:
        site, status = map(str, each)
        return join(account.name(site), " ", tag("small", words.get(status, status)))

    columns = [
        Column(capital(words["label"]), list(ranked.index), text=True, write=lambda site: account.labels[str(site)]),
        Column(capital(words["rank"]), ranks.to_list(), write=words.spoken),
        Column(capital(words["site"]), list(about["status"].items()), text=True, write=named),
    ]
    for each in account.reached:
        heading, counts = words.text("minutes_short", minutes=each.minutes), ranked[each.column].astype(float)
        columns.append(Column(heading, counts.to_list(), over=words.mode(each.mode), write=words.count))
    if added in ranked and account.opened:
        columns.append(Column(words["adds"], ranked[added].astype(float).to_list(), write=words.count))
    for name, heading in (("cost", account.priced("cost")), ("capacity", words["desks_column"])):
        if name in about and about[name].notna().any():
            columns.append(Column(heading, about[name].astype(float).to_list(), write=words.spoken))
    if "score" in ranked:
        scores = ranked["score"].astype(float).to_list()
        columns.append(Column(capital(words["score"]), scores, write=lambda value: words.number(value, 1)))
    return join(table(columns, words, "scores", header=3), note(*_ranking_notes(account, added in ranked)))


def _ranking_alone(account: Account) -> Markup:
    """Rank the sites as the answer, where no set of them was chosen."""
    return Markup("") if account.chosen else _ranking(account)


def _ranking_beside(account: Account) -> Markup:
    """Rank the sites beside the set that was chosen."""
    return _ranking(account) if account.chosen else Markup("")


def _ranking_notes(account: Account, adds: bool) -> Iterator[str]:
    words, measure = account.words, account.measure
    if measure is not None and adds and account.opened:
        mode = words.mode(measure.mode)
        yield words.text("ranking_note", minutes=measure.minutes, mode=mode)
    else:
        yield words["ranking_note_plain"]
    weights = {name: weight for name, weight in account.asked.get("score", {}).get("weights", {}).items() if weight}
    if weights:
        parts = words.listed(f"{account.column(name)} × {words.spoken(w)}" for name, w in weights.items())
        yield words.text("ranking_score", parts=parts)


def _out_by_commune(account: Account) -> list[str]:
    words, found = account.words, account.coverage
    if found is None:
        return []
    out = found.people - found.planned
    share = words.share(out, found.people)
    told = {"people": words.count(found.people), "share": share, "sites": which_sites(account)}
    texts = [words.text("out_people", out=words.count(out), **told, **account.within)]
    rows = account.by_commune([*account.opened, *account.chosen] if account.chosen else account.used)
    if rows is None:
        return texts
    missing = (rows["people"] - rows["covered"]).set_axis(rows["territory"]).sort_values(ascending=False, kind="stable")
    most = missing[missing >= 1].head(NAMED)
    if len(most):
        names = (
            words.text("out_commune", name=account.commune(each), people=words.count(float(people)))
            for each, people in most.items()
        )
        texts.append(words.text("out_communes", names=words.listed(names)))
    return texts


def _out_by_group(account: Account) -> list[str]:
    """Give the share of each group within reach of all sites, from the manifest."""
    words, measure = account.words, account.measure
    rows = [
        row
        for row in account.manifest.get("reached", [])
        if measure is not None and row.get("mode") == measure.mode and row.get("minutes") == measure.minutes
    ]
    shares = {
        group: row[f"{group}_share"]
        for row in rows
        for group in sorted(row, key=lambda name: (name != PEOPLE, f"{name}_share"))
        if f"{group}_share" in row
    }
    if measure is None or len(shares) < 2 or any(value is None for value in shares.values()):
        return []
    spoken = words.listed(
        words.text("out_group", group=words.group(name), share=words.share(share)) for name, share in shares.items()
    )
    return [words.text("out_groups", minutes=measure.minutes, mode=words.mode(measure.mode), groups=spoken)]


SECTIONS: Mapping[str, Callable[[Account], Markup] | None] = {
    "question": None,
    "answer": None,
    "glance": None,
    "ranking": _ranking_alone,
    "chosen_sites": chosen_section,
    "phases": phases_section,
    "curve": curve_section,
    "frontier": frontier_section,
    "maps": map_sections,
    "communes": communes_section,
    "left_out": None,
    "fairness": fairness_section,
    "desks": desks_section,
    "scenarios": scenarios_section,
    "robustness": robustness_section,
    "assumptions": None,
    "uncertain": None,
    "data": None,
    "reproduce": None,
}
# What stands behind the answer, and what else was asked: for who wants to know more.
ANNEX: Mapping[str, Callable[[Account], Markup]] = {
    "rejected": rejected_section,
    "ranking": _ranking_beside,
    "criteria": criteria_section,
    "competition": competition_section,
    "spaces": spaces_section,
    "commuting": commuting_section,
    "observed": observed_section,
    "building": building_section,
    "who_pays": together_section,
}  # in order; those without a function stand in the template alone
