"""What a report says of the further questions: who is left out, how big, what for, how sure, and what if."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from siteplan.catalogue import PEOPLE
from siteplan.output.coverage import idle_lines, rows_at
from siteplan.output.report.account import MOST_NAMED, Account
from siteplan.output.report.facts import covered_count
from siteplan.output.report.markup import Markup, bullets, figure, join, note, paragraph
from siteplan.output.report.plots import tornado_plot
from siteplan.output.report.tables import MOST_ROWS, Column, Most, table
from siteplan.words import NONE, capital

__all__ = [
    "commuting_section",
    "desks_section",
    "fairness_section",
    "plain_table",
    "robustness_section",
    "scenarios_section",
]

MOST_DRIVERS = 8
MOST_SETS = 5
MOST_IDLE = 8
OPENINGS = ("today", "chosen", "all")
PERCENTS = ("uptake", "teleworkable", "rebound")  # drivers that are shares


def plain_table(account: Account, name: str) -> Markup:
    """Show a table as it is, its headings in the reader's words where there are any."""
    words, given = account.words, account.table(name)
    if given is None:
        return Markup("")
    columns = [
        Column(
            capital(words.get(str(heading), str(heading).replace("_", " "))),
            list(values),
            text=not pd.api.types.is_numeric_dtype(values.dtype),
            write=words.spoken,
        )
        for heading, values in given.items()
    ]
    return table(columns, words, name)


# ---- who is left out ----


def fairness_section(account: Account) -> Markup:
    """Show who has a site within reach, group by group; then, in a sentence each, how unequally access is shared."""
    words, found, measure = account.words, account.table("fairness"), account.measure
    if found is None or measure is None:
        return Markup("")
    here = found[(found["mode"].astype(str) == measure.mode)]
    covered = here[(here["what"] == "covered") & (here["minutes"] == measure.minutes)]
    if covered.empty:
        return Markup("")
    said = {"minutes": measure.minutes, "mode": words.mode(measure.mode)}
    own = covered[(covered["split"] == "degree_given") & (covered["group"] == "people")]
    return join(
        note(words.text("fair_note", **said)),
        _by_group(account, covered[covered["split"] == "total"]),
        _shares(account, own, "territory", words["degree"]) if len(own) else Markup(""),
        bullets(_unequal(account, here, said)),
    )


def _by_group(account: Account, rows: pd.DataFrame) -> Markup:
    words = account.words
    value = [_share_of(account, *row) for row in zip(rows["open"], rows["group"], rows["value"], strict=True)]
    return _shares(account, rows.assign(value=value, group=[words.group(name) for name in rows["group"]]), "group", "")


def _share_of(account: Account, opening: str, group: str, told: float) -> float:
    """Count the share of a group anew where its people are known: a share that a file keeps is rounded already."""
    measure, reach = account.measure, account.reach
    if measure is None or reach is None or group not in reach.people.table:
        return told
    chosen = [*account.opened, *account.chosen]
    sites = {"today": account.opened, "chosen": chosen, "all": account.used}[opening]
    everybody = float(reach.people.amount(group).sum())
    covered = covered_count(reach, replace(measure, group=group), sites)
    return covered / everybody if everybody else told


def _shares(account: Account, rows: pd.DataFrame, by: str, heading: str) -> Markup:
    """Make a table of shares, one column for what is open."""
    words, openings = account.words, [name for name in OPENINGS if (rows["open"] == name).any()]
    wide = rows.pivot_table(index=by, columns="open", values="value", sort=False)[openings]
    names = [words["outside"] if name == "outside" else str(name) for name in wide.index]
    columns = [Column(heading or words["group"], names, text=True)]
    for name in openings:
        shares = [words.share(float(value)) for value in wide[name]]
        columns.append(Column(words[f"open_{name}"], shares, shares=wide[name].fillna(0.0).to_list()))
    return table(columns, words, "fairness")


