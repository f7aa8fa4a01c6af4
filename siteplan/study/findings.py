"""Look before you run: read everything, compute nothing, say what is wrong or odd."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from siteplan.catalogue import BEST
from siteplan.config import Profile, Study
from siteplan.config.publics import lacking_bicycles
from siteplan.doors import door
from siteplan.errors import SiteplanError, SiteplanWarning, listed
from siteplan.geo import box_area, cell_sizes, metric_crs, require_metric
from siteplan.inputs.basemap import WATERS, Background
from siteplan.inputs.gtfs import summary
from siteplan.inputs.times import read_times
from siteplan.network.people import totals
from siteplan.network.slope import STEEP
from siteplan.network.snapping import LIMIT
from siteplan.network.squares import MOST_ENTRIES
from siteplan.network.streets import StreetNetwork
from siteplan.network.transit import Timetable
from siteplan.output.coverage import HILLY, cycles
from siteplan.output.files import MANIFEST, digest, is_inside, is_results, unfinished
from siteplan.study.doubt import doubtful_sites
from siteplan.study.load import (
    Inputs,
    asked_file,
    linked_by_mode,
    load,
    load_cells,
    load_communes,
    load_ground,
    load_sites,
    load_streets,
    load_timetable,
    points_of,
    refuse_in_water,
    same_place,
    stuck_by_mode,
    used_sites,
)
from siteplan.study.reading import read_study
from siteplan.study.territories import split, territories_of
from siteplan.words import load_words

__all__ = ["Finding", "check"]

Severity = Literal["error", "warning", "info"]
Made = TypeVar("Made")

OLD_YEARS = 3  # streets and people change; OpenStreetMap of a town gains ways every week
DENSE = 100_000  # people per km2: few quarters anywhere are denser, so that values above it are rarely counts
SAME_PLACE = 10.0  # metres


BY_BEST = ", and the choice goes by it"


@dataclass(frozen=True)
class Finding:
    """One thing that `check` has to say: how bad it is, which key of the study it is about, and what it is."""

    severity: Severity
    place: str
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return the finding as plain texts."""
        return asdict(self)


@door()
def check(study: Study | str | Path) -> list[Finding]:
    """Read all inputs of a study and say what is wrong, odd or worth knowing, without computing its travel times.

    Of sites that stand beside each other it is counted whom each reaches on foot, so that one which joins the wrong
    street is found.

    Given a folder of results, say which of its files are missing, or not as the run wrote them.

    Returns
    -------
    list of Finding
        Errors (the study cannot run), warnings (it runs, look first), and facts; in the order of the inputs.

    Raises
    ------
    StudyError
        The study file itself cannot be used.
    InputError
        The manifest of the results cannot be read.

    Examples
    --------
    >>> [finding.severity for finding in sp.check("study.yaml")].count("error")
    0
    """
    if not isinstance(study, Study) and is_results(Path(study)):
        return _about_results(Path(study))
    asked = study if isinstance(study, Study) else read_study(study)
    found: list[Finding] = []
    _tried(found, "travel.metres", lambda: asked.refuse_metres("run"))
    communes = _tried(found, "area.communes", lambda: load_communes(asked))
    sites = _tried(found, "inputs.sites", lambda: load_sites(asked))
    if sites is not None:
        found += _about_sites(sites)
        if asked.choose is not None and asked.area.each is None:  # else it is asked of each territory
            from siteplan.study.choosing import check_choose

            _tried(found, "choose", lambda: check_choose(asked, used_sites(sites)))
    cells = None
    if sites is not None or asked.area.extent != "sites":
        cells = _tried(found, "inputs.population", lambda: load_cells(asked, sites, communes))
    if cells is not None:
        found += _about_cells(cells)
    if asked.area.each is not None and sites is not None and cells is not None:
        inputs = Inputs(sites, communes, cells, None, {})
        found += _tried(found, "area.each", lambda: list(_about_each(asked, inputs))) or []
    streets = None
    if sites is not None and asked.inputs.streets is not None:
        streets, around = _tried(found, "inputs.streets", lambda: _ground(asked, sites)) or (None, {})
    if streets is not None:
        _tried(found, "inputs.sites", lambda: refuse_in_water(asked, streets, sites, around))
        found += [*_about_streets(asked, streets), *_about_one_ways(asked, streets, sites)]
        timetable = _tried(found, "inputs.transit", lambda: load_timetable(asked, streets))
        found += [] if timetable is None else _about_timetable(timetable)
        found += _about_terrain(asked, streets)
    if streets is not None and cells is not None:
        found += _about_people(asked, cells, streets, used_sites(sites))
    found += _about_cycling(asked)
    if asked.inputs.times is not None:
        exact = asked.inputs.times_minutes
        _tried(found, "inputs.times", lambda: read_times(asked.inputs.times or "", sites=sites, minutes=exact))
    if not any(finding.severity == "error" for finding in found):
        said = {finding.text for finding in found}
        found += [finding for finding in _about_scenarios(asked, said) if finding.text not in said]
    return found


