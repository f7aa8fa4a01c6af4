"""How sure the results are: the study again under other speeds, hours, days, links to streets and places of people."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from os import cpu_count
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.analysis.criteria import as_numbers
from siteplan.analysis.reach import added, decayed_reach
from siteplan.analysis.reach import reach as site_reach
from siteplan.analysis.robustness import PLACEMENTS, chosen_sets, rank_stability, regret, variants_of
from siteplan.analysis.score import score_sites
from siteplan.catalogue import BEST, Measure
from siteplan.config import Profile, Question, Rides, Study, clock_of, seconds_of
from siteplan.config.questions import Robustness
from siteplan.errors import KeptWarning, SiteplanWarning, StudyError, warn
from siteplan.network.people import place_people
from siteplan.network.snapping import link
from siteplan.network.transit import Timetable, read_transit
from siteplan.parallel import AtOnce, each
from siteplan.publics import by_public, other_shares
from siteplan.reachable import Reach
from siteplan.study.cache import content_key, file_hash
from siteplan.study.choosing import best_set, by_cell
from siteplan.study.editing import edited_timetable
from siteplan.study.load import StudyData, load_cells, same_place, used_sites
from siteplan.study.measured import site_columns
from siteplan.study.situation import Answer, Situation
from siteplan.study.travel import fingerprint
from siteplan.times import travel_times

__all__ = ["check_robustness", "robustness_tables"]

OWN = "own"  # the population that the study itself counts
LATEST = 30 * 60  # minutes after midnight: later windows belong to the next day
Draw = Mapping[str, Any]


@dataclass(frozen=True)
class _Ground:
    """What variants share: people by vintage and placement, their communes, their metres to the street by mode.

    And timetables, the weights of the score, and who searches: where there are variants for all cores, each by itself.
    """

    cells: Mapping[str, gpd.GeoDataFrame]
    communes: Mapping[str, pd.Series | None]
    points: Mapping[tuple[str, str], gpd.GeoDataFrame]
    metres: Mapping[tuple[str, str, str], npt.NDArray[np.float64]]
    timetables: Mapping[str, Timetable]
    weights: Mapping[str, float]
    alone: bool


def check_robustness(study: Study, asked: Robustness, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: times of the user's own, more first places than sites, windows that leave the day, a date
        without service.
    """
    if study.inputs.times is not None or data.streets is None:
        raise StudyError(
            "robustness: needs streets to travel on under other assumptions, but inputs.times gives the times; leave "
            "robustness out"
        )
    if asked.first > len(data.sites):
        raise StudyError(f"robustness.first: {asked.first} of {len(data.sites)} sites; expected fewer")
    rides = study.rides
    if asked.dates and not rides:
        raise StudyError("robustness.dates: nobody rides in this study; leave them out, or add the mode transit")
    windows = [window for each in rides for window in (each.window, each.back) if window is not None]
    for window in windows:
        first, last = (end / 60 for end in seconds_of(window))
        if first + min(asked.shifts) < 0 or last + max(asked.shifts) >= LATEST:
            raise StudyError(
                f"robustness.shifts: move the window {window[0]}-{window[1]} out of the day; expected fewer minutes"
            )
    _draws(asked)
    _vintages(study, asked, data)
    if rides:
        _timetables(study, asked, data)