def _unequal(account: Account, rows: pd.DataFrame, said: Mapping[str, Any]) -> Iterator[str]:
    """Say what each index means, for everybody, with what is open today or, better, with the chosen sites."""
    words = account.words
    planned = next((name for name in ("chosen", "today", "all") if (rows["open"] == name).any()), "")
    kept = rows[(rows["open"] == planned) & (rows["group"] == "people") & (rows["split"] == "total")]
    which = words[f"open_{planned}_then"]
    sites = _measures(kept[(kept["what"] == "sites") & (kept["minutes"] == said["minutes"])])
    if {"mean", "gini"} <= set(sites):
        mean, gini = words.digits(sites["mean"]), words.digits(sites["gini"])
        yield words.text("fair_sites", mean=mean, gini=gini, which=which, **said)
    if "concentration" in sites:
        key = "fair_rich" if sites["concentration"] > 0.005 else "fair_poor"
        key = "fair_even" if abs(sites["concentration"]) <= 0.005 else key
        yield words.text(key, value=words.digits(sites["concentration"]))
    minutes = _measures(kept[kept["what"] == "minutes"])
    if "mean" in minutes:
        yield words.text("fair_minutes", mean=minutes["mean"], which=which, mode=said["mode"])
    desks = _measures(kept[kept["what"] == "desks_per_person"])
    if {"mean", "gini"} <= set(desks):  # where there is no desk at all, nothing is shared unequally
        yield words.text("fair_desks", desks=1000 * desks["mean"], gini=words.digits(desks["gini"]), which=which)
    lack = _measures(kept[(kept["what"] == "lack") & (kept["minutes"] == said["minutes"])])
    if lack.get("fgt0", 0) > 0:
        beyond = lack["fgt1"] / lack["fgt0"] * float(said["minutes"])
        yield words.text("fair_lack", share=words.share(lack["fgt0"]), beyond=beyond, which=which, **said)


def _measures(rows: pd.DataFrame) -> dict[str, float]:
    return {str(name): float(value) for name, value in zip(rows["measure"], rows["value"], strict=True)}


# ---- how big ----


def desks_section(account: Account) -> Markup:
    """Show the desks of each open or chosen site by uptake, and what they come to."""
    found, words = account.table("desks"), account.words
    if found is None or not {"basis", "uptake", "peak_day", "desks", "m2"} <= set(found):
        return plain_table(account, "desks")
    rows = found[found["basis"] == "nearest"]
    rows = found if rows.empty else rows
    uptakes = sorted(rows["uptake"].unique())
    fixed = rows.drop_duplicates("site").set_index("site")
    known = fixed["capacity"].notna().any()
    columns = [
        Column(capital(words["site"]), list(fixed["name"]), text=True, write=str),
        Column(words["workers_near"], list(fixed["workers"]), write=words.count),
    ]
    columns += [Column(words["desks_there"], list(fixed["capacity"]), write=words.spoken)] if known else []
    for uptake in uptakes:
        over = words.text("if_uptake", share=words.share(uptake))
        part = rows[rows["uptake"] == uptake].set_index("site").reindex(fixed.index)
        columns.append(Column(words["desks_needed"], list(part["desks"]), over=over, write=words.spoken))
        if known:
            full = list(part["chance_at_capacity"])
            columns.append(Column(words["no_desk"], full, over=over, write=words.share))
    counted = words["desks_nearest" if (rows["basis"] == "nearest").all() else "desks_alone"]
    return join(
        bullets(_desk_texts(account, rows, uptakes)),
        table(columns, words, "desks", by=Most("rows_workers", fixed["workers"].to_list())),
        note(counted, words["no_desk_note"] if known else ""),
    )


def _desk_texts(account: Account, rows: pd.DataFrame, uptakes: Sequence[float]) -> Iterator[str]:
    words = account.words
    if not (rows["basis"] == "nearest").all():
        return  # each as if it were alone: they do not add up
    for uptake in uptakes:
        part = rows[rows["uptake"] == uptake]
        told = {
            "share": words.share(uptake),
            "people": words.count(float(part["peak_day"].sum())),
            "desks": int(part["desks"].sum()),
            "area": words.count(float(part["m2"].sum())),
        }
        yield words.text("desks_text", **told) + _unseated(account, part)
    week = account.table("weekdays")
    if week is not None and {"day", "of_mean"} <= set(week):
        first = week.drop_duplicates("day")
        of_mean = dict(zip(first["day"].astype(str), first["of_mean"].astype(float), strict=True))
        fullest = max(of_mean, key=lambda day: of_mean[day])
        if f"day_{fullest}" in words:
            day, more = words[f"day_{fullest}"], words.share(of_mean[fullest] - 1)
            yield words.text("fullest_is", day=day, more=more)


def _unseated(account: Account, part: pd.DataFrame) -> str:
    """Say how many people find no desk at any site within reach, with the desks there are."""
    words = account.words
    if "left_out" not in part or part["left_out"].isna().any() or not part["peak_day"].sum() > 0:
        return ""
    left = float(part["left_out"].sum())
    key = "desks_left" if left >= 0.5 else "desks_enough"
    return " " + words.text(key, left=words.count(left), share=words.share(left, part["peak_day"].sum()))


# ---- what for ----


