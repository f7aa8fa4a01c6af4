"""Who lives where and works where, by a census or a register of jobs -> flows between the communes of a study."""

import gzip
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyproj
import shapely

from siteplan.errors import FetchError, listed
from siteplan.geo import LONLAT
from siteplan.sources.answers import read_records
from siteplan.sources.area import Area, communes_of
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Got, Source, Used, url
from siteplan.sources.states import find_states, newest_file
from siteplan.sources.writing import place_table

__all__ = ["get_flows", "plan_flows", "read_mobpro"]

FILE = "flows.csv"
DETOUR = 1.4  # as of the factors of commuting
ROWS = 500_000  # of a table, looked at at once
UPTAKES = [0.02, 0.05, 0.1]  # nobody knows how many will come: a range, as in the sample

# MOBPRO, one row per person asked, and the table of flows that INSEE makes of it: which columns tell what.
HOME, DISTRICT, WORK = ("COMMUNE", "CODGEO"), "ARM", "DCLT"
PEOPLE = ("IPONDI", "NBFLUX_")
TRANSPORT = "TRANS"
STAYS = 1  # of TRANS: works at home, or does not travel
MODES = {2: "walk", 3: "bike", 4: "car", 5: "car", 6: "bus"}  # factors know no motorcycles, the census no trains
# Districts of towns that a census tells apart, and the commune that each is in: first, last, commune.
DISTRICTS = ((13201, 13216, "13055"), (69381, 69389, "69123"), (75101, 75120, "75056"))

Floats = npt.NDArray[np.float64]


def get_flows(
    area: Area,
    source: Source,
    downloads: Downloads,
    folder: Path,
    *,
    communes: gpd.GeoDataFrame | None = None,
    detour: float = DETOUR,
    year: int | None = None,
) -> Got:
    """Fetch where those who live in some communes work.

    Parameters
    ----------
    area
        Where.
    source
        Of kind flows; its `format` says how the file is written: `mobpro` (also INSEE's table of flows) or `lodes`.
    downloads
        The cache.
    folder
        Where `flows.csv` is written, as `read_flows` reads it.
    communes
        Index `territory`, polygons: homes are in these, work may be anywhere. By default those of `area.gpkg` in the
        folder.
    detour
        Kilometres by road for one as the crow flies, for work outside the communes.
    year
        Of a source that has several; by default its vintage.

    Returns
    -------
    `commuting.flows` names the file. Who works at home, abroad or where it is not known is counted in a note.

    Raises
    ------
    FetchError
        The file cannot be had, is not what it was, or nobody of these communes is in it.
    """
    communes = communes_of(area, folder) if communes is None else communes
    places = communes.to_crs(LONLAT)
    if source.format == "mobpro":
        made = _of_census(source, downloads, places, detour, year=year)
    elif source.format == "lodes":
        made = _of_register(source, downloads, places, detour, area=area, newest=year or int(source.vintage))
    else:
        raise FetchError(f"{source.name}: its format is '{source.format}'; expected mobpro or lodes")
    if made.table.empty:
        raise FetchError(
            f"{source.name}: nobody who lives in {area.name} is in it; its communes are called "
            f"{listed(communes.index, 3)} here. Give flows by hand (home, work, people), or commuting.distances"
        )
    lacking = sorted(set(communes.index.astype(str)) - set(made.table["home"]))
    if lacking:
        made.notes.append(
            f"{source.name}: {len(lacking):,} of {len(communes):,} communes have no flows: {listed(lacking, 5)}"
        )
    place_table(folder / FILE, made.table)
    if "mode" in made.table:
        settings: dict[str, Any] = {"commuting.flows": FILE, "commuting.group": "people", "commuting.uptake": UPTAKES}
    else:
        settings = {}
        made.notes.append(
            f"{source.name}: does not tell how people travel, so commuting is not in the study yet: add commuting: "
            f"{{flows: {FILE}, uptake: [0.02, 0.05, 0.1], group: people, modes: {{car: ..., bus: ...}}}}"
        )
    return Got(settings=settings, used=made.used, notes=made.notes)