def _about_cycling(study: Study) -> Iterator[Finding]:
    """Say where everybody is taken to cycle, beside other modes: the best of all is then nearly the bicycle."""
    profiles = study.profiles() if study.inputs.times is None else []
    wheels = [profile.name for profile in profiles if cycles(profile.model_dump())]
    if study.publics or not wheels or len(wheels) == len(profiles):
        return
    by_best = study.choose is not None and (study.choose.mode or BEST) == BEST
    remedy = [f"add {mode} to travel.modes" for mode in lacking_bicycles(profiles)]
    remedy += ["leave travel.publics out"] if study.travel.publics is not None else []
    text = (
        f"everybody is taken to use {listed(wheels)}, so that 'best' may be nearly the bicycle"
        f"{BY_BEST if by_best else ''}; {' and '.join(remedy)} to count by who cycles, by published shares"
    )
    yield Finding("warning" if by_best else "info", "travel.publics", text)


def _about_terrain(study: Study, streets: StreetNetwork) -> Iterator[Finding]:
    """Say where land is steep, or that nobody told whether it is."""
    if study.inputs.times is not None or not any(isinstance(profile, Profile) for profile in study.profiles()):
        return
    if streets.climb is None:
        text = "no terrain is given: slopes, if there are any, slow nobody down; give a terrain model (.tif)"
        yield Finding("info", "inputs.elevation", text)
        return
    share = streets.climb.steep(streets.length)
    text = f"{share:.1%} of the length of streets climbs by {STEEP:.0%} or more"
    more = ": few cycle there, and not everybody walks" if share >= HILLY else ""
    yield Finding("warning" if share >= HILLY else "info", "inputs.elevation", f"{text}{more}")


def _about_scenarios(study: Study, said: Collection[str]) -> list[Finding]:
    """Make every scenario's changes, and say what they are."""
    if not (study.variants() or study.asked or study.score.weights):
        return []
    from siteplan.study.questions import check_questions
    from siteplan.study.scenarios import made, variants_of

    found: list[Finding] = []
    data = _tried([], "scenarios", lambda: load(study, around=WATERS))
    if data is None:
        return []
    _tried(found, "questions", lambda: check_questions(study, data))
    words = load_words(study.language)
    for variant in variants_of(study):
        # Called at once, within the loop.
        if _tried(found, "scenarios", lambda: made(variant, study, data, said)) is None:  # noqa: B023
            continue
        found.append(Finding("info", "scenarios", f"{variant.name}: {words.of(variant.about)}"))
    return found


def _about_results(folder: Path) -> list[Finding]:
    """Compare a folder of results with its manifest."""
    from siteplan.output.result import read_manifest
    from siteplan.study.manifest import SCHEMA

    manifest = read_manifest(folder)
    digests = manifest.get("sha256")
    if not isinstance(digests, dict):
        text = "names no digests, so that nothing can be compared; run the study again"
        return [Finding("error", MANIFEST, text)]
    found = []
    if not isinstance(manifest.get("schema"), int) or manifest["schema"] > SCHEMA:
        text = (
            f"is of schema {manifest.get('schema')!r:.20}, and this siteplan knows {SCHEMA}; some of it may be missed"
        )
        found.append(Finding("warning", MANIFEST, text))
    if unfinished(folder):
        found.append(
            Finding("info", str(folder), "a run was stopped while it wrote; the next run removes what it left")
        )
    told = {name: _changed_file(folder, name, str(known)) for name, known in digests.items()}
    found += [Finding("error", name, text) for name, text in told.items() if text]
    whole = sum(not text for text in told.values())
    return [*found, Finding("info", str(folder), f"{whole} of {len(told)} files are as the run wrote them")]


def _changed_file(folder: Path, name: str, known: str) -> str:
    """Say how a file of results is not as its run wrote it; nothing where it is."""
    if not is_inside(name):
        return "leads out of the folder, where no run writes; run the study again"
    try:
        now = digest(folder / name)
    except FileNotFoundError:
        return "is missing; run the study again"
    except OSError as error:
        return f"cannot be read ({error.strerror}); run the study again"
    if now == known:
        return ""
    return f"is not as the run wrote it (SHA-256 {now[:12]}, expected {known[:12]}); run the study again"


