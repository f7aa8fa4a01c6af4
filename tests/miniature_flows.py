"""Tables of who works where in miniature, in their real formats, of the sample territory."""

import gzip
import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["PEOPLE", "STATE", "census_answers", "crosswalk", "flows_zip", "mobpro_parquet", "mobpro_zip", "packed"]

# Home, work, how one gets there (TRANS) and for how many people each asked stands (IPONDI).
PEOPLE: list[tuple[str, str, int, float]] = [
    ("99001", "99001", 5, 100.25),
    ("99001", "99001", 5, 50.5),
    ("99001", "99001", 2, 30.0),
    ("99001", "99001", 1, 12.0),  # at home
    ("99003", "99001", 5, 300.0),
    ("99003", "99001", 6, 20.0),
    ("99003", "99001", 4, 5.0),  # by motorcycle
    ("99006", "99003", 3, 8.0),
    ("99006", "03310", 5, 40.0),  # beyond the communes
    ("99006", "75108", 6, 2.0),  # a district of Paris
    ("99006", "99140", 5, 7.0),  # abroad
    ("03310", "99001", 5, 60.0),  # lives elsewhere
]
MOBPRO = ["COMMUNE", "ARM", "AGEREVQ", "DCFLT", "DCLT", "ILT", "IPONDI", "SEXE", "TRANS"]
STATE = {"result": {"geographies": {"States": [{"GEOID": "99", "STUSAB": "OV", "NAME": "Orvelle"}]}}}


def _mobpro(people: Iterable[tuple[str, str, int, float]]) -> pd.DataFrame:
    rows = [(home, "ZZZZZ", "35", "99999", work, "1", weight, "1", how) for home, work, how, weight in people]
    return pd.DataFrame(rows, columns=MOBPRO)


def mobpro_parquet(people: Iterable[tuple[str, str, int, float]] = PEOPLE) -> bytes:
    """Write RP..._mobpro.parquet: TRANS is a decimal number there."""
    out = io.BytesIO()
    table = pa.Table.from_pandas(_mobpro(people).astype({"TRANS": float}), preserve_index=False)
    pq.write_table(table, out, row_group_size=5)
    return out.getvalue()


def mobpro_zip(people: Iterable[tuple[str, str, int, float]] = PEOPLE) -> bytes:
    """Write RP..._mobpro.zip: the data and, beside them, what their codes mean."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("varmod_mobpro_2022.csv", "COD_VAR;LIB_VAR\nTRANS;Mode de transport\n")
        archive.writestr("FD_MOBPRO_2022.csv", _mobpro(people).to_csv(sep=";", index=False))
    return out.getvalue()


def flows_zip(people: Iterable[tuple[str, str, int, float]] = PEOPLE) -> bytes:
    """Write base-flux-mobilite-domicile-lieu-travail-2022_csv.zip."""
    table = pd.DataFrame(people, columns=["CODGEO", "DCLT", "how", "NBFLUX_C22_ACTOCC15P"])
    table = table.groupby(["CODGEO", "DCLT"], as_index=False)["NBFLUX_C22_ACTOCC15P"].sum()
    table.insert(1, "LIBGEO", "Là")
    table.insert(3, "L_DCLT", "Là-bas")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("base-flux-mobilite-domicile-lieu-travail-2022.csv", table.to_csv(sep=";", index=False))
    return out.getvalue()


def census_answers(path: str, table: bytes) -> dict[str, bytes]:
    """Answer as INSEE and geo.api.gouv.fr: the table, the communes of today, and those that are part of them."""
    places = {"99001": (3.34, 46.44), "03310": (3.42, 46.12), "75056": (2.34, 48.86)}
    centres: list[dict[str, Any]] = [
        {"code": code, "centre": {"type": "Point", "coordinates": list(place)}} for code, place in places.items()
    ]
    merged = [
        {"code": "99901", "chefLieu": "99003", "type": "commune-deleguee"},
        {"code": "99003", "chefLieu": "99003", "type": "commune-deleguee"},
        {"code": "03999", "chefLieu": "03310", "type": "commune-associee"},
    ]
    return {
        path: table,
        "/communes": json.dumps(centres).encode(),
        "/communes_associees_deleguees": json.dumps(merged).encode(),
    }


def packed(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def crosswalk(blocks: Iterable[tuple[int, str, float, float]]) -> bytes:
    """Write STATE_xwalk.csv.gz of blocks with their county, longitude and latitude; other columns in part."""
    head = "tabblk2020,st,stusps,stname,cty,ctyname,trct,blklatdd,blklondd,createdate\n"
    row = '{0},99,OV,Orvelle,{1},"County, OV",1,{3},{2},20251201\n'
    return packed(head + "".join(row.format(*block) for block in blocks))
