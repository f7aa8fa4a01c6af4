"""Codes of digits that a program took for numbers: 1234 is 01234 where only one can be meant, and it is said."""

from pathlib import Path

import pandas as pd
import pytest

import siteplan as sp
from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.values import same_codes

COMMUNES = pd.DataFrame({"name": ["L'Abergement", "Paris"]}, index=pd.Index(["01234", "75056"], name="territory"))


def test_a_code_stands_for_the_only_one_of_its_number() -> None:
    with pytest.warns(SiteplanWarning, match=r"t.csv: 3 code\(s\) differ .*: '1234' is taken as '01234'"):
        found = same_codes(["1234", "01234", "1234.0", "000007", "2A004", "12"], ["01234", "7", "2A004"], "t.csv")
    assert found == {"1234": "01234", "1234.0": "01234", "000007": "7"}


def test_a_code_that_may_be_two_stands_for_none() -> None:
    assert same_codes(["1", "x", "1.5"], ["01", "001", "1.50"], "t.csv") == {}


def test_flows_meet_communes_though_a_spreadsheet_took_the_zeros(tmp_path: Path) -> None:
    path = tmp_path / "flows.csv"
    path.write_text("home,work,people\n1234,75056,20\n75056,1234,5\n")
    with pytest.warns(SiteplanWarning, match=r"flows.csv: communes: 1 code\(s\) differ"):
        flows = sp.read_flows(path, communes=COMMUNES)
    assert flows[["home", "work", "people"]].to_numpy().tolist() == [["01234", "75056", 20], ["75056", "01234", 5]]
    path.write_text("home,work,people\n1234,75056,20\n01234,75056,5\n")
    with (
        pytest.warns(SiteplanWarning, match="differ"),
        pytest.raises(InputError, match="line 3 repeats the pair 01234, 75056"),
    ):
        sp.read_flows(path, communes=COMMUNES)


def test_communes_that_lost_their_zeros_meet_flows_that_have_them(tmp_path: Path) -> None:
    (tmp_path / "flows.csv").write_text("home,work,people\n01234,75056,20\n")
    with pytest.warns(SiteplanWarning, match="'01234' is taken as '1234'"):
        flows = sp.read_flows(tmp_path / "flows.csv", communes=COMMUNES.rename({"01234": "1234"}))
    assert flows["home"].tolist() == ["1234"]


def test_codes_that_became_decimals_are_whole(tmp_path: Path) -> None:
    """A column of numbers with a gap is one of decimals: 75056.0."""
    table = pd.DataFrame({"home": [75056.0, 69123.0], "work": [69123, 75056], "people": [3, 4]})
    table.to_parquet(tmp_path / "flows.parquet")
    assert sp.read_flows(tmp_path / "flows.parquet")["home"].tolist() == ["75056", "69123"]


@pytest.mark.parametrize(
    "text",
    [
        "site,point,minutes\n1,a,4.5\n2,b,7.5\n",
        "from_id,to_id,travel_time\na,1,4.5\nb,2,7.5\n",
        "from_id,to_id,travel_time\n1,a,4.5\n2,b,7.5\n",
        "point,1,2\na,4.5,\nb,,7.5\n",
    ],
)
@pytest.mark.filterwarnings("ignore:.*have no time")
def test_times_meet_sites_that_have_zeros_in_front(text: str, tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text(text)
    with pytest.warns(SiteplanWarning, match=r"times.csv: sites: 2 code\(s\) differ .*: '1' is taken as '01'"):
        times = sp.read_times(tmp_path / "times.csv", sites=pd.DataFrame(index=["01", "02"]))
    assert times[["site", "point", "minutes"]].to_numpy().tolist() == [["01", "a", 4.5], ["02", "b", 7.5]]


def test_the_side_that_fits_to_the_letter_is_the_site(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("from_id,to_id,travel_time\n01,1,4.5\n02,2,7.5\n")
    times = sp.read_times(tmp_path / "times.csv", sites=pd.DataFrame(index=["01", "02"]))
    assert times["site"].tolist() == ["01", "02"]
    assert times["point"].tolist() == [1, 2]


def test_times_meet_cells_that_have_zeros_in_front(tmp_path: Path) -> None:
    cells = "".join(f"{number:05d},9.{number},47.1,{10 * number}\n" for number in (1, 2, 3))
    (tmp_path / "cells.csv").write_text("cell,lon,lat,people\n" + cells)
    (tmp_path / "sites.csv").write_text("site,lon,lat\nA,9.1,47.1\n")
    (tmp_path / "times.csv").write_text("site,point,minutes\nA,1,3.5\nA,2,4.5\nA,3,99.5\n")
    files = {"times": "times.csv", "sites": "sites.csv", "population": "cells.csv"}
    study = sp.read_study(None, options={f"inputs.{key}": str(tmp_path / name) for key, name in files.items()})
    with pytest.warns(SiteplanWarning, match=r"times.csv: points: 3 code\(s\) differ .*: '1' is taken as '00001'"):
        result = sp.run(study, out=tmp_path / "results")
    assert result.scores.filter(like="people_given_15").to_numpy().tolist() == [[30.0]]
    (tmp_path / "times.csv").write_text("site,point,minutes\nA,1,3.5\nA,4,4.5\n")
    with pytest.raises(InputError, match=r"1 of 2 rows name a point that is no cell of the population, the first '4'"):
        sp.run(study, out=tmp_path / "others")
