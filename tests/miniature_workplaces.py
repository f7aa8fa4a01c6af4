"""The list of third places of France in miniature, in its own format."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from siteplan.sources.source import sources, url

(LIST,) = sources("workplaces")
FILE = url(LIST, "file").removeprefix("https://raw.githubusercontent.com")
COLUMNS = (
    "ID,NOM_TL,ADRESSE,CP,COMINIT,INSEECOM,NOMCOM,WEB,TWITTER,FACEBOOK,TYPO,LAT,LONG,GEOCOD,PRECISION,CONTACT,MAIL,"
    "METRO,NOMMETRO,INSEEREG,NOMREG,INSEEMETRO,INSEEDEP,NOMCOMMETRO,POPCOM,COMCLASS,INSEE_ZE,NOM_ZE,CLASS_ZE,POP_ZE"
).split(",")


def third_places(rows: Iterable[tuple[Any, ...]]) -> bytes:
    """Write CGET_TiersLieux_2019.csv of places: number, name, kind, latitude, longitude."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(dict(zip(("ID", "NOM_TL", "TYPO", "LAT", "LONG"), row, strict=True)))
    return out.getvalue().encode()