def commuting_section(account: Account) -> Markup:
    """Show what is saved in a year by uptake and rebound, by mode, and what drives the range."""
    found, words = account.table("commuting"), account.words
    if found is None or not {"uptake", "rebound", "mode", "vehicle_km", "kg_co2e"} <= set(found):
        return plain_table(account, "commuting")
    total = found[found["mode"] == "all"]
    rebounds = [words.share(rebound) if rebound else words["rebound_none"] for rebound in total["rebound"]]
    columns = [
        Column(capital(words["uptake"]), [words.share(uptake) for uptake in total["uptake"]]),
        Column(capital(words["rebound"]), rebounds),
        *_counts(account, total, ("people_days", "vehicle_km", "kg_co2e", "hours", "euros")),
    ]
    least, most = float(total["kg_co2e"].min()), float(total["kg_co2e"].max())
    told = {"least": words.count(least), "most": words.count(most)}
    said = words.text("commuting_range" if most > least else "commuting_one", **told)
    return join(
        paragraph(said, words["commuting_loss"] if least < 0 else ""),
        table(columns, words, "commuting", header=2),
        _by_mode(account, found),
        note(words["commuting_note"]),
        _tornado(account),
    )


def _counts(account: Account, rows: pd.DataFrame, names: Sequence[str]) -> list[Column]:
    words = account.words
    return [Column(words[name], [words.count(value) for value in rows[name]]) for name in names]


