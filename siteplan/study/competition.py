"""Other places to work: what new sites gain, net of what they take from what is there."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS

from siteplan.analysis.competition import net_gain
from siteplan.catalogue import BEST
from siteplan.config import Study
from siteplan.config.competition import Competition
from siteplan.errors import InputError, StudyError, listed, warn
from siteplan.formats import is_graph
from siteplan.inputs.candidates import CANDIDATE_TAGS, propose_sites, read_tags
from siteplan.inputs.sites import read_sites
from siteplan.publics import by_public
from siteplan.reachable import Reach
from siteplan.study.load import StudyData
from siteplan.study.measured import TAG_TABLES
from siteplan.study.situation import Answer, Situation, check_whom
from siteplan.times import travel_times

__all__ = ["check_competition", "competition_tables"]

WORKPLACES = CANDIDATE_TAGS.with_name("workplaces.yaml")
SAME = 30.0  # metres within which a place is the open site itself
GAINS = ["alone", "net_alone", "taken_alone"]
MARK = "other:"  # before the ids of places, which sites may have too


def check_competition(study: Study, asked: Competition, data: StudyData) -> None:
    """Refuse what cannot be answered, before anything is computed.

    Raises
    ------
    StudyError, InputError
        Naming the key: an unknown group, mode or column, no streets, a file that cannot be used.
    """
    check_whom(study, "competition", asked)
    if study.inputs.times is not None or data.streets is None:
        raise StudyError(
            "competition: a table of times knows nothing of other places to work; give streets in place of inputs.times"
        )
    given = asked.places is not None and asked.places.suffix.lower() not in TAG_TABLES
    tables = {"sites": data.sites} | ({"places": _places(study, asked)} if given else {})
    if not any(asked.attraction in table for table in tables.values()):
        raise StudyError(f"competition.attraction: no column '{asked.attraction}' in the table of {listed(tables)}")
    for what, table in tables.items():
        _attraction(asked, table, what)
    if not given:
        _extract(study)
        read_tags(WORKPLACES if asked.places is None else asked.places)


def competition_tables(asked: Competition, here: Situation) -> dict[str, pd.DataFrame]:
    """Answer what the chosen sites gain, and what each candidate would alone, net of what they take.

    Returns
    -------
    dict
        `competition`: a row a site and a place: `site`, `name`, `kind` (site, or that of the place), `status`
        (existing, required, candidate; chosen; other), `attraction`, and the columns of `net_gain`. Candidates that are
        not chosen have `alone`, `net_alone` and `taken_alone` only.
    """
    study, sites = here.study, here.sites
    before = sites.index[sites["status"] == "existing"]
    new = [site for site in here.planned if site not in before]
    others = [site for site in sites.index if site not in (*before, *new)]
    every = _places(study, asked)
    near = _same_places(every, sites, here.data.points.crs)
    places = every[~every.index.isin([place for site in (*before, *new) for place in near.get(site, ())])]
    if len(places) < len(every):
        text = (
            f"competition: {len(every) - len(places):,} of {len(every):,} other places to work are within {SAME:g} m "
            "of an open or chosen site and count as this site, first "
            f"'{every['name'][~every.index.isin(places.index)].iloc[0]}'"
        )
        warn(text)
    reach = _with_places(study, asked, here, places)
    pull = pd.concat([_attraction(asked, sites, "sites"), _attraction(asked, places, "places")])
    known = set(reach.sites.astype(str))
    mode = asked.mode or BEST
    how: dict[str, Any] = {
        "minutes": asked.minutes or study.travel.longest(mode),
        "mode": reach.names[-1] if mode == BEST else mode,
        "group": asked.group,
        "power": asked.power,
        "decay": asked.decay,
    }
    there = [place for place in (*before, *places.index) if place in known]
    told = net_gain(reach, None, pull, before=there, new=[site for site in new if site in known], **how)
    # A candidate takes the place of what is on its spot already.
    apart = {site: {*near.get(site, ())} for site in others if site in known}
    asks = [([site for site in apart if not apart[site]], there)]
    asks += [([site], [one for one in there if one not in own]) for site, own in apart.items() if own]
    parts = [net_gain(reach, None, pull, before=then, new=some, **how).loc[some, GAINS] for some, then in asks]
    alone = pd.concat(parts)
    order = [*before, *new, *others, *places.index]
    # Whoever is in nobody's reach has nobody.
    table = pd.concat([told, alone]).reindex(order)
    shared, single = [*before, *new, *places.index], [*new, *others]
    table.loc[shared, ["before", "after", "change"]] = table.loc[shared, ["before", "after", "change"]].fillna(0.0)
    table.loc[single, GAINS] = table.loc[single, GAINS].fillna(0.0)
    about = pd.concat(
        [
            pd.DataFrame({"name": sites["name"], "kind": "site", "status": sites["status"]}),
            pd.DataFrame({"name": places["name"], "kind": places["kind"], "status": "other"}),
        ]
    ).reindex(order)
    about.loc[[site for site in new if site in here.chosen], "status"] = "chosen"
    about["attraction"] = pull.reindex(order)
    found = about.join(table).rename_axis("site").reset_index()
    found["site"] = found["site"].str.removeprefix(MARK)
    return {"competition": found}


def _places(study: Study, asked: Competition) -> gpd.GeoDataFrame:
    """Return the other places to work: index `place`; `name`, `kind` and, if they are known, further columns."""
    file = asked.places
    if file is not None and file.suffix.lower() not in TAG_TABLES:
        try:
            found = read_sites(file)
        except InputError as error:
            raise InputError(f"competition.places: {error}") from None
        found = found if "kind" in found else found.assign(kind="place")
    else:
        found = propose_sites(_extract(study), tags=WORKPLACES if file is None else file)
        found = found.drop(columns=["capacity", "cost"])
    return found.set_axis(pd.Index([f"{MARK}{place}" for place in found.index], name="place"))


def _extract(study: Study) -> Path:
    """Return the extract of OpenStreetMap of a study, which must have one."""
    streets = study.inputs.streets
    if streets is None or is_graph(streets):
        raise StudyError(
            "competition.places: missing; the streets are no extract of OpenStreetMap, which would have other places "
            "to work; expected a file of them, in the form of the sites"
        )
    return streets


def _same_places(places: gpd.GeoDataFrame, sites: gpd.GeoDataFrame, crs: CRS) -> dict[str, list[str]]:
    """Return by site the places that are on its spot, measured in a CRS in metres."""
    if places.empty:
        return {}
    tree = shapely.STRtree(sites.geometry.to_crs(crs).to_numpy())
    found = tree.query(places.geometry.to_crs(crs).to_numpy(), predicate="dwithin", distance=SAME)
    near: dict[str, list[str]] = {}
    for place, site in sorted(found.T.tolist()):
        near.setdefault(str(sites.index[site]), []).append(str(places.index[place]))
    return near


def _attraction(asked: Competition, table: gpd.GeoDataFrame, what: str) -> pd.Series:
    """Return what each attracts; what is blank, or has no such column, as usual."""
    if asked.attraction not in table:
        return pd.Series(asked.usual, index=table.index.astype(str))
    found = pd.to_numeric(table[asked.attraction], errors="coerce")
    wrong = (found <= 0) | (found.isna() & ~table[asked.attraction].isin(["", None]) & table[asked.attraction].notna())
    if wrong.any():
        first = str(table.index[int(wrong.to_numpy().argmax())]).removeprefix(MARK)
        raise InputError(
            f"competition.attraction: {what}: '{first}' has '{table[asked.attraction][wrong].iloc[0]}' in column "
            f"'{asked.attraction}'; expected a number above 0, or a blank"
        )
    known: pd.Series = found.fillna(asked.usual).set_axis(table.index.astype(str)).astype(float)
    return known


def _with_places(study: Study, asked: Competition, here: Situation, places: gpd.GeoDataFrame) -> Reach:
    """Return who is how far from which site and which other place."""
    data, reach = here.data, here.reach
    assert data.streets is not None  # noqa: S101 - checked before
    limit = float(study.travel.longest(asked.mode or BEST)) if asked.minutes is None else asked.minutes
    if places.empty:
        warn("competition: there is no other place to work; sites share people out among themselves")
        return reach
    wanted = [profile for profile in study.profiles() if asked.mode in ("", BEST, profile.name)]
    tables = [
        travel_times(
            data.streets,
            places,
            data.points[data.linked[profile.name]],
            mode=profile,
            minutes=min(limit, max(study.travel.own.get(profile.name, (limit,)))),
            direction=study.travel.direction,
            transit=data.timetable,
            **here.means.of("competition"),
        )
        for profile in wanted
    ]
    columns = ["site", "point", "mode", "minutes"]
    plain = pd.concat([table[columns].astype({"site": str, "mode": str}) for table in tables], ignore_index=True)
    plain["mode"] = pd.Categorical(plain["mode"], categories=[profile.name for profile in study.profiles()])
    times, _ = by_public(plain, data.points, study.publics)
    every = pd.concat([reach.times[columns].astype({"site": str, "mode": str}), times[columns].astype({"mode": str})])
    every["mode"] = pd.Categorical(every["mode"], categories=[profile.name for profile in study.profiles()])
    return Reach.of(every.reset_index(drop=True), reach.people)


ANSWER = Answer(check_competition, competition_tables)