@dataclass(frozen=True)
class _Flows:
    """`home`, `work`, `people`, `km` (blank where the study measures it) and perhaps `mode`; how it came about."""

    table: pd.DataFrame
    used: list[Used]
    notes: list[str]


# ---- France: the census ----


def _of_census(
    source: Source, downloads: Downloads, communes: gpd.GeoDataFrame, detour: float, *, year: int | None
) -> _Flows:
    """Make flows of MOBPRO: communes as they are today, kilometres between their middles."""
    codes = set(communes.index.astype(str))
    file, vintage = _of_year(source, year)
    now, before = (url(source, what) for what in ("communes", "merged"))
    today, merged = _places(source, downloads, now), _merged(source, downloads, before)
    old = {code for code, now in merged.items() if now in codes and code not in today}
    raw = read_mobpro(downloads.get(source, file), codes | old, source.name)
    notes: list[str] = []
    if year is not None and vintage != str(year):
        notes.append(f"{source.name}: has no file of {year} that this version knows; that of {vintage} was taken")
    source = source.model_copy(update={"vintage": vintage})
    table = _renamed(raw, merged, today, codes=codes, source=source, notes=notes)
    table = _travelling(table, source, notes)
    known = table["work"].isin(codes | set(today))
    if not known.all():
        lost = table[~known]
        notes.append(
            f"{source.name}: {lost['people'].sum():,.0f} people work abroad or where it is not told, and were left "
            f"out: {listed(sorted(set(lost['work'])), 5)}"
        )
    keys = ["home", "work", *(["mode"] if "mode" in table else [])]
    table = table[known].groupby(keys, sort=True)["people"].sum().reset_index()
    far = ~table["work"].isin(codes).to_numpy()
    middles = communes.geometry.representative_point()
    homes = dict(zip(communes.index.astype(str), zip(middles.x, middles.y, strict=True), strict=True))
    km = np.full(len(table), np.nan)
    km[far] = _km(_points(homes, table["home"][far]), _points(today, table["work"][far])) * detour
    table["km"], table["people"] = km.round(1), table["people"].round(3)
    columns = ["home", "work", "people", "km", *keys[2:]]
    return _Flows(table[columns], [downloads.used(source, link) for link in (file, now, before)], notes)


def _of_year(source: Source, year: int | None) -> tuple[str, str]:
    """Return the address of the census of a year and its vintage; of the source's own where it has none of the year."""
    what = f"file_{year}"
    return (url(source, what), str(year)) if what in source.urls else (url(source, "file"), source.vintage)


def read_mobpro(path: Path, homes: Collection[str], name: str = "") -> pd.DataFrame:
    """Read the rows of those who live in some communes, from MOBPRO or INSEE's table of flows.

    Parameters
    ----------
    path
        Parquet, or a zip with one CSV of such a table in it; only the columns that are needed are read.
    homes
        INSEE codes; districts of Paris, Lyon and Marseille count by themselves if they are named.
    name
        What to call the file in an error.

    Returns
    -------
    Columns `home`, `work` (text), `people` and, if the file tells it, `trans` (1 to 6).

    Raises
    ------
    FetchError
        The file cannot be read, or lacks a column.
    """
    wanted = {*homes, *(_town(code) for code in homes)}
    try:
        reader = _from_zip if zipfile.is_zipfile(path) else _from_parquet
        parts = list(reader(path, wanted, name or path.name))
    except (OSError, ValueError, pa.ArrowException, zipfile.BadZipFile, zlib.error) as error:
        raise FetchError(f"{name or path.name}: cannot be read ({error}); fetch it again with --update") from error
    if not parts:
        raise FetchError(f"{name or path.name}: has no rows; fetch it again with --update")
    raw = pd.concat(parts, ignore_index=True)
    home = raw["home"].astype(str)
    if "district" in raw:
        district = raw["district"].astype(str)
        home = home.where(~district.isin(list(homes)), district)
    table = pd.DataFrame({"home": home, "work": raw["work"].astype(str).str.strip()})
    table["people"] = pd.to_numeric(raw["people"], errors="coerce").fillna(0.0)
    if "trans" in raw:
        table["trans"] = pd.to_numeric(raw["trans"], errors="coerce").fillna(0).astype(np.int64)
    return table[home.isin(list(homes))].reset_index(drop=True)