def _tried(found: list[Finding], place: str, read: Callable[[], Made]) -> Made | None:
    """Read one input; what it refuses or warns of becomes findings."""
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        try:
            made: Made | None = read()
        except SiteplanError as error:
            made = None
            found.append(Finding("error", place, str(error)))
    texts = dict.fromkeys(str(each.message) for each in odd if issubclass(each.category, SiteplanWarning))
    found += [Finding("warning", place, text) for text in texts]
    return made


def _ground(study: Study, sites: gpd.GeoDataFrame) -> tuple[StreetNetwork, Background]:
    """Read the streets, as the study changes them, and the waters."""
    original, around = load_ground(study, WATERS)
    return load_streets(study, sites, original), around


def _about_sites(sites: gpd.GeoDataFrame) -> Iterator[Finding]:
    counts = ", ".join(f"{count} {status}" for status, count in sites["status"].value_counts().items())
    yield Finding("info", "inputs.sites", f"{len(sites)} sites ({counts}) in {sites.crs.name}")
    used = used_sites(sites)
    places = used.geometry.to_crs(metric_crs(used)).to_numpy()
    first, second = shapely.STRtree(places).query(places, predicate="dwithin", distance=SAME_PLACE)
    pairs = [f"'{used.index[a]}' and '{used.index[b]}'" for a, b in zip(first, second, strict=True) if a < b]
    if pairs:
        more = " ..." if len(pairs) > 5 else ""
        text = (
            f"{len(pairs)} pair(s) of sites stand within {SAME_PLACE:g} m of each other: {', '.join(pairs[:5])}{more}"
        )
        yield Finding("warning", "inputs.sites", f"{text}; neither reaches anybody alone")


def _about_each(study: Study, inputs: Inputs) -> Iterator[Finding]:
    """Say how many territories are planned for, and which of them cannot be."""
    parts = split(inputs, territories_of(study))
    yield Finding("info", "area.each", f"{len(parts)} territories, each planned for by itself")
    without = [one.name for one in parts if used_sites(one.sites).empty]
    empty = [one.name for one in parts if not (one.cells["people"] > 0).any()]
    for names, text in ((without, "no site stands"), (empty, "nobody lives")):
        if names:
            yield Finding("warning", "area.each", f"{text} in {len(names)} of them: {listed(names, 5)}")


def _about_cells(cells: gpd.GeoDataFrame) -> Iterator[Finding]:
    people = cells["people"]
    yield Finding(
        "info",
        "inputs.population",
        f"{people.sum():,.0f} people in {len(cells):,} cells ({people.isna().sum():,} missing) in {cells.crs.name}",
    )
    yield from _about_crs(cells)
    square_kilometres = cell_sizes(cells) / 1e6
    density = (people / pd.Series(square_kilometres, index=cells.index).where(square_kilometres > 0)).max()
    if density > DENSE:
        yield Finding(
            "warning",
            "inputs.population",
            f"up to {density:,.0f} people per km2; if the file holds densities, set inputs.population.density",
        )


def _about_crs(cells: gpd.GeoDataFrame) -> Iterator[Finding]:
    try:
        require_metric(cells.crs, "the cells")
    except SiteplanError:
        text = f"{cells.crs.name} is not a CRS to measure in: all is measured in {metric_crs(cells).name} instead"
        yield Finding("info", "inputs.population", text)


