"""What the page says of desks, spaces, commuting, places left out and how sure a site is: the tables' figures."""

from typing import Any

import geopandas as gpd
import pandas as pd

from siteplan.config.sharing import DAYS, HOURS
from siteplan.output.maps.shapes import to_degrees
from siteplan.words import half_up

__all__ = ["answer_data", "left_out_data", "spaces_data"]

ALL = "all"
TRAVEL = ("vehicle_km", "kg_co2e", "hours", "euros")


def answer_data(
    desks: pd.DataFrame | None,
    commuting: pd.DataFrame | None,
    robustness: pd.DataFrame | None,
    competition: pd.DataFrame | None,
) -> dict[str, Any]:
    """Give the figures by site, and those of the whole territory by the share of people who would come.

    Returns
    -------
    dict
        `sites`: by id, `desks` (share that comes, desks, rooms, square metres), `alone` (whether that is as if it were
        the only site), `sure` (in so many variants among the first, how many first, of how many variants, people
        reached at the 5th and the 95th percentile) and, of new ones, `gains` (whom it would have if it alone opened,
        who of these had no place to work, and who had another). `desks`: share, people on the fullest day, desks and
        square metres of all sites that are open or chosen. `commuting`: share, rebound, and a year's car kilometres,
        kg CO2e, hours and euros saved, negative where they are lost.
    """
    sites: dict[str, dict[str, Any]] = {}
    found: dict[str, Any] = {"sites": sites, "desks": [], "commuting": []}
    if desks is not None:
        for row in desks.to_dict("records"):
            site = sites.setdefault(str(row["site"]), {"desks": [], "alone": row["basis"] == "alone"})
            site["desks"].append([float(row["uptake"]), int(row["desks"]), int(row["rooms"]), float(row["m2"])])
        together = (
            desks[desks["basis"] == "nearest"].groupby("uptake", as_index=False)[["peak_day", "desks", "m2"]].sum()
        )
        found["desks"] = [
            [float(row["uptake"]), half_up(float(row["peak_day"])), int(row["desks"]), float(row["m2"])]
            for row in together.to_dict("records")
        ]
    if commuting is not None and {"mode", "uptake", "rebound", *TRAVEL} <= set(commuting):
        found["commuting"] = [
            [float(row["uptake"]), float(row["rebound"]), *(half_up(float(row[name])) for name in TRAVEL)]
            for row in commuting[commuting["mode"] == "all"].to_dict("records")
        ]
    if robustness is not None:
        for row in robustness.to_dict("records"):
            count = half_up(float(row["in_first"]) * int(row["variants"]))
            people = [half_up(float(row[name])) for name in ("p5", "p95")]
            sure = [count, int(row["first"]), int(row["variants"]), *people]
            sites.setdefault(str(row["site"]), {})["sure"] = sure
    if competition is not None:
        gains = competition[competition["kind"] == "site"].dropna(subset=["alone", "net_alone", "taken_alone"])
        for site, *figures in gains[["site", "alone", "net_alone", "taken_alone"]].itertuples(index=False):
            sites.setdefault(str(site), {})["gains"] = [half_up(float(each)) for each in figures]
    return found


def spaces_data(spaces: pd.DataFrame | None, week: pd.DataFrame | None) -> dict[str, Any]:
    """Give the spaces of all open sites together, and the week of each use.

    Returns
    -------
    dict
        `spaces`: kind, how many if each use had its own, if they share, and then their square metres. `week`: use,
        kind, and how many are wanted at once on the mean in each hour from Monday 0:00. Both empty where no site is
        open or chosen, as sites that are each as if the only one do not add up.
    """
    found: dict[str, Any] = {"spaces": [], "week": []}
    if spaces is None or week is None or not (spaces["basis"] == "nearest").all():
        return found
    whole = spaces[(spaces["site"] == ALL) & (spaces["use"] == ALL)]
    found["spaces"] = [
        [str(row["space"]), int(row["alone"]), int(row["needed"]), float(row["m2"])]
        for row in whole[whole["space"] != ALL].to_dict("records")
    ]
    for (use, space), hours in week[week["use"] != ALL].groupby(["use", "space"], sort=False):
        slot = hours["day"].map({day: 24 * at for at, day in enumerate(DAYS)}) + hours["hour"]
        by_hour = hours["wanted"].groupby(slot.astype(int)).sum().reindex(range(HOURS), fill_value=0.0)
        found["week"].append([str(use), str(space), [round(each, 2) for each in by_hour.tolist()]])
    return found


def left_out_data(places: gpd.GeoDataFrame | None) -> list[list[Any]]:
    """Give the places that no open site serves, in their order: latitude, longitude, name, people, candidate, minutes.

    The candidate is the nearest that would help (None: no one does), the minutes are those to it.
    """
    if places is None:
        return []
    spots = to_degrees(places.geometry.representative_point())
    columns = (places[name] for name in ("name", "people", "candidate", "candidate_minutes"))
    found = []
    for y, x, name, people, site, minutes in zip(spots.y, spots.x, *columns, strict=True):
        nearest = [None, None] if pd.isna(site) else [str(site), round(float(minutes), 1)]
        found.append([round(y, 5), round(x, 5), str(name), half_up(float(people)), *nearest])
    return found
