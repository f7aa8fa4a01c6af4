"""What a report says of the communes: who is covered where, and what was asked for each."""

from collections.abc import Mapping

import pandas as pd

from siteplan.output.report.account import MOST_COLUMNS, Account
from siteplan.output.report.markup import Markup, join, note
from siteplan.output.report.tables import Column, Most, table
from siteplan.words import NONE, capital

__all__ = ["communes_section", "which_sites"]


def communes_section(account: Account) -> Markup:
    """Show who is covered commune by commune: by what is chosen, then by mode and limit."""
    return join(_by_opening(account), _by_mode(account))


def which_sites(account: Account) -> str:
    """Say with which sites people are counted."""
    return account.words["communes_chosen" if account.chosen else "communes_all"]


def _by_opening(account: Account) -> Markup:
    """Show who is covered today, with the chosen sites and with all, and the floor that was asked."""
    planned = account.by_commune([*account.opened, *account.chosen])
    if not account.chosen or planned is None:
        return Markup("")
    words, floors = account.words, _floors(account)
    openings = {"open_today": account.by_commune(account.opened)} if account.opened else {}
    openings |= {"open_chosen": planned, "open_all": account.by_commune(account.used)}
    known = {name: found.set_index("territory") for name, found in openings.items() if found is not None}
    people = known["open_chosen"]["people"]
    covered = {name: found["covered"] for name, found in known.items()}
    covered["open_chosen"] = _served(account, people, covered["open_chosen"])
    least = covered["open_chosen"]
    shown = {(words[name], ""): each for name, each in covered.items()}
    asked = words["floor_note"] if floors else ""
    room = words["served_commune_note"] if account.goal.shared_out else ""
    said = note(words.text("communes_chosen_note", **account.within), asked, room)
    return join(said, _shares(account, capital(account.who), people, shown, least=least, floors=floors))


def _by_mode(account: Account) -> Markup:
    """Show the share of the people within reach by mode and limit."""
    words, found = account.words, account.territories
    if found is None:
        return Markup("")
    people = found[found["group"].astype(str) == "people"]
    kept = people.set_index([people["mode"].astype(str), people["minutes"].astype(float), "territory"])
    pairs = list(dict.fromkeys(zip(kept.index.get_level_values(0), kept.index.get_level_values(1), strict=True)))
    asked = {(each.mode, each.minutes) for each in account.reached}
    pairs = [pair for pair in pairs if pair in asked] or pairs[:MOST_COLUMNS]
    whole = people.drop_duplicates("territory").set_index("territory")["people"].astype(float)
    if not pairs or not len(whole):
        return Markup("")
    covered = {
        (words.text("minutes_short", minutes=minutes), words.mode(mode)): (
            kept["covered"].xs((mode, minutes), level=(0, 1)).astype(float)
        )
        for mode, minutes in pairs
    }
    known = found["open"].iloc[0] if "open" in found else None
    said = words["communes_note_plain"]
    if account.placed is not None or known is not None:
        sites = words[f"open_{known}_then"] if account.placed is None else which_sites(account)
        said = words.text("communes_note", sites=sites)
    least = list(covered.values())[-1]
    return join(note(said), _shares(account, capital(words["people"]), whole, covered, least=least, floors={}))


def _shares(
    account: Account,
    counted: str,
    people: pd.Series,
    covered: Mapping[tuple[str, str], pd.Series],
    *,
    least: pd.Series,
    floors: Mapping[str, float],
) -> Markup:
    """Make a table of the shares covered, by heading and the heading over it: all communes, then the least covered.

    Of very many communes those are shown where most people are without: else the least covered, of which some have
    hardly anybody, would be all.
    """
    words = account.words
    first = (least.reindex(people.index).fillna(0.0) / people.where(people > 0)).fillna(2.0)
    order = sorted(people.index, key=lambda each: (str(each) == "", first[each], str(each)))
    names = [account.commune(each) for each in order]
    whole = [people.sum(), *people[order]]
    columns = [
        Column(words["commune"], [words["all_communes"], *names], text=True),
        Column(counted, [words.count(each) for each in whole]),
    ]
    for (heading, over), each in covered.items():
        near = each.reindex(people.index).fillna(0.0)
        parts = list(zip([near.sum(), *near[order]], whole, strict=True))
        shares = [float(part / of) if of else 0.0 for part, of in parts]
        columns.append(Column(heading, [words.share(part, of) for part, of in parts], over=over, shares=shares))
    if floors:
        asked = [words.share(floors[name]) if name in floors else NONE for name in names]
        columns.append(Column(words["floor"], [NONE, *asked]))
    without = people[order] - least.reindex(order).fillna(0.0)
    return table(columns, words, "territories", total=True, by=Most("rows_without", without.to_list()))


def _floors(account: Account) -> Mapping[str, float]:
    """Give the share that was asked of each commune, by its name; nothing where none was."""
    told = account.goal.summary.get("floors")
    if isinstance(told, Mapping):
        return {str(name): float(share) for name, share in told.items() if share is not None}
    asked = account.goal.asked.get("floors")
    if isinstance(asked, Mapping):
        return {str(name): float(share) for name, share in asked.items()}
    if isinstance(asked, int | float) and account.communes is not None and "name" in account.communes:
        return dict.fromkeys(account.communes["name"].astype(str), float(asked))
    return {}


def _served(account: Account, people: pd.Series, covered: pd.Series) -> pd.Series:
    """Give who is covered with the chosen sites: where sites may be full, only those who find a place."""
    shares = account.goal.summary.get("territories")
    if not account.goal.shared_out or not isinstance(shares, Mapping):
        return covered
    told = pd.Series([shares.get(account.commune(each)) for each in people.index], index=people.index, dtype=float)
    return (told * people).fillna(covered)