def _by_mode(account: Account, found: pd.DataFrame) -> Markup:
    """Show the modes at the middle uptake without rebound."""
    words, uptakes = account.words, sorted(found["uptake"].unique())
    middle = uptakes[len(uptakes) // 2]
    rows = found[(found["uptake"] == middle) & (found["rebound"] == found["rebound"].min()) & (found["mode"] != "all")]
    modes = [words.get(f"by_{mode}", words.mode(str(mode))) for mode in rows["mode"]]
    first = Column(words.text("if_uptake", share=words.share(middle)), modes, text=True)
    counts = _counts(account, rows, ("passenger_km", "kg_co2e", "hours", "euros"))
    return table([first, *counts], words, "commuting")


def _tornado(account: Account) -> Markup:
    found, words = account.table("tornado"), account.words
    if found is None or found.empty:
        return Markup("")
    rows = found.head(MOST_DRIVERS)
    bars = []
    for row in rows.to_dict("records"):
        driver = str(row["driver"])
        ends = [words.share(row[end]) if driver in PERCENTS else words.digits(row[end]) for end in ("low", "high")]
        name = words.get(f"driver_{driver}", driver.replace("_", " "))
        bars.append((f"{name} ({ends[0]} – {ends[1]})", float(row["at_low"]), float(row["at_high"])))
    first = words.get(f"driver_{rows['driver'].iloc[0]}", str(rows["driver"].iloc[0]))
    base = float(rows["base"].iloc[0])
    about = words.text("tornado_alt", first=first, base=words.count(base))
    drawn = tornado_plot(bars, base, words, title=words["tornado_caption"], about=about)
    return figure(drawn, words["tornado_caption"])


# ---- how sure ----


def robustness_section(account: Account) -> Markup:
    """Show how often each site is among the first, over which ranks, and how many people it then reaches."""
    found, words = account.table("robustness"), account.words
    if found is None or found.empty:
        return Markup("")
    count, first = int(found["variants"].iloc[0]), int(found["first"].iloc[0])
    always = [str(name) for name in found["name"][found["in_first"] == 1]]
    told = {"variants": count, "first": first}
    sure = words.text("sure_first", count=len(always), names=words.listed(always, MOST_NAMED), **told)
    ranked = account.ranked
    own = {} if ranked is None or "rank" not in ranked else dict(zip(ranked.index, ranked["rank"], strict=True))
    shown = found[found["in_first"] > 0] if (found["in_first"] > 0).sum() >= first else found
    rows = shown.to_dict("records")
    firsts = shown["in_first"].astype(float).to_list()
    columns = [
        Column(capital(words["site"]), rows, text=True, write=lambda row: str(row["name"])),
        Column(capital(words["rank"]), rows, write=lambda row: words.spoken(own.get(str(row["site"])))),
        Column(words.text("sure_share", first=first), firsts, shares=firsts, write=words.share),
        Column(words["sure_ranks"], rows, write=lambda row: f"{row['best_rank']} – {row['worst_rank']}"),
        Column(words["sure_reach"], rows, write=lambda row: f"{words.count(row['p5'])} – {words.count(row['p95'])}"),
    ]
    hidden = len(found) - len(shown)
    counted = words.text("sure_note", counted=account.column(str(found["counted"].iloc[0])))
    unseen = words.text("sure_hidden", count=hidden, first=first) if hidden else ""
    return join(
        paragraph(words.text("sure_text", **told), sure),
        table(columns, words, "robustness"),
        note(counted, unseen),
        _sets(account),
    )


def _sets(account: Account) -> Markup:
    """Say which set of sites was chosen most often, and how little each can lose."""
    found, words = account.table("robust_sets"), account.words
    if found is None or found.empty or "max_regret_share" not in found:
        return Markup("")
    possible = found[found["sites"].fillna("").astype(str) != ""].head(MOST_SETS)
    texts = []
    own = possible[possible["own"]] if "own" in possible else possible.head(0)
    for row in own.to_dict("records"):
        told = {"share": words.share(row["share"]), "lost": words.share(row["max_regret_share"])}
        texts.append(words.text("sets_own", people=words.count(row["max_regret"]), **told))
    rows = possible.to_dict("records")
    lost = [f"{words.count(row['max_regret'])} ({words.share(row['max_regret_share'])})" for row in rows]
    shares = [float(row["share"]) for row in rows]
    columns = [
        Column(words["sets"], account.sets(possible["sites"]), text=True),
        Column(words["sets_share"], [words.share(share) for share in shares], shares=shares),
        Column(words["sets_lost"], lost),
    ]
    return join(paragraph(*texts), table(columns, words, "robust_sets"), note(words["sets_note"]))


# ---- what if ----


def scenarios_section(account: Account) -> Markup:
    """Show who gains and who loses a site in each scenario: by every mode by which anything changes for anybody."""
    found, words, measure = account.table("scenarios"), account.words, account.measure
    needed = {"scenario", "group", "mode", "minutes", "before", "after", "gained", "lost"}
    if found is None or measure is None or not needed <= set(found):
        return plain_table(account, "scenarios")
    own = account.result.own_limits
    rows = rows_at(found, measure.limit) if own else found[found["minutes"] == measure.minutes]
    if "split" in rows:
        rows = rows[rows["split"] == "total"]
    if rows.empty:
        return plain_table(account, "scenarios")
    counted = ("before", "after", "gained", "lost")
    groups = [PEOPLE, *(group for group in dict.fromkeys(rows["group"].astype(str)) if group != PEOPLE)]
    told_of = {str(each.get("name")): words.of(each.get("about", "")) for each in account.manifest.get("scenarios", [])}
    cells, moved, abouts = [], [], {}
    for name in dict.fromkeys(rows["scenario"].astype(str)):
        part = rows[rows["scenario"].astype(str) == name]
        about = (
            str(part["about"].iloc[0]) if "about" in part and part["about"].notna().iloc[0] else told_of.get(name, "")
        )
        if about:
            abouts[name] = words.text("scenario_about", name=name, about=about)
        for mode, of_mode in _changed(part, measure.mode).groupby("mode", sort=False):
            by_group = of_mode.set_index(of_mode["group"].astype(str))
            row = by_group.loc[PEOPLE].to_dict()
            change = (by_group["after"] - by_group["before"]).reindex(groups)
            way = words.mode(str(mode))
            way = words.text("mode_within", mode=way, minutes=row["minutes"]) if own else way
            told = [words.count(row[each]) for each in counted]
            moved.append(float(row["gained"] + row["lost"]))
            cells.append([name, way, *told, *(NONE if math.isnan(each) else words.signed(each) for each in change)])
    headings = [(capital(words["scenario"]), ""), (words["mode"], "")]
    headings += [(capital(words[name]), capital(words.group(PEOPLE))) for name in counted]
    headings += [(words.group(group), words["change"]) for group in groups]
    columns = [
        Column(heading, [row[at] for row in cells], over=over, text=at < 2)
        for at, (heading, over) in enumerate(headings)
    ]
    idle = list(idle_lines(found, account.asked, account.result.rides, words))
    idle[MOST_IDLE:] = [words.text("idle_more", count=len(idle) - MOST_IDLE)] if len(idle) > MOST_IDLE else []
    by = Most("rows_moved", moved)
    shown = dict.fromkeys(cells[at][0] for at in by.rows(MOST_ROWS))
    said = note(words["scenarios_note_own"] if own else words.text("scenarios_note", minutes=measure.minutes))
    return join(
        bullets(abouts[name] for name in shown if name in abouts),
        table(columns, words, "scenarios", by=by),
        said,
        paragraph(*idle),
    )


def _changed(rows: pd.DataFrame, mode: str) -> pd.DataFrame:
    """Return the rows of the modes by which anybody gains or loses a site; of one mode where nobody does."""
    rows = rows.assign(mode=rows["mode"].astype(str))
    some = rows[(rows["gained"].round() > 0) | (rows["lost"].round() > 0)]
    return rows[rows["mode"].isin(some["mode"] if len(some) else [mode])]
