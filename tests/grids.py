"""Miniatures of the sources of people and heights, in their own formats, made from the sample territory."""

import gzip
import io
import json
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import rasterio
from rasterio import Affine
from rasterio.io import MemoryFile
from rasterio.warp import Resampling, reproject

from siteplan.sources.area import Area
from siteplan.sources.windows import placed

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
PEOPLE, WORKERS, OLD = 49_742, 21_514, 11_274  # of the sample

WORLDPOP = "/GIS/Population/Global_2015_2030/R2025A/2025/FRA/v1/100m/constrained/fra_pop_2025_CN_100m_R2025A_v1.tif"
GHS = (
    "/ftp/jrc-opendata/GHSL/GHS_POP_GLOBE_R2023A/GHS_POP_E2025_GLOBE_R2023A_54009_100/V1-0/tiles/"
    "GHS_POP_E2025_GLOBE_R2023A_54009_100_V1_0_R4_C19.zip"
)
GLO30 = "/Copernicus_DSM_COG_10_N46_00_E003_00_DEM/Copernicus_DSM_COG_10_N46_00_E003_00_DEM.tif"
CENSUS = "/census/2021/Eurostat_Census-GRID_2021_V3.zip"
INDEX = (
    "/api/1/datasets/revenus-pauvrete-et-niveau-de-vie-donnees-carroyees-2019-et-2021-dispositif-fichier-localise-"
    "social-et-fiscal-filosofi/"
)
PARQUET = "/resources/filosofi/20260309-120901/carreaux-200m-met-3035-2021.parquet"
FILOSOFI = "/fr/statistiques/fichier/8735162/Filosofi2021_carreaux_200m_csv.zip"
AGES = ("0_3", "4_5", "6_10", "11_17", "18_24", "25_39", "40_54", "55_64", "65_79", "80p")


@cache
def sample_area() -> Area:
    """Return the territory of the sample, as place search would give it."""
    outline = gpd.read_file(SAMPLE / "communes.gpkg").to_crs(4326).union_all()
    # One of its people lives just outside the communes.
    return Area("Vallée de l'Orvelle", Area("", outline).around(300), "FR", "", PEOPLE)


@cache
def cells(side: int = 200) -> pd.DataFrame:
    """Return the sample's cells with people, by the code of the European grid."""
    table = gpd.read_file(SAMPLE / f"population_{'200m' if side == 200 else '1km'}.gpkg")
    return table[["cell", "people", "workers", "age_65", "geometry"]]


def from_origin(west: float, north: float, wide: float, high: float) -> Affine:
    """Return the transform of a raster from its upper left corner and the size of its pixels."""
    return Affine(wide, 0, west, 0, -high, north)


def tiff(values: np.ndarray, transform, crs, *, nodata=None, block: int = 128, **more) -> bytes:
    """Write a tiled, deflated GeoTIFF."""
    high, wide = values.shape[-2:]
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", width=wide, height=high, count=1 if values.ndim == 2 else len(values), dtype=values.dtype,
            crs=crs, transform=transform, nodata=nodata, tiled=True, blockxsize=block, blockysize=block,
            compress="deflate", **more,
        ) as raster:  # fmt: skip
            raster.write(values if values.ndim == 3 else values[None])
        return memory.read()


def counted(shape: tuple[int, int], transform, crs, noise: float) -> np.ndarray:
    """Put the people of each cell of the sample into the pixel of its centre; far around live others."""
    values = np.random.default_rng(7).gamma(2, noise, shape).astype(np.float32)
    table = cells()[cells()["people"] > 0]
    centres = gpd.GeoSeries(table.geometry.centroid, crs=3035).to_crs(crs)
    column, row = placed(~transform, centres.x.to_numpy(), centres.y.to_numpy())
    column, row = column.astype(int), row.astype(int)
    wide = 60  # pixels beyond the sample where nobody lives
    values[row.min() - wide : row.max() + wide, column.min() - wide : column.max() + wide] = -99999
    near = np.zeros(shape, np.float64)
    np.add.at(near, (row, column), table["people"].to_numpy())
    return np.where(near > 0, near, values).astype(np.float32)


