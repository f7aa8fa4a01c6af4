"""The page of a report: its sections in order, each from the tables that are there."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from importlib.resources import files

import pandas as pd

from siteplan.catalogue import PEOPLE
from siteplan.output.report.answers import (
    commuting_section,
    desks_section,
    fairness_section,
    robustness_section,
    scenarios_section,
)
from siteplan.output.report.chosen import (
    chosen_answer,
    chosen_section,
    communes_chosen,
    phases_section,
    question_chosen,
    rejected_section,
)
from siteplan.output.report.markup import Markup, join, tag
from siteplan.output.report.material import Material
from siteplan.output.report.pictures import curve_section, map_sections, patterns
from siteplan.output.report.sources import assumptions, data_table, reproduced, uncertainties
from siteplan.output.report.tables import Column, table
from siteplan.words import capital

__all__ = ["render_page"]

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
MOST_SITES = 60
NAMED = 3  # best candidates and communes that a sentence names


def render_page(material: Material) -> str:
    """Put the sections together."""
    title = str(material.manifest.get("name") or material.words["title"])
    sections: Sequence[tuple[str, Callable[[Material], Markup]]] = (
        ("question", _question),
        ("answer", _answer),
        ("glance", _glance),
        ("chosen_sites", chosen_section),
        ("phases", phases_section),
        ("curve", curve_section),
        ("rejected", rejected_section),
        ("ranking", _ranking),
        ("maps", map_sections),
        ("communes", lambda each: join(communes_chosen(each), _communes(each))),
        ("left_out", _left_out),
        ("fairness", fairness_section),
        ("desks", desks_section),
        ("commuting", commuting_section),
        ("scenarios", scenarios_section),
        ("robustness", robustness_section),
        ("assumptions", assumptions),
        ("uncertain", uncertainties),
        ("data", data_table),
        ("reproduce", reproduced),
    )
    body = [_section(material, name, make(material)) for name, make in sections]
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=POLICY),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", f"{title} – {material.words['kind']}"),
        tag("style", Markup(files(__package__).joinpath("page.css").read_text(encoding="utf-8"))),
    ]
    header = tag("header", tag("p", material.words["kind"], class_="kind"), tag("h1", title), _dates(material))
    main = tag("main", *body)
    page = tag("html", tag("head", *head), tag("body", patterns(), header, main), lang=material.words.language)
    return f"<!DOCTYPE html>\n{page}\n"


def _section(material: Material, name: str, content: Markup) -> Markup:
    if not content:
        return content
    return tag("section", tag("h2", material.words[name], id=name), content, class_=name, aria_labelledby=name)


def _dates(material: Material) -> Markup:
    """Say how old the streets are, and which program made this."""
    date = (material.manifest.get("inputs", {}).get("inputs.streets", {}).get("data_date") or "")[:10]
    parts = [f"OpenStreetMap {date}"] if date else []
    version = material.manifest.get("siteplan")
    parts += [f"siteplan {version}"] if version else []
    return tag("p", " · ".join(parts), class_="dates") if parts else Markup("")


def _sentences(texts: Iterable[str]) -> Markup:
    said = [text for text in texts if text]
    return tag("p", " ".join(said)) if said else Markup("")


def _question(material: Material) -> Markup:
    if material.aim is None:
        return tag("p", material.words["question_plain"])
    if material.chosen and material.goal.asked:
        return question_chosen(material)
    travel = {"people": material.people(material.everybody), **material.within}
    if material.candidates:
        return tag("p", material.say("question_candidates", candidates=len(material.candidates), **travel))
    return tag("p", material.say("question_existing", count=len(material.used), **travel))


def _answer(material: Material) -> Markup:
    if material.aim is None:
        return Markup("")
    texts = [*_answer_sets(material), *_answer_sites(material)]
    found = material.coverage
    if found is not None:
        out = found.people - found.all_sites
        share = material.share(out, found.people)
        texts.append(material.say("answer_out", out=material.people(out), share=share, **material.within))
    return join(_sentences(chosen_answer(material)), _sentences(texts))


def _answer_sets(material: Material) -> list[str]:
    """Say what is covered today and what all sites would cover."""
    found = material.coverage
    if found is None:
        return []
    told = {"covered": material.people(found.today), "share": material.share(found.today, found.people)}
    told |= {"people": material.people(found.people), **material.within}
    texts = [material.say("answer_today", count=len(material.opened), **told)]
    covered, share = material.people(found.all_sites), material.share(found.all_sites, found.people)
    return [*texts, material.say("answer_all", sites=len(material.used), covered=covered, share=share)]


def _answer_sites(material: Material) -> list[str]:
    """Say which candidates are the best, and which adds most; not where a set was chosen."""
    measure, ranked = material.measure, material.ranked
    if measure is None or ranked is None or material.chosen:
        return []
    candidates = ranked[ranked.index.isin(material.candidates)]
    if not len(candidates):
        return []
    travel = {"minutes": measure.minutes, "mode": material.by(measure.mode)}
    best = (
        material.say("answer_rank_one", name=material.name(str(site)), people=material.people(people))
        for site, people in candidates[measure.column].head(NAMED).items()
    )
    texts = [material.say("answer_rank", names=material.listed(best))]
    column = _added_column(material)
    if column in candidates and material.opened:
        site, most = str(candidates[column].idxmax()), float(candidates[column].max())
        key = "answer_adds" if most >= 1 else "answer_adds_none"
        texts.append(material.say(key, name=material.name(site), added=material.people(most), **travel))
    return texts


def _added_column(material: Material) -> str:
    measure = material.measure
    return "" if measure is None else replace(measure, kind="added", group=PEOPLE).column


def _glance(material: Material) -> Markup:
    """Show the figures that the report turns on, large."""
    found = material.coverage
    if found is None:
        return Markup("")
    shown = [("glance_people", found.people, ""), ("glance_today", found.today, "share")]
    if found.chosen is not None:
        shown.append(("glance_chosen", found.chosen, "share"))
    shown += [("glance_all", found.all_sites, "share"), ("glance_out", found.people - found.all_sites, "share")]
    boxes = []
    for key, value, share in shown:
        part = tag("small", material.share(value, found.people)) if share else Markup("")
        figure = tag("dd", material.people(value), " " if share else "", part)
        boxes.append(tag("div", tag("dt", material.say(key, who=material.who)), figure))
    note = material.say("glance_note", **material.within)
    return join(tag("dl", *boxes, class_="figures"), tag("p", note, class_="note"))


def _ranking(material: Material) -> Markup:
    ranked, words = material.ranked, material.words
    if ranked is None or not len(ranked):
        return Markup("")
    shown = ranked.head(MOST_SITES)
    about = material.sites.set_axis(material.sites.index.astype(str)).reindex(shown.index)
    added = _added_column(material)
    columns = [Column(capital(words["label"]), text=True), Column(capital(words["rank"]))]
    columns += [Column(capital(words["site"]), text=True)]
    cells: list[list[str]] = [
        [material.labels[str(site)] for site in shown.index],
        [material.spoken(value) for value in shown.get("rank", pd.Series(range(1, len(shown) + 1), index=shown.index))],
        [
            join(material.name(str(site)), " ", tag("small", words.get(str(status), str(status))))
            for site, status in about["status"].items()
        ],
    ]
    for each in material.reached:
        heading = material.say("minutes_short", minutes=each.minutes)
        columns.append(Column(heading, over=material.by(each.mode)))
        cells.append([material.people(float(value)) for value in shown[each.column]])
    if added in shown and material.opened:
        columns.append(Column(words["adds"]))
        cells.append([material.people(float(value)) for value in shown[added]])
    for name, heading in (("cost", capital(words["cost"])), ("capacity", words["desks_column"])):
        if name in about and about[name].notna().any():
            columns.append(Column(heading))
            cells.append([material.spoken(value) for value in about[name].astype(float)])
    if "score" in shown:
        columns.append(Column(capital(words["score"])))
        cells.append([material.decimal(float(value)) for value in shown["score"]])
    rows = [list(row) for row in zip(*cells, strict=True)]
    return join(table(columns, rows, header=3), *_ranking_notes(material, added in shown, len(ranked)))


def _ranking_notes(material: Material, adds: bool, count: int) -> list[Markup]:
    measure, texts = material.measure, []
    if measure is not None and adds and material.opened:
        mode = material.by(measure.mode)
        texts.append(material.say("ranking_note", minutes=measure.minutes, mode=mode))
    else:
        texts.append(material.words["ranking_note_plain"])
    weights = {name: weight for name, weight in material.asked.get("score", {}).get("weights", {}).items() if weight}
    if weights:
        parts = material.listed(f"{material.column(name)} × {material.spoken(w)}" for name, w in weights.items())
        texts.append(material.say("ranking_score", parts=parts))
    if count > MOST_SITES:
        texts.append(material.say("ranking_cut", shown=MOST_SITES, all=count))
    return [tag("p", " ".join(texts), class_="note")]


def _communes(material: Material) -> Markup:
    """Show the share of the people within reach, commune by commune."""
    found = material.territories
    if found is None:
        return Markup("")
    people = found[found["group"].astype(str) == "people"]
    pairs = list(dict.fromkeys(zip(people["mode"].astype(str), people["minutes"].astype(float), strict=True)))
    pairs = [pair for pair in pairs if pair in {(each.mode, each.minutes) for each in material.reached}] or pairs[:6]
    whole = people.drop_duplicates("territory").set_index("territory")["people"].astype(float)
    kept = people.set_index([people["mode"].astype(str), people["minutes"].astype(float), "territory"])
    covered = {pair: kept["covered"].xs(pair, level=(0, 1)).astype(float) for pair in pairs}
    if not pairs or not len(whole):
        return Markup("")
    last = covered[pairs[-1]]
    shares_last = (last.reindex(whole.index).fillna(0.0) / whole.where(whole > 0)).fillna(2.0)
    order = sorted(whole.index, key=lambda each: (str(each) == "", shares_last[each], str(each)))
    words = material.words
    columns = [Column(words["commune"], text=True), Column(capital(words["people"]))]
    columns += [
        Column(material.say("minutes_short", minutes=minutes), over=material.by(mode), bar=True)
        for mode, minutes in pairs
    ]
    sums = {pair: covered[pair].sum() for pair in pairs}
    shares = [[sums[pair] / whole.sum() if whole.sum() else 0.0 for pair in pairs]]
    rows = [
        [words["all_communes"], material.people(whole.sum())]
        + [material.share(sums[pair], whole.sum()) for pair in pairs]
    ]
    for each in order:
        near = [float(covered[pair].get(each, 0.0)) for pair in pairs]
        shares.append([amount / whole[each] if whole[each] else 0.0 for amount in near])
        spoken = [material.share(amount, whole[each]) for amount in near]
        rows.append([material.commune(each), material.people(whole[each]), *spoken])
    own = material.times is not None and material.points is not None and material.communes is not None
    known = found["open"].iloc[0] if "open" in found else None
    if own or known is not None:
        sites = _which_sites(material) if own else material.words[f"open_{known}_then"]
        note = material.say("communes_note", sites=sites)
    else:
        note = material.words["communes_note_plain"]
    return join(tag("p", note, class_="note"), table(columns, rows, header=1, bars=shares, total=True))


def _which_sites(material: Material) -> str:
    return material.words["communes_chosen" if material.chosen else "communes_all"]


def _left_out(material: Material) -> Markup:
    """Say who has no site within the limit, and where they live."""
    texts = [*_out_by_commune(material), *_out_by_group(material)]
    totals = material.manifest.get("totals", {}).get("people", {})
    if totals.get("too_far", 0) >= 1:
        texts.append(material.say("out_far", people=material.people(totals["too_far"]), metres=_link_limit()))
    if totals.get("island", 0) >= 1:
        texts.append(material.say("out_island", people=material.people(totals["island"])))
    if totals.get("missing_cells", 0) >= 1:
        texts.append(material.say("out_missing", count=totals["missing_cells"], all=totals.get("cells")))
    return tag("ul", *(tag("li", text) for text in texts)) if texts else Markup("")


def _link_limit() -> float:
    from siteplan.network.snapping import LIMIT

    return LIMIT


def _out_by_commune(material: Material) -> list[str]:
    found = material.coverage
    if found is None:
        return []
    out = found.people - found.planned
    share = material.share(out, found.people)
    told = {"people": material.people(found.people), "share": share, "sites": _which_sites(material)}
    texts = [material.say("out_people", out=material.people(out), **told, **material.within)]
    rows = material.by_commune([*material.opened, *material.chosen] if material.chosen else material.used)
    if rows is None:
        return texts
    missing = (rows["people"] - rows["covered"]).set_axis(rows["territory"]).sort_values(ascending=False, kind="stable")
    most = missing[missing >= 1].head(NAMED)
    if len(most):
        names = (
            material.say("out_commune", name=material.commune(each), people=material.people(float(people)))
            for each, people in most.items()
        )
        texts.append(material.say("out_communes", names=material.listed(names)))
    return texts


def _out_by_group(material: Material) -> list[str]:
    """Give the share of each group within reach of all sites, from the manifest."""
    measure = material.measure
    rows = [
        row
        for row in material.manifest.get("reached", [])
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
    spoken = material.listed(
        material.say("out_group", group=material.group(name), share=material.share(share))
        for name, share in shares.items()
    )
    return [material.say("out_groups", minutes=measure.minutes, mode=material.by(measure.mode), groups=spoken)]