def _found(columns: Collection[str], name: str) -> dict[str, str]:
    """Return what the columns are called that are needed."""
    found = {
        "home": next((column for column in HOME if column in columns), ""),
        "work": WORK if WORK in columns else "",
        "people": next((column for column in columns for start in PEOPLE if column.startswith(start)), ""),
    }
    lacking = [what for what, column in found.items() if not column]
    if lacking:
        raise FetchError(
            f"{name}: has no column for {', '.join(lacking)} (found: {listed(columns, 8)}); expected COMMUNE, DCLT, "
            "IPONDI, or CODGEO, DCLT, NBFLUX_...: it was changed since this version of siteplan"
        )
    more = {"district": DISTRICT, "trans": TRANSPORT}
    return found | {what: column for what, column in more.items() if column in columns}


def _from_parquet(path: Path, wanted: set[str], name: str) -> Iterator[pd.DataFrame]:
    file = pq.ParquetFile(path)
    found = _found(file.schema_arrow.names, name)
    values = pa.array(sorted(wanted), pa.string())
    names = {column: what for what, column in found.items()}
    for batch in file.iter_batches(ROWS, columns=list(names)):
        here = pc.is_in(batch.column(found["home"]).cast(pa.string()), value_set=values)
        yield batch.filter(here).to_pandas().rename(columns=names)


def _from_zip(path: Path, wanted: set[str], name: str) -> Iterator[pd.DataFrame]:
    with zipfile.ZipFile(path) as archive:
        # Beside the data lies a table of what their codes mean (varmod_..., meta_...).
        tables = [each for each in archive.infolist() if each.filename.lower().endswith(".csv")]
        if not tables:
            raise FetchError(f"{name}: holds no CSV; it was changed since this version of siteplan")
        member = max(tables, key=lambda each: each.file_size)
        with archive.open(member) as file:
            header = file.readline().decode("utf-8-sig").strip()
        found = _found([column.strip('"') for column in header.split(";")], name)
        with archive.open(member) as file:
            for part in pd.read_csv(
                file, sep=";", dtype=str, usecols=list(found.values()), chunksize=ROWS, encoding="utf-8-sig"
            ):
                yield part[part[found["home"]].isin(wanted)].rename(columns={v: k for k, v in found.items()})


def _town(code: str) -> str:
    """Return the commune that a district of Paris, Lyon or Marseille is in; any other code as it is."""
    if not code.isdigit():
        return code
    return next((town for first, last, town in DISTRICTS if first <= int(code) <= last), code)


def _renamed(
    table: pd.DataFrame,
    merged: Mapping[str, str],
    today: Mapping[str, Any],
    *,
    codes: set[str],
    source: Source,
    notes: list[str],
) -> pd.DataFrame:
    """Call homes and places of work as the communes are called today; those that merged since are counted."""

    def now(code: str) -> str:
        if code in codes:
            return code
        town = _town(code)
        return town if town in today else merged.get(town, town)

    names = {code: now(code) for code in {*table["home"], *table["work"]}}
    gone = {code for code, name in names.items() if name != code and name != _town(code)}
    if gone:
        rows = table["home"].isin(gone) | table["work"].isin(gone)
        notes.append(
            f"{source.name}: {len(gone):,} communes merged since {source.vintage or 'then'} and are counted in what "
            f"they are part of now, with {table['people'][rows].sum():,.0f} people: {listed(sorted(gone), 5)}"
        )
    return table.assign(home=table["home"].map(names), work=table["work"].map(names))