def _about_streets(study: Study, streets: StreetNetwork) -> Iterator[Finding]:
    kilometres = streets.length.sum() / 1000
    yield Finding(
        "info",
        "inputs.streets",
        f"{kilometres:,.0f} km of streets, date of the data {streets.data_date or 'unknown'}; in {streets.crs.name}",
    )
    if streets.data_date:
        years = (date.today() - date.fromisoformat(streets.data_date[:10])).days / 365.25
        if years > OLD_YEARS:
            text = f"the streets are {years:.0f} years old ({streets.data_date}); newer extracts may have more ways"
            yield Finding("warning", "inputs.streets", text)
    kinds = streets.highway
    moving = np.array([dict(tags).get("conveying", "no") != "no" for tags in streets.kinds])[streets.kind]
    carried = {"ferries": kinds == "ferry", "lifts": kinds == "elevator", "platforms": kinds == "platform"}
    carried["escalators and moving walks"] = moving
    ways = {name: len(np.unique(streets.way_id[of])) for name, of in carried.items()}
    yield from _counted("used beside streets and paths, in ways of the extract", ways)
    at_nodes = {
        "barriers closed on foot": "barriers_closed_to_walk",
        "barriers closed to bicycles": "barriers_closed_to_bike",
        "barriers passed at the ends of a trip only": "barriers_at_ends_of_trips",
        "lifts": "lifts_at_nodes",
    }
    there = {name: streets.counts.get(key, 0) for name, key in at_nodes.items()}
    yield from _counted("at nodes of streets and paths", there)
    turns = {
        "that bind bicycles": "turns",
        "that do not, or not then": "turns_free",
        "against turning round, which is done on foot": "turns_round",
        "over ways that overlap others (passed over)": "turns_via_ways",
        "without a street or junction that they name (passed over)": "turns_unmatched",
    }
    yield from _counted("turn restrictions", {name: streets.counts.get(key, 0) for name, key in turns.items()})
    if by_hour := streets.counts.get("by_hour", 0):
        moment = f"{streets.when:%Y-%m-%d at %H:%M}"
        text = f"{by_hour:,} ways, nodes and turns are open by the hour: they are used as on {moment}"
        yield Finding("info", "inputs.streets", text)
    if (crossed := streets.counts.get("squares_crossed", 0)) and study.travel.squares == "around":
        text = f"{crossed:,} squares are walked around, along their rims (travel.squares: around)"
        yield Finding("info", "inputs.streets", text)
    if large := streets.counts.get("squares_not_crossed", 0):
        text = f"{large:,} squares have more than {MOST_ENTRIES} entries: people walk along their rims alone"
        yield Finding("info", "inputs.streets", text)
    missing = streets.counts.get("missing_nodes", 0)
    if missing:
        text = f"{missing:,} nodes are missing, as in an extract cut at its border: ways end where they are"
        yield Finding("info", "inputs.streets", text)


def _counted(what: str, counts: Mapping[str, int]) -> Iterator[Finding]:
    if any(counts.values()):
        text = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
        yield Finding("info", "inputs.streets", f"{what}: {text}")


def _about_timetable(timetable: Timetable) -> Iterator[Finding]:
    for sentence in summary(timetable.feed):
        yield Finding("info", "inputs.transit", sentence)
    count = timetable.counts
    text = (
        f"{count['stops'] - count['stops_without_street']:,} of {count['stops']:,} stops have a street within "
        f"{LIMIT:.0f} m; {1 - count['stop_times_without_street'] / count['stop_times']:.1%} of the stop times are there"
    )
    yield Finding("info", "inputs.transit", text)


def _about_people(
    study: Study, cells: gpd.GeoDataFrame, streets: StreetNetwork, sites: gpd.GeoDataFrame
) -> list[Finding]:
    found: list[Finding] = []
    what = f"{asked_file(study, 'population')}: its cells"
    _tried(found, "inputs.population", lambda: same_place(streets, cells, what))
    points = _tried(found, "inputs.population", lambda: points_of(cells, streets, study.travel.link_m))
    if points is None:
        return found
    _tried(found, "inputs.population", lambda: linked_by_mode(study, streets, points))
    found += _about_totals(points, streets)
    leave = _onward(study, at_site=False)
    for mode, some in stuck_by_mode(study, streets, points, sites=False).items():
        people = float(points["people"][some].sum())
        if people > 0:
            text = f"{people:,.0f} people live on streets that one-way rules let nobody {leave} by {mode}"
            found.append(Finding("info", "inputs.population", text))
    return [
        *found,
        *(Finding("warning", "inputs.sites", text) for text in doubtful_sites(study, streets, sites, points)),
    ]


def _about_one_ways(study: Study, streets: StreetNetwork, sites: gpd.GeoDataFrame) -> Iterator[Finding]:
    used = used_sites(sites)
    for mode, some in stuck_by_mode(study, streets, used, sites=True).items():
        if some.any():
            text = f"sites on streets that one-way rules let nobody {_onward(study, at_site=True)} by {mode}"
            yield Finding("warning", "inputs.sites", f"{text}: {listed(used.index[some], 5)}")


def _onward(study: Study, *, at_site: bool) -> str:
    """Say what trips do at sites, or at homes."""
    return "come to" if at_site == (study.travel.direction == "to") else "leave"


def _about_totals(points: gpd.GeoDataFrame, streets: StreetNetwork) -> Iterator[Finding]:
    count = totals(points)
    text = (
        f"{count['in']:,.0f} people in: {count['placed']:,.0f} placed, {count['too_far']:,.0f} too far from any "
        f"street, {count['island']:,.0f} on street islands; {count['missing_cells']:,.0f} cells are missing"
    )
    yield Finding("info", "inputs.population", text)
    outside = ~points.within(box_area(streets.bounds, streets.crs).iloc[0].buffer(LIMIT))
    people = float(points["people"][outside].sum())
    if count["in"] and people / count["in"] > 0.001:
        text = f"{people / count['in']:.1%} of the people live outside the extent of the streets, out of reach"
        yield Finding("warning", "inputs.population", text)