@cache
def worldpop() -> bytes:
    """Return a country of two degrees, pixels of 3 seconds."""
    transform = from_origin(2.3, 47.3, 1 / 1200, 1 / 1200)
    return tiff(counted((2400, 2400), transform, "EPSG:4326", 5), transform, "EPSG:4326", nodata=-99999)


@cache
def ghs() -> bytes:
    """Return the one tile around the sample, smaller than the real ones of 1000 km, in a zip as they are."""
    place = gpd.GeoSeries([sample_area().geometry], crs=4326).to_crs("ESRI:54009").total_bounds
    west, north = np.floor(place[0] / 100) * 100 - 20_000, np.ceil(place[3] / 100) * 100 + 20_000
    transform = from_origin(west, north, 100, 100)
    values = counted((700, 700), transform, "ESRI:54009", 5).astype(np.float64)
    values[values < 0] = -200
    return zipped(
        {
            "GHS_POP_E2025_GLOBE_R2023A_54009_100_V1_0_R4_C19.tif": tiff(values, transform, "ESRI:54009", nodata=-200),
            "GHSL_Data_Package_2023.pdf": b"%PDF-1.7",
        }
    )


@cache
def glo30(west: int = 3, north: int = 47, *, every: int = 1, crs: str = "EPSG:4326") -> bytes:
    """Return a tile of one degree with the sample's heights; of fewer pixels than the real ones (1200, not 3600)."""
    side = 1 / 1200
    wide = side * every  # tiles beyond 50 degrees have wider pixels
    transform = from_origin(west - wide / 2, north + side / 2, wide, side)
    values = np.full((1200, 1200 // every), 250, np.float32)
    with rasterio.open(SAMPLE / "terrain.tif") as raster:
        reproject(
            raster.read(1), values, src_transform=raster.transform, src_crs=raster.crs, src_nodata=raster.nodata,
            dst_transform=transform, dst_crs="EPSG:4326", resampling=Resampling.bilinear, init_dest_nodata=False,
        )  # fmt: skip
    return tiff(values, transform, crs, block=256)


def zipped(members: dict[str, bytes]) -> bytes:
    """Pack files, each at one moment."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(zipfile.ZipInfo(name), body, zipfile.ZIP_DEFLATED)
    return target.getvalue()


@cache
def census() -> bytes:
    """Return Eurostat's zip: the table among larger files; withheld and not delivered values as it marks them."""
    table = cells(1000).drop(columns="geometry")
    rows = pd.DataFrame({"GRD_ID": table["cell"], "T": table["people"].fillna(-8888)})
    for name in ("M", "F", "Y_LT15", "Y_1564"):
        rows[name] = -9999
    rows["Y_GE65"], rows["EMP"] = table["age_65"].fillna(-8888), table["workers"].fillna(-8888)
    rows["LAND_SURFACE"], rows["POPULATED"], rows["CNTR_ID"] = 1, 1, "FR"
    far = rows.head(3).assign(GRD_ID=["CRS3035RES1000mN2000000E4000000", "FR_unallocated", ""], T=999)
    text = pd.concat([far, rows]).to_csv(index=False)
    noise = np.random.default_rng(3).bytes(400_000)
    folder = "Eurostat_Census-GRID_2021_V3"
    return zipped(
        {
            f"{folder}/ESTAT_OBS-VALUE-T_2021_V3.tiff": noise,
            f"{folder}/ESTAT_Census_2021_V3.csv": text.encode(),
            f"{folder}/ESTAT_Census_2021_V3.gpkg": noise,
        }
    )


@cache
def squares() -> pd.DataFrame:
    """Return the columns of Filosofi: the old in the last two ages, all others in that before."""
    table = cells().dropna(subset=["people"])
    table = table[table["people"] > 0]
    rows = pd.DataFrame({"idcar_200m": table["cell"], "idcar_1km": "", "i_est_200": (table["people"] < 11).astype(int)})
    rows["lcog_geo"], rows["ind"] = "99001", table["people"].astype(float)
    for age in AGES:
        rows[f"ind_{age}"] = 0.0
    rows["ind_65_79"] = table["age_65"].fillna(0).astype(float)
    rows["ind_40_54"] = rows["ind"] - rows["ind_65_79"]
    rows["men"] = rows["ind"] / 2
    return rows.reset_index(drop=True)


@cache
def parquet() -> bytes:
    """Return the squares of a country as GeoParquet with the bounds of each group of rows: the sample is in one."""
    far = squares().copy()
    code = far["idcar_200m"].str.extract(r"N(\d+)E(\d+)").astype(int)
    tables = []
    for shift in (-200_000, 0, 200_000, 400_000):
        north, east = code[0] + shift, code[1] + shift
        moved = far.assign(
            idcar_200m=[f"CRS3035RES200mN{n}E{e}" for n, e in zip(north, east, strict=True)],
            noise=np.random.default_rng(abs(shift)).random(len(far)),
        )
        table = pa.Table.from_pandas(moved, preserve_index=False)
        corners = {"xmin": east, "ymin": north, "xmax": east + 200, "ymax": north + 200}
        box = pa.StructArray.from_arrays([pa.array(each.astype(float)) for each in corners.values()], list(corners))
        tables.append(table.append_column("bbox", box))
    target = io.BytesIO()
    with pq.ParquetWriter(target, tables[0].schema) as writer:
        for table in tables:
            writer.write_table(table)
    return target.getvalue()


@cache
def filosofi() -> bytes:
    """Return Insee's zip of CSV."""
    text = squares().to_csv(index=False).encode()
    overseas = squares().head(0).to_csv(index=False).encode()
    return zipped({"carreaux_200m_met.csv": text, "carreaux_200m_mart.csv": overseas})


STATE = {"result": {"geographies": {"States": [{"GEOID": "27", "STUSAB": "MN", "NAME": "Minnesota"}]}}}
BLOCKS = "/geo/tiger/TIGER2022/TABBLOCK20/tl_2022_27_tabblock20.zip"
RAC = "/data/lodes/LODES8/mn/rac/mn_rac_S000_JT00_2023.csv.gz"


@cache
def coded() -> gpd.GeoDataFrame:
    """Return the sample's cells as census blocks, by codes of 15 digits."""
    table = cells().fillna({"people": 0, "workers": 0}).reset_index(drop=True)
    return table.assign(GEOID20=[f"2705300{number:08d}" for number in range(len(table))]).set_geometry("geometry")


@cache
def blocks() -> bytes:
    """Return a state's blocks as TIGER has them: a shapefile in NAD83, some of it water, some far away."""
    table = coded().set_crs(3035).to_crs(4269)
    shapes = gpd.GeoDataFrame(
        {"STATEFP20": "27", "GEOID20": table["GEOID20"], "POP20": table["people"].astype(int), "HOUSING20": 1},
        geometry=table.geometry,
    )
    far = shapes.head(1).assign(GEOID20="270530099999999", POP20=777, geometry=shapes.head(1).translate(5, 0))
    with tempfile.TemporaryDirectory() as folder:
        pd.concat([shapes, far]).to_file(Path(folder) / "tl_2022_27_tabblock20.shp", engine="pyogrio")
        return zipped({path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())})


@cache
def rac() -> bytes:
    """Return the workers by block that they live in: blocks without any are not in it."""
    table = coded()[coded()["workers"] > 0]
    rows = pd.DataFrame({"h_geocode": table["GEOID20"], "C000": table["workers"].astype(int), "CA01": 0})
    return gzip.compress(rows.to_csv(index=False).encode(), mtime=0)


def index() -> bytes:
    """Return data.gouv.fr's list of the files of Filosofi: two vintages, of which the newer counts."""
    root = "https://static.data.gouv.fr"
    older = {"title": "carreaux-200m-met-3035_2019.parquet", "url": f"{root}/resources/old/carreaux.parquet"}
    newer = {"title": "Carreaux 2021", "url": f"{root}{PARQUET}"}
    return json.dumps({"resources": [older, newer, {"title": "documentation", "url": f"{root}/notice.pdf"}]}).encode()


def answers() -> dict[str, dict[str, bytes]]:
    """Return what each source answers."""
    return {
        "worldpop": {WORLDPOP: worldpop()},
        "ghs_pop": {GHS: ghs()},
        "glo30": {GLO30: glo30()},
        "census_grid": {CENSUS: census()},
        "us_blocks": {"/geocoder/geographies/coordinates": json.dumps(STATE).encode(), BLOCKS: blocks(), RAC: rac()},
        "filosofi": {INDEX: index(), PARQUET: parquet(), FILOSOFI: filosofi()},
    }