def _travelling(table: pd.DataFrame, source: Source, notes: list[str]) -> pd.DataFrame:
    """Leave out who does not travel to work, and call how the others do as the factors do."""
    if "trans" not in table:
        return table
    mode = table["trans"].map(MODES)
    at_home, untold = table["trans"] == STAYS, mode.isna() & (table["trans"] != STAYS)
    for rows, what in ((at_home, "work at home"), (untold, "do not tell how they travel")):
        if rows.any():
            notes.append(f"{source.name}: {table['people'][rows].sum():,.0f} people {what}, and were left out")
    on_motorcycles, riding = (float(table["people"][table["trans"] == kind].sum()) for kind in (4, 6))
    if on_motorcycles:
        notes.append(f"{source.name}: {on_motorcycles:,.0f} people on motorcycles are counted as by car")
    if riding:
        notes.append(
            f"{source.name}: {riding:,.0f} people in public transport are counted as by bus: which kind is not told"
        )
    return table.assign(mode=mode)[mode.notna()].drop(columns="trans")


def _places(source: Source, downloads: Downloads, asked: str) -> dict[str, tuple[float, float]]:
    """Read the middles of all communes of today: longitude and latitude by code."""
    found = {}
    for each in read_records(source, downloads, asked):
        try:
            lon, lat = (float(value) for value in each["centre"]["coordinates"])
        except (KeyError, TypeError, ValueError):  # some have none
            continue
        if each.get("code") and abs(lon) <= 180 and abs(lat) <= 90:
            found[str(each["code"])] = (lon, lat)
    if not found:
        raise FetchError(f"{source.name}: its list of communes has no code and centre; it was changed")
    return found


def _merged(source: Source, downloads: Downloads, asked: str) -> dict[str, str]:
    """Read which communes became part of which."""
    return {
        str(each["code"]): str(each["chefLieu"])
        for each in read_records(source, downloads, asked)
        if each.get("code") and each.get("chefLieu")
    }


def _points(places: Mapping[str, tuple[float, float]], codes: pd.Series) -> Floats:
    return np.array([places[code] for code in codes], dtype=np.float64).reshape(-1, 2)


def _km(a: Floats, b: Floats) -> Floats:
    metres = pyproj.Geod(ellps="WGS84").inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2]
    return np.asarray(metres, dtype=np.float64) / 1000


# ---- United States: the register of jobs ----


def _of_register(
    source: Source, downloads: Downloads, communes: gpd.GeoDataFrame, detour: float, *, area: Area, newest: int
) -> _Flows:
    """Make flows of LODES: census blocks, in the communes that their middles lie in, or else in counties."""
    used: list[Used] = []
    notes: list[str] = []
    states = list(find_states(area, source, downloads, used))
    blocks = pd.concat([_blocks(source, downloads, state, used) for state in states], ignore_index=True)
    blocks = blocks.drop_duplicates("block").set_index("block")
    blocks["territory"] = _within(blocks, communes)
    homes = blocks.index[blocks["territory"].notna()]
    parts = ("main",) if len(states) == 1 else ("main", "aux")
    wanted = [(state, part) for state in states for part in parts]
    pairs = [_pairs(source, downloads, *each, homes=homes, newest=newest, used=used, notes=notes) for each in wanted]
    table = pd.concat(pairs, ignore_index=True)
    placed = table["w_geocode"].isin(blocks.index)
    if not placed.all():
        notes.append(
            f"{source.name}: {table['S000'][~placed].sum():,} people work in blocks that are not in its crosswalk, and "
            "were left out"
        )
        table = table[placed]
    notes.append(
        f"{source.name}: who lives here and works in another state than {', '.join(states).upper()} is not in the "
        "files of these states, and is missing"
    )
    home, work = (blocks.reindex(table[column]).reset_index() for column in ("h_geocode", "w_geocode"))
    people = table["S000"].to_numpy(np.float64)
    way = _km(home[["lon", "lat"]].to_numpy(np.float64), work[["lon", "lat"]].to_numpy(np.float64)) * detour
    flows = pd.DataFrame(
        {
            "home": home["territory"].to_numpy(),
            "work": work["territory"].where(work["territory"].notna(), "county " + work["county"]).to_numpy(),
            "people": people,
            "way": way * people,
        }
    )
    flows = flows.groupby(["home", "work"], sort=True, as_index=False).sum()
    flows["km"] = (flows.pop("way") / flows["people"]).round(1)
    return _Flows(flows, used, notes)


