"""What a report says of who has a site by which mode: all of them side by side, by group and by public."""

from siteplan.analysis.equity import TOTAL
from siteplan.catalogue import PEOPLE
from siteplan.output.coverage import counted, limits_of, nearly_cycling, planned_of, public_name, way_name
from siteplan.output.report.account import Account
from siteplan.output.report.markup import Markup, join, note
from siteplan.output.report.tables import Column, table
from siteplan.words import NONE, capital

__all__ = ["ways_answer", "ways_section", "ways_warning"]


def ways_answer(account: Account) -> str:
    """Say in one sentence whom each mode brings to a site, with what is chosen; nothing where there is one mode."""
    found = account.ways
    if found is None or found["mode"].nunique() < 2:
        return ""
    words, opening = account.words, planned_of(found)
    named = (
        words.text(
            "way_count",
            people=words.count(counted(found, opening, mode)[0]),
            share=words.share(*counted(found, opening, mode)),
            way=way_name(mode, words, account.result.rides, account.result.publics),
        )
        for mode in limits_of(found, account.limit)
    )
    return words.text("answer_ways", ways=words.listed(named), which=words[f"open_{opening}_then"])


def ways_section(account: Account) -> Markup:
    """Show who has a site by each mode: today, with the chosen sites, with all; then groups and publics."""
    found = account.ways
    if found is None:
        return Markup("")
    return join(_by_opening(account), _by_part(account), note(account.words["ways_note"]))


def ways_warning(account: Account) -> str:
    """Say where the best of all modes is nearly the bicycle alone."""
    found = account.ways
    return "" if found is None else nearly_cycling(found, account.wheels, account.words)


def _by_opening(account: Account) -> Markup:
    found, words = account.ways, account.words
    assert found is not None  # noqa: S101 - asked before
    limits = limits_of(found, account.limit)
    result = account.result
    ways = [capital(way_name(mode, words, result.rides, result.publics)) for mode in limits]
    within = [words.text("minutes_short", minutes=limit) for limit in limits.values()]
    columns = [Column(words["way"], ways, text=True), Column(words["limit_short"], within)]
    for opening in dict.fromkeys(found["open"].astype(str)):
        counts = [counted(found, opening, mode) for mode in limits]
        columns.append(_counts(account, words[f"open_{opening}"], counts))
    return table(columns, words, "coverage")


def _by_part(account: Account) -> Markup:
    """Show the groups and publics; nothing where there are none."""
    found, words = account.ways, account.words
    assert found is not None  # noqa: S101 - asked before
    opening, titles = planned_of(found), {each.name: each.title for each in account.result.publics}
    groups = [each for each in dict.fromkeys(found["group"].astype(str)) if each != PEOPLE]
    publics = [each for each in dict.fromkeys(found["public"].astype(str)) if each != TOTAL]
    if not groups and not publics:
        return Markup("")
    parts = [{"group": name} for name in (PEOPLE, *groups)] + [{"public": name} for name in publics]
    names = [capital(words.group(name)) for name in (PEOPLE, *groups)]
    names += [capital(public_name(name, titles.get(name, {}), words)) for name in publics]
    over = words[f"open_{opening}"]
    columns = [Column(words["group"], names, text=True)]
    for mode in limits_of(found, account.limit):
        counts = [counted(found, opening, mode, **part) for part in parts]
        columns.append(_counts(account, way_name(mode, words, account.result.rides), counts, over=over))
    return table(columns, words, "coverage")


def _counts(account: Account, heading: str, counts: list[tuple[float, float]], over: str = "") -> Column:
    words = account.words
    shares = [part / whole if whole else 0.0 for part, whole in counts]
    texts = [
        # One beside the other, however narrow the column.
        words.text("count_share", count=words.count(part), share=words.share(part, whole)).replace(" ", "\u00a0")
        if whole
        else NONE
        for part, whole in counts
    ]
    return Column(heading, texts, over=over, shares=shares)
