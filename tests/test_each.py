"""Many territories of one study, each by itself, on a town whose answers are known by head (`tests.town`).

On foot within 5.5 minutes A at crossing 0 reaches crossings 0 to 4, M at 5 reaches 1 to 9, B at 10 reaches 6 to 10.
"""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from typer.testing import CliRunner

from siteplan.catalogue import TABLES
from siteplan.cli import app
from siteplan.config import folder_name
from siteplan.errors import InputError, StudyError
from siteplan.study import check, each, read_study, run, run_each
from siteplan.study.territories import territories_of
from tests.town import NORTH, STUDY, lon, write_town

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning"),
    pytest.mark.filterwarnings("ignore:area.each. 1 sites and 10 people:siteplan.errors.SiteplanWarning"),  # of B
]

SITES = f"""site,name,status,lon,lat,cost
A,Hall,existing,{lon(0)},{NORTH},
B,Library,candidate,{lon(10)},{NORTH},10
M,Mill,candidate,{lon(5)},{NORTH},50
"""
HOSTILE = "../é*"


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Write the town, in four territories: names that no file system takes, two that are the same, one with nobody."""
    ends = {"1": (-0.5, 3.5), "2": (3.5, 7.5), "3": (7.5, 9.5), "4": (30, 40)}
    boxes = [shapely.box(lon(west), NORTH - 0.01, lon(east), NORTH + 0.01) for west, east in ends.values()]
    table = {"id": list(ends), "name": ["CON", HOSTILE, HOSTILE, "Far"], "dep": ["x", "x", "y", "y"]}
    gpd.GeoDataFrame(table, geometry=boxes, crs=4326).to_file(tmp_path / "communes.gpkg")
    study = STUDY.replace("walk, bike", "walk") + "choose: {sites: 1}\noutput: {isochrones: false}\n"
    return write_town(tmp_path, sites=SITES, study=study + "area: {each: communes.gpkg}\n")


class Counting(ThreadPoolExecutor):
    """One that counts what it is asked to do."""

    asked = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
        Counting.asked += 1
        return super().submit(*args, **kwargs)


def test_each_is_planned_for_by_itself(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(UserWarning, match=r"2 of 4 territories have no results: .*, Far"):  # 8 and 9 have no site
        found = run_each(town, executor=Counting(1))
    assert Counting.asked > 0
    told = "\n".join(finding.text for finding in check(town) if finding.place == "area.each")
    assert "no site stands in 2 of them: ../é* (3), Far" in told
    assert "nobody lives in 1 of them: Far" in told
    assert "1 sites and 10 people are in none of the territories" in told  # B, and who lives at crossing 10
    columns = ["people", "sites", "existing", "opened", "opens", "cost", "before_walk_5.5", "after_walk_5.5"]
    assert found.table.loc["1", columns[:5]].to_list() == [40, 1, 1, 0, ""]
    assert found.table.loc["1", columns[6:]].to_list() == [40, 40]  # crossings 0 to 3, of the existing A
    assert found.table.loc["2", columns].to_list() == [40, 1, 0, 1, "M", 50, 0, 40]  # 4 to 7; 1 to 3 live elsewhere
    assert found.table["error"].to_list() == ["", "", *["no site stands in it but excluded ones"] * 2]
    declared = TABLES["each_territory"]
    assert [declared.column(name) for name in found.table.reset_index()][-6:] == list(declared.columns[-6:])
    assert all(declared.column(name) is not None for name in found.table)
    written = pd.read_csv(found.folder / "each_territory.csv", dtype={"territory": str}).set_index("territory")
    assert written["people"].to_dict() == {"1": 40, "2": 40, "3": 20, "4": 0}
    assert list(found.results) == ["1", "2"]
    assert found["CON"].choice is not None
    with pytest.raises(InputError, match="4: has no results: no site"):
        found["4"]
    # What is finished is taken over; what is not, or has lost a file, is done anew.
    before = {path: path.stat().st_mtime_ns for path in found.folder.glob("territories/*/manifest.json")}
    lost = found.folder / str(found.table["folder"]["2"]) / "scores.csv"
    lost.unlink()
    answer = CliRunner().invoke(app, ["run", str(town), "--json"])
    assert (answer.exit_code, lost.is_file()) == (0, True)
    assert json.loads(answer.stdout)["territories"][1]["after_walk_5.5"] == 40
    again = {path: path.stat().st_mtime_ns for path in before}
    assert [path.parent.name for path in before if again[path] != before[path]] == [lost.parent.name]

    def broken(*_: object, **__: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(each, "run_into", broken)
    answer = CliRunner().invoke(app, ["run", str(town), "--set", "choose.sites=2"])
    assert answer.exit_code == 1
    assert "ValueError: a bug" in answer.stdout
    assert "0 of 4 territories have results" in answer.stderr


def test_rows_are_grouped_and_folders_have_names_that_any_system_takes(town: Path) -> None:
    areas = territories_of(read_study(town))
    assert areas["name"].to_list() == ["CON", f"{HOSTILE} (2)", f"{HOSTILE} (3)", "Far"]
    assert areas["folder"].to_list() == ["con-a3dbc4b6", "e-2", "e-3", "far"]
    grouped = territories_of(read_study(town, ["area.each={file: communes.gpkg, by: dep}"]))
    assert grouped.index.to_list() == ["x", "y"]
    assert shapely.area(grouped.geometry.to_numpy()) == pytest.approx(
        shapely.area(areas.geometry.to_numpy()).reshape(2, 2).sum(axis=1)
    )
    assert len(folder_name("long " * 60)) == 109
    assert folder_name("long " * 60) != folder_name("long " * 61)


def test_what_is_not_for_many_territories(town: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="asks for many territories; use run_each"):
        run(town)
    with pytest.raises(StudyError, match=r"area\.each: plans for .* leave scenarios out"):
        read_study(town, ["scenarios={more: {sites: [{open: B}]}}"])
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "scores.csv").touch()
    with pytest.raises(StudyError, match=r"scores\.csv: is there already, of something else"):
        run_each(town)
    with pytest.raises(StudyError, match=r"area\.each: missing"):
        territories_of(read_study(town, ["area.each=null"]))