def _blocks(source: Source, downloads: Downloads, state: str, used: list[Used]) -> pd.DataFrame:
    """Read where the blocks of a state are: `block`, `county`, `lon`, `lat`."""
    link = url(source, "blocks", state=state)
    columns = {"tabblk2020": np.int64, "cty": str, "blklatdd": np.float64, "blklondd": np.float64}
    parts = list(_packed(source, downloads.get(source, link), columns))
    used.append(downloads.used(source, link))
    names = {"tabblk2020": "block", "cty": "county", "blklatdd": "lat", "blklondd": "lon"}
    return pd.concat(parts, ignore_index=True).rename(columns=names)


def _within(blocks: pd.DataFrame, communes: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Return the commune that each block's middle lies in, the first of several; None outside all."""
    points = np.asarray(shapely.points(blocks["lon"].to_numpy(), blocks["lat"].to_numpy()))
    block, commune = shapely.STRtree(points).query(communes.geometry.to_numpy(), predicate="intersects")[::-1]
    found = np.full(len(blocks), None, dtype=object)
    order = np.argsort(-commune, kind="stable")
    found[block[order]] = communes.index.astype(str).to_numpy()[commune[order]]
    return found


def _pairs(
    source: Source,
    downloads: Downloads,
    state: str,
    part: str,
    *,
    homes: pd.Index,
    newest: int,
    used: list[Used],
    notes: list[str],
) -> pd.DataFrame:
    """Read the pairs of blocks of those who live in some, of the newest year that a state has."""
    columns = {"w_geocode": np.int64, "h_geocode": np.int64, "S000": np.int64}
    path, told, note = newest_file(source, downloads, "pairs", newest, state=state, part=part)
    rows = [each[each["h_geocode"].isin(homes)] for each in _packed(source, path, columns)]
    used.append(told)
    notes += filter(None, [note])
    return pd.concat(rows, ignore_index=True)


def _packed(source: Source, path: Path, columns: dict[str, Any]) -> Iterator[pd.DataFrame]:
    """Read some columns of a `.csv.gz`, part after part."""
    try:
        with gzip.open(path) as file:
            yield from pd.read_csv(file, usecols=list(columns), dtype=columns, chunksize=ROWS)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise FetchError(
            f"{source.name}: {path.name} cannot be read as a packed CSV with {', '.join(columns)} ({error}); fetch it "
            "again with --update"
        ) from error


# ---- what would be fetched ----


def plan_flows(
    area: Area, source: Source, downloads: Downloads, *, year: int | None = None
) -> list[tuple[str, int | None]]:
    """Return the addresses that `get_flows` asks for, and their bytes where they are known."""
    if source.format == "lodes":
        states = list(find_states(area, source, downloads, []))
        newest = year or int(source.vintage)
        links = [url(source, "blocks", state=state) for state in states]
        links += [url(source, "pairs", state=state, part="main", year=newest) for state in states]
    else:
        links = [_of_year(source, year)[0], url(source, "communes"), url(source, "merged")]
    return [(link, downloads.size(source, link)) for link in links]