def robustness_tables(asked: Robustness, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer how sure: `robustness` by site and, where the study chooses, `robust_sets`.

    Each variant is kept in the cache as soon as it is computed, so an interrupted run goes on where it stopped.

    Parameters
    ----------
    here
        Of the study; the sites that it chooses itself are a set to compare, be it chosen in no variant.

    Returns
    -------
    dict
        `robustness`: `site`, `name`, `status`, `variants`, `in_first` (share of variants in which the site is among the
        `first`), `first`, `mean_rank`, `best_rank`, `worst_rank`, and of the heaviest column of the score, named in
        `counted`, `p5`, `p50`, `p95` (as `rank_stability`). `robust_sets`: `sites`, `own` (chosen by the study itself),
        `count` and `share` of the variants in which the set is chosen, and as `regret` gives them `best_in`,
        `mean_regret`, `max_regret`, `max_regret_share`, in people of the chosen group within the limit; for variants
        that cannot meet the conditions of the choice there is a row without sites.
    """
    study, data, weights = here.study, here.data, here.weights
    assert data.streets is not None  # noqa: S101 - checked before
    # What another question searches beyond the limits of this one is not searched again.
    bare = study.model_copy(update={"fairness": None})
    draws = [_with_publics(study, asked, draw) for draw in _draws(asked)]
    ground = _ground(bare, asked, data, draws, weights=weights)
    known = {
        **fingerprint(study, data.streets),
        "profiles": [profile.model_dump() for profile in study.profiles()],
        "limit": bare.limit,
        "minutes": study.travel.asked,
        "score": study.score.model_dump(mode="json"),
        "choose": None if study.choose is None else study.choose.model_dump(mode="json"),
        "weights": dict(weights),
        **_measured(study),
        "placements": PLACEMENTS,
        "publics": [public.model_dump(mode="json") for public in study.publics],
        "populations": [file_hash(path) for path in asked.populations],
    }

    names = [
        f"variant_{content_key({**known, 'variant': {key: draw[key] for key in draw if key != 'variant'}})}"
        for draw in draws
    ]
    found = _each(names, draws, here, shared=(bare, replace(data, timetable=None), ground))
    return _told(asked, here, found, counted=_heaviest(weights))


def _draws(asked: Robustness) -> list[dict[str, Any]]:
    return variants_of(
        asked.seed,
        asked.count,
        walk_kmh=asked.walk_kmh,
        bike_kmh=asked.bike_kmh,
        shifts=asked.shifts,
        dates=asked.dates,
        limits=asked.snapping_m,
        placements=asked.placements,
        populations=[OWN, *map(str, range(1, len(asked.populations) + 1))] if asked.populations else (),
    )


def _with_publics(study: Study, asked: Robustness, draw: Draw) -> Draw:
    """Add by what the shares of the publics are multiplied; drawn apart, so that nothing else is drawn otherwise."""
    if len(study.publics) < 2 or not asked.publics:
        return draw
    random = np.random.default_rng([asked.seed, int(draw["variant"])])
    factors = random.uniform(1 - asked.publics, 1 + asked.publics, len(study.publics))
    return {**draw, "publics": [round(float(factor), 6) for factor in factors]}


def _each(
    names: Sequence[str], draws: Sequence[Draw], here: Situation, shared: tuple[Any, ...]
) -> dict[int, pd.DataFrame]:
    """Read the variants that are kept, compute the others, several at once, and keep each as soon as it is there."""
    kept = {k: here.cache.kept(name, pd.read_parquet) for k, name in enumerate(names)}
    found = {k: table for k, table in kept.items() if table is not None}
    # Those of the same people one after the other, so that these are linked to the streets once.
    lacking = sorted({*kept} - {*found}, key=lambda k: (_whom(draws[k]), draws[k]["limit_m"], k))

    def take(k: int, table: pd.DataFrame) -> None:
        here.cache.keep(names[lacking[k]], table)
        found[lacking[k]] = table
        here.means.tell("robustness", len(found), len(draws))

    here.means.tell("robustness", len(found), len(draws))
    with warnings.catch_warnings():
        # The study told already what is odd in it; variants would tell it again, in the order in which they end, and
        # neither those of other processes nor those that are kept would.
        warnings.simplefilter("ignore", SiteplanWarning)
        warnings.simplefilter("always", KeptWarning)
        each(_variant, [(draws[k],) for k in lacking], shared=shared, executor=here.means.executor, take=take)
    if any((table["name"][table["kind"] == "ended"] == "clock").any() for table in found.values()):
        text = "robustness: a choice was ended by the clock (choose.seconds): another machine may give another set"
        warn(text)
    return {int(draws[k]["variant"]): found[k] for k in sorted(found)}


# ---- one variant ----


def _ground(
    study: Study, asked: Robustness, data: StudyData, draws: Sequence[Draw], *, weights: Mapping[str, float]
) -> _Ground:
    """Place the people in every way, and find the street of everybody by every mode, once."""
    original, streets = data.original, data.streets
    assert original is not None  # noqa: S101 - checked before
    assert streets is not None  # noqa: S101 - checked before
    cells = _vintages(study, asked, data)
    points = {
        (vintage, name): data.points
        if (vintage, name) == (OWN, "as is")
        else place_people(cells[vintage], original, **PLACEMENTS[name])
        for vintage, name in dict.fromkeys(map(_whom, draws))
    }
    metres = {}
    for profile in study.profiles():
        for whom, placed in points.items():
            links = link(streets, placed, mode=profile.at_home)
            near = np.where(links["status"] == "placed", links["access_m"], np.inf)
            metres[*whom, profile.name] = near.astype(np.float64)
    rides = data.timetable is not None
    timetables = _timetables(study, asked, data) if rides else {}
    # Without what was laid out for the study's own speeds, which no variant has.
    timetables = {date: replace(day) for date, day in timetables.items()}
    communes = {
        name: data.cell_communes if name == OWN else replace(data, cells=cells[name]).cell_communes for name in cells
    }
    return _Ground(cells, communes, points, metres, timetables, weights, alone=len(draws) >= (cpu_count() or 1))


def _whom(draw: Draw) -> tuple[str, str]:
    """Name the people of a variant: whose count they are, and how they are placed."""
    return str(draw.get("population", OWN)), str(draw["placement"])


def _vintages(study: Study, asked: Robustness, data: StudyData) -> dict[str, gpd.GeoDataFrame]:
    """Read the vintages of the population, as the study reads its own."""
    given, found = study.inputs.population, {OWN: data.cells}
    for number, path in enumerate(asked.populations, 1):
        assert given is not None  # noqa: S101 - the study has cells
        inputs = study.inputs.model_copy(update={"population": given.model_copy(update={"file": path})})
        other = study.model_copy(update={"inputs": inputs})
        found[str(number)] = load_cells(other, used_sites(data.all_sites), data.communes)
        assert data.streets is not None  # noqa: S101 - checked before
        same_place(data.streets, found[str(number)], f"{path}: its cells")
    return found


def _timetables(study: Study, asked: Robustness, data: StudyData) -> dict[str, Timetable]:
    """Read the timetables of every date, the study's own changes made."""
    given, streets = study.inputs.transit, data.streets
    if given is None or data.timetable is None or streets is None:
        return {}
    found = {given.date: data.timetable}
    for date in sorted({str(draw["date"]) for draw in _draws(asked) if "date" in draw}):
        if date not in found:
            found[date] = edited_timetable(
                study, read_transit(given.feeds, streets, date=date, minutes=study.ride_minutes)
            )
    return found


def _variant(study: Study, data: StudyData, ground: _Ground, draw: Draw) -> pd.DataFrame:
    """Compute one variant: a row a site, a row for all people who have the same sites within reach, and a last one.

    Columns `kind` (site, cover, ended), `name` (the site; which sites, as bits; what ended the choice), `score`,
    `value` (the heaviest column of the score; people), `chosen`.
    """
    place = replace(data, cells=ground.cells[_whom(draw)[0]], points=ground.points[_whom(draw)])
    who = other_shares(study.publics, draw["publics"]) if "publics" in draw else study.publics
    reach = Reach.of(*by_public(_times(study, place, ground, draw), place.points, who))
    table = _counted(study, place, reach, ground.weights)
    table = table.join(score_sites(table, ground.weights))
    columns = {"kind": "site", "name": table.index.astype(str), "score": table["score"].to_numpy()}
    sites = pd.DataFrame(columns | {"value": table[_heaviest(ground.weights)].to_numpy(), "chosen": False})
    if study.choose is None:
        return sites
    communes = by_cell(ground.communes[_whom(draw)[0]], reach)
    chosen, ended = _chosen(study, study.choose, reach, place.sites, communes=communes)
    sites["chosen"] = sites["name"].isin(chosen)
    last = pd.DataFrame({"kind": ["ended"], "name": ended, "score": np.nan, "value": np.nan, "chosen": False})
    return pd.concat([sites, _cover(study, study.choose, reach), last], ignore_index=True)


def _times(study: Study, place: StudyData, ground: _Ground, draw: Draw) -> pd.DataFrame:
    """Search the times of a variant. What the search remembers of its streets is forgotten with the variant."""
    assert place.streets is not None  # noqa: S101 - checked before
    streets = place.streets.varied()
    names = [profile.name for profile in study.profiles()]
    tables = []
    for profile in study.profiles():
        near = ground.metres[*_whom(draw), profile.name] <= min(draw["limit_m"], profile.at_home.link_m)
        transit = None
        if isinstance(profile, Rides):
            date = str(draw.get("date", study.inputs.transit.date if study.inputs.transit else ""))
            transit = replace(ground.timetables[date], streets=streets)
        table = travel_times(
            streets,
            place.sites,
            place.points[near],
            mode=_other(study, profile, draw),
            minutes=study.limit_of(profile.name),
            direction=study.travel.direction,
            transit=transit,
            executor=AtOnce() if ground.alone else None,
        )
        table["mode"] = pd.Categorical(table["mode"], categories=names)
        tables.append(table[["site", "point", "mode", "minutes"]])
    return pd.concat(tables, ignore_index=True)


def _other(study: Study, profile: Profile | Rides, draw: Draw) -> Profile | Rides:
    """Return a mode as a variant has it."""
    if isinstance(profile, Rides):
        windows = {
            name: _moved(window, draw["shift_minutes"])
            for name, window in (("window", profile.window), ("back", profile.back))
            if window is not None
        }
        walk = _faster(study, profile.walk, draw)
        home = None if profile.home is None else _faster(study, profile.home, draw)
        return profile.with_(**windows, walk=walk, home=home)
    return _faster(study, profile, draw)


def _faster(study: Study, profile: Profile, draw: Draw) -> Profile:
    """Change a speed: walk and bike as drawn, slow_walk and pedelec in proportion to these."""
    usual = study.travel.walk.speed_kmh if profile.rules == "walk" else study.travel.bike.speed_kmh
    drawn = float(draw["walk_kmh" if profile.rules == "walk" else "bike_kmh"])
    speed = drawn if profile.name in ("walk", "bike") else profile.speed_kmh * drawn / usual
    return profile.with_(speed_kmh=speed)


def _moved(window: tuple[str, str], minutes: float) -> tuple[str, str]:
    first, last = (clock_of(end + round(60 * minutes)) for end in seconds_of(window))
    return first, last


def _counted(study: Study, place: StudyData, reach: Reach, weights: Mapping[str, float]) -> pd.DataFrame:
    """Count what the score is made of."""
    asked: dict[str, Any] = {"minutes": study.travel.asked, "groups": study.groups}
    table = site_reach(reach, **asked)
    if not set(weights) <= {*table, *place.sites}:
        table = table.join(added(reach, None, place.sites, **asked))
    if study.score.decay is not None and not set(weights) <= {*table, *place.sites}:
        table = table.join(decayed_reach(reach, decay=study.score.decay, groups=study.groups))
    own = site_columns(place.sites, [name for name in weights if name not in table])
    return table.reindex(place.sites.index.astype(str)).join(as_numbers(own.set_axis(own.index.astype(str))))


def _measured(study: Study) -> dict[str, Any]:
    """Name what columns that are measured of the sites, and what is required of them, depend on."""
    asked = study.criteria
    if asked is None:
        return {}
    told = asked.model_dump(mode="json", exclude={"services"})
    return {"criteria": told, "services": None if asked.services is None else file_hash(asked.services)}


def _heaviest(weights: Mapping[str, float]) -> str:
    """Name what weighs most in the score: of what is counted, where anything is."""
    counted = {name: weight for name, weight in weights.items() if Measure.read(name) is not None}
    known = counted or weights
    return max(known, key=lambda column: (known[column], column))


def _chosen(
    study: Study, asked: Question, reach: Reach, sites: pd.DataFrame, *, communes: pd.Series | None
) -> tuple[list[str], str]:
    """Choose as the study asks, and say what ended the search; nothing where the conditions cannot be met."""
    try:
        choice = best_set(study, asked, reach, sites, communes=communes)
    except StudyError:
        return [], ""
    return [str(site) for site in choice.sites.index], choice.summary["ended"]


def _cover(study: Study, asked: Question, reach: Reach) -> pd.DataFrame:
    """Count the people of the chosen group by the very sites that they have within the limit."""
    limit = asked.minutes or study.travel.longest(asked.mode or BEST)
    within = np.zeros((len(reach.points), len(reach.sites)), dtype=bool)
    for mode in (asked.mode or BEST,) if isinstance(asked.mode, str) else asked.mode:
        near = reach.within(mode, limit)
        within[near.point, near.site] = True
    bits = np.packbits(within, axis=1)
    # As texts, of which all are as long, rows are sorted in a fraction of the time.
    _, first, which = np.unique(bits.view(f"S{bits.shape[1]}"), return_index=True, return_inverse=True)
    people = np.bincount(which.ravel(), weights=reach.people.amount(asked.group), minlength=len(first))
    names = [row.tobytes().hex() for row in bits[first]]
    return pd.DataFrame({"kind": "cover", "name": names, "score": np.nan, "value": people, "chosen": False})


# ---- all variants ----


def _told(
    asked: Robustness, here: Situation, found: Mapping[int, pd.DataFrame], *, counted: str
) -> dict[str, pd.DataFrame]:
    sites = {variant: table[table["kind"] == "site"].set_index("name") for variant, table in found.items()}
    ranks = rank_stability(sites, first=asked.first).drop(columns=["p5", "p50", "p95"])
    ends = rank_stability(sites, first=asked.first, column="value")[["p5", "p50", "p95"]]
    about = here.sites.loc[ranks.index]
    table = ranks.assign(
        name=about["name"], status=about["status"], variants=len(found), first=asked.first, counted=counted
    ).join(ends)
    order = ["name", "status", "variants", "in_first", "first", "mean_rank", "best_rank", "worst_rank", "counted"]
    table = table[[*order, "p5", "p50", "p95"]].rename_axis("site").reset_index()
    # The surest first.
    table = table.sort_values(["in_first", "mean_rank", "site"], ascending=[False, True, True], ignore_index=True)
    if here.study.choose is None:
        return {"robustness": table}
    own = list(map(str, here.chosen))
    sets = _sets(found, sites, list(here.sites.index), own)
    if "best_in" in sets:
        covers, labels = _covers(_cover(here.study, here.study.choose, here.reach)), list(here.reach.sites.astype(str))
        sets["covered"] = [
            _covered(covers, labels, names.split(", ")) if names else np.nan for names in sets["sites"].fillna("")
        ]
    return {"robustness": table, "robust_sets": sets}


def _sets(
    found: Mapping[int, pd.DataFrame], sites: Mapping[int, pd.DataFrame], names: Sequence[str], own: Sequence[str]
) -> pd.DataFrame:
    """Tell how often each set is chosen, and what it forgoes where another would have been better."""
    choices = {variant: list(table.index[table["chosen"]]) for variant, table in sites.items()}
    table = chosen_sets(choices)
    possible = {", ".join(sorted(each)): each for each in (*choices.values(), own) if each}
    if not possible:
        return table.assign(own=False)
    covers = [_covers(table) for table in found.values()]
    worth = pd.DataFrame(
        {name: [_covered(each, names, taken) for each in covers] for name, taken in possible.items()}, index=list(found)
    )
    table = table.merge(regret(worth), left_on="sites", right_index=True, how="outer").fillna({"count": 0, "share": 0})
    table = table.astype({"count": int}).sort_values(["count", "sites"], ascending=[False, True], ignore_index=True)
    table.insert(1, "own", table["sites"] == ", ".join(sorted(own)))
    return table


def _covers(table: pd.DataFrame) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return of all people who have the same sites within reach these sites, as bits, and how many they are."""
    rows = table[table["kind"] == "cover"]
    bits = np.frombuffer(bytes.fromhex("".join(rows["name"])), np.uint8)
    return bits.reshape(len(rows), -1), rows["value"].to_numpy()


def _covered(
    covers: tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]], names: Sequence[str], taken: Collection[str]
) -> float:
    """Sum the people who have one of the taken sites within reach, of those named."""
    bits, people = covers
    return float(people[(bits & np.packbits([name in taken for name in names])).any(axis=1)].sum())


ANSWER = Answer(check_robustness, robustness_tables)
