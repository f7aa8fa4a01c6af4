"""A user's own table of travel times: reading it, and refusing what is not one."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from siteplan.analysis.reach import reach
from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.times import read_times
from siteplan.reachable import Reach, check_times

TIMES = pd.DataFrame({"site": ["A", "A", "B"], "point": [0, 1, 1], "minutes": [5.0, 15, 20]})
PEOPLE = pd.DataFrame({"people": [1.0, 2]}, index=pd.RangeIndex(2, name="point"))
SITES = pd.DataFrame(index=pd.Index(["A", "B"], name="site"))


def test_a_good_table_passes() -> None:
    check_times(TIMES, PEOPLE)


def test_rows_are_sorted_by_mode_site_and_point_and_categories_kept() -> None:
    times = TIMES.assign(mode=["bike", "walk", "bike"]).iloc[::-1]
    times["site"] = pd.Categorical(times["site"], ["Z", "B", "A"])
    rows = Reach.of(times)
    assert (rows.modes, list(rows.sites), list(rows.points)) == (("bike", "walk"), ["Z", "B", "A"], [0, 1])
    assert (rows.site.tolist(), rows.point.tolist(), rows.minutes.tolist()) == ([1, 2, 2], [1, 0, 1], [20, 5, 15])
    assert (rows.mode_rows("bike"), rows.mode_rows("walk")) == (slice(0, 2), slice(2, 3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"minutes": [5, np.nan, 20]}, r"1 rows have no valid time; the first is row 1 \(site 'A', point '1'\)"),
        ({"minutes": [5, 15, -1]}, r"row 2 .*: -1 minutes. Expected 0 or more"),
        ({"minutes": [5, 15, np.inf]}, "leave out what is out of reach"),
        ({"minutes": ["5", "15", "far"]}, "column minutes holds .*, expected numbers"),
        ({"minutes": [300, 900, 3_579_140]}, "longest time is 3.57914e.06 minutes.* 32 bits hold.* divide by 60"),
        ({"point": [0, 1, 2]}, "1 rows name a point .* row 2: '2'"),
        ({"point": [0, 1, -1]}, "1 rows name a point .* row 2: '-1'"),
        ({"point": ["0", "1", "1"]}, "3 rows name a point .* points of the people are int64"),
        ({"site": ["A", None, "B"]}, "row 1 has no site"),
        (
            {"site": ["A", "B", "B"]},
            r"1 rows repeat a site, point and mode; the first is row 2 \(site 'B', point '1'\)",
        ),
    ],
)
def test_what_is_no_times_table_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_times(TIMES.assign(**changes), PEOPLE)


def test_missing_columns_are_named() -> None:
    with pytest.raises(InputError, match=r"no column minutes \(found: site, point\)"):
        check_times(TIMES[["site", "point"]])


def test_people_need_people_once_a_point() -> None:
    with pytest.raises(InputError, match="no column people"):
        check_times(TIMES, PEOPLE.rename(columns={"people": "inhabitants"}))
    with pytest.raises(InputError, match="point '0' stands in more than one row"):
        check_times(TIMES, pd.concat([PEOPLE, PEOPLE]))


def test_people_are_not_checked_for_a_table_of_times_alone() -> None:
    check_times(TIMES.assign(point=[7, 8, 9]))


def test_hours_are_suspected() -> None:
    with pytest.warns(SiteplanWarning, match="longest of 3 times is 0.5 minutes. If these are hours"):
        check_times(TIMES.assign(minutes=[0.1, 0.25, 0.5]))


# --- files -----------------------------------------------------------------------------------------------------------


def written(folder: Path, text: str, name: str = "times.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_own_names(tmp_path: Path) -> None:
    found = read_times(written(tmp_path, "site,point,mode,minutes\nA,0,walk,5\nB,1,bike,7.5\n"), sites=SITES)
    assert found.to_dict("list") == {"site": ["A", "B"], "point": [0, 1], "mode": ["walk", "bike"], "minutes": [5, 7.5]}
    assert list(found["site"].cat.categories) == ["A", "B"]


def test_sites_without_a_row_are_named(tmp_path: Path) -> None:
    sites = pd.DataFrame({"status": ["existing", "candidate", "excluded"]}, index=["A", "B", "C"])
    with pytest.warns(SiteplanWarning, match=r"times\.csv: 1 of 2 sites have no row: in reach of nobody \(B\)"):
        found = read_times(written(tmp_path, "site,point,minutes\nA,0,5\n"), sites=sites)
    assert list(found["site"].cat.categories) == ["A", "B"]


def test_times_to_excluded_sites_are_left_out(tmp_path: Path) -> None:
    sites = pd.DataFrame({"status": ["candidate", "excluded"]}, index=["A", "B"])
    found = read_times(written(tmp_path, "site,point,minutes\nA,0,5\nB,0,6\n"), sites=sites)
    assert found["site"].tolist() == ["A"]


def test_trips_run_to_the_site_unless_the_sites_say_otherwise(tmp_path: Path) -> None:
    path = written(tmp_path, "from_id,to_id,travel_time_p50\nA,7,5\nB,8,6\n")
    assert read_times(path)["site"].tolist() == ["7", "8"]
    found = read_times(path, sites=SITES)
    assert (found["site"].tolist(), found["point"].tolist(), found["mode"].tolist()) == (
        ["A", "B"],
        [7, 8],
        ["given"] * 2,
    )


def test_trips_run_to_the_site_where_both_ends_are_sites(tmp_path: Path) -> None:
    path = written(tmp_path, "from_id,to_id,travel_time\nA,B,5\nB,A,6\n")
    assert read_times(path, sites=SITES)["site"].tolist() == ["B", "A"]


def test_identifiers_keep_their_zeros(tmp_path: Path) -> None:
    found = read_times(written(tmp_path, "site;point;seconds\n001;07;90\n002;10;60\n"), mode="car")
    assert found["site"].tolist() == ["001", "002"]
    assert found["point"].tolist() == ["07", "10"]
    assert (found["minutes"].tolist(), found["mode"].tolist()) == ([1.5, 1], ["car", "car"])


def test_rows_without_a_time_are_out_of_reach_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "times.csv.gz"
    path.write_bytes(gzip.compress(b"from_id,to_id,travel_time\n1,A,5\n2,A,\n"))
    with pytest.warns(SiteplanWarning, match="1 of 2 rows have no time"):
        found = read_times(path)
    assert found["point"].tolist() == [1]


def test_parquet_reads_back(tmp_path: Path) -> None:
    TIMES.to_parquet(tmp_path / "times.parquet")
    assert (
        read_times(tmp_path / "times.parquet")[["site", "point", "minutes"]].to_numpy().tolist()
        == TIMES.to_numpy().tolist()
    )


@pytest.mark.parametrize(
    "text",
    [
        "cell,A,B\n07,5,\n08,6.5,7\n",
        "id,07,08\nA,5,6.5\nB,,7\n",
        "sep=;\ncell; A ;B\n07;5;\n08;6,5;7\n;;\n",
        "Site ;Point;Hours\nA;07;0,0833333333\nA;08;0,108333333333\n\nB;08;0,1166666666\n;;\n",
    ],
    ids=["points in rows", "sites in rows", "as Excel writes it", "hours"],
)
@pytest.mark.filterwarnings("ignore:.*have no time:siteplan.errors.SiteplanWarning")
def test_tables_as_people_keep_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "times.csv"
    for encoding in ("utf-8", "utf-16"):
        path.write_text(text, encoding=encoding)
        found = read_times(path, sites=SITES).sort_values(["site", "point"])
        assert found[["site", "point"]].to_numpy().tolist() == [["A", "07"], ["A", "08"], ["B", "08"]]
        assert found["minutes"].tolist() == pytest.approx([5, 6.5, 7])


@pytest.mark.parametrize("keys", [["site"], ["point"], ["site", "point"]])
@pytest.mark.filterwarnings("ignore:.*have no time:siteplan.errors.SiteplanWarning")
def test_what_stands_in_the_index_of_parquet_counts(tmp_path: Path, keys: list[str]) -> None:
    others = {"site": "point", "point": "site"}
    wide = TIMES.pivot_table("minutes", keys, [others[key] for key in keys if len(keys) == 1]).rename(columns=str)
    wide.to_parquet(tmp_path / "times.parquet")
    found = read_times(tmp_path / "times.parquet", sites=SITES).sort_values(["site", "point"])
    assert found[["site", "point", "minutes"]].to_numpy().tolist() == TIMES.to_numpy().tolist()


def test_times_of_days_are_read_and_counted(tmp_path: Path) -> None:
    """Ten hours are no bound: one may well ask who is within a day; what may be seconds is said."""
    far = "site,point,minutes\nA,1,10\nA,2,170\nB,1,601\nB,2,1440\nB,3,5\n"
    found = read_times(written(tmp_path, far), sites=SITES)
    counted = reach(found, minutes=[600, 601, 1440])
    assert [counted.loc["B", f"people_given_{limit}"] for limit in (600, 601, 1440)] == [1, 2, 3]
    assert counted.loc["A"].filter(like="people").tolist() == [2, 2, 2]
    with pytest.warns(SiteplanWarning, match=r"half of the 3 times are longer than 900 minutes.*column seconds"):
        read_times(written(tmp_path, "site,point,minutes\nA,1,60\nA,2,900\nB,1,1200\n"), sites=SITES)
    most = Reach.of(TIMES.assign(minutes=[1.0, 2.0, 3_579_139.0]))
    assert most.within("given", 3_579_139).minutes.tolist() == [1, 2, 3_579_139]  # 2 ** 31 deciseconds


def test_columns_of_no_site_are_named(tmp_path: Path) -> None:
    with pytest.warns(SiteplanWarning, match=r"1 columns are headed by no site and left out: people"):
        read_times(written(tmp_path, "cell,A,B,people\n1,5,6,70\n"), sites=SITES)


def test_minutes_that_look_like_seconds(tmp_path: Path) -> None:
    with pytest.warns(SiteplanWarning, match=r"half of its times are longer than 400 minutes.*name the column seconds"):
        read_times(written(tmp_path, "site,point,minutes\nA,1,60\nA,2,400\nB,1,590\n"), sites=SITES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("site,point\nA,0\n", r"no column of times \(found: site, point\)"),
        ("place,minutes\nA,0\n", "no columns for the site and the point"),
        ("site,point,minutes\nX,0,1\nY,1,1\n", "names 2 sites that the sites table does not have, first 'X'"),
        ("site,point,minutes\nA,0,far\n", "line 2, column minutes: found 'far', expected a number"),
        ("site,point,minutes\nA,,1\n", "line 2 has no site or no point"),
        ("sep=,\nsite,point,minutes\n\n,1,1\n", "line 4 has no site or no point"),
        ("site,point,minutes\n", "holds no times. Expected a row for every site"),
        ("site,point,minutes\nA,0,\n", "holds no times"),
        ("site,point,minutes\nA,1,1\nA,2,3,5\n", "line 3 has 4 values, the header 3; put texts that hold ',' in"),
        ("site,point,minutes\nA,1,1,9\n", "line 2 has 4 values, the header 3; put texts"),
        ("sep=;\nsite;point;minutes\n\n'A\n';1;1\nA;1;1;9\n".replace("'", '"'), "line 6 has 4 values, the header 3"),
        ('site,point,minutes\nA,1,"3,0"\n', "found '3,0', expected a number. Write 3.5, or put ; between"),
        ("cell,S1,S2\n0,1,2\n", "a row for each point and a column for each site, headed by its id"),
        ("site,point,minutes\nA,0,4000000\n", "divide by 60"),
        ("", "is empty"),
    ],
)
def test_files_that_are_no_times_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_times(written(tmp_path, text), sites=SITES)


def test_a_wrong_time_is_named_by_file_and_line(tmp_path: Path) -> None:
    path = written(tmp_path, "site,point,minutes\nA,0,\nA,1,2\nA,2,-3\n")
    with (
        pytest.warns(SiteplanWarning, match="no time"),
        pytest.raises(InputError, match=r"times\.csv: 1 rows have no valid time; the first is line 4"),
    ):
        read_times(path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_times(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        read_times(written(tmp_path, "site,point", "times.parquet"))


def _whole(path: Path, count: int = 40) -> Path:
    """Write a table of whole minutes 0, 1, 2 and so on to one site."""
    rows = pd.DataFrame({"from_id": range(count), "to_id": "A", "travel_time": range(count)})
    rows.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("minutes", "at_most_15"),
    # Exact and rounded: 0 to 15. Truncated: a written 15 is a time of 15 minutes or more, so 0 to 14.
    [("exact", 16), ("rounded", 16), ("truncated", 15)],
)
def test_a_limit_counts_minutes_by_what_they_stand_for(tmp_path: Path, minutes: Any, at_most_15: int) -> None:
    times = read_times(_whole(tmp_path / "r5.csv"), minutes=minutes)
    assert (times["minutes"] <= 15).sum() == at_most_15


def test_truncated_minutes_are_counted_as_the_true_ones(tmp_path: Path) -> None:
    true = np.random.default_rng(14).uniform(0, 60, 2000)
    rows = pd.DataFrame({"from_id": range(2000), "to_id": "A", "travel_time": np.floor(true).astype(int)})
    rows.to_csv(tmp_path / "r5.csv", index=False)
    times = read_times(tmp_path / "r5.csv", minutes="truncated")
    for limit in range(1, 60):
        assert (times["minutes"] <= limit).sum() == (true < limit).sum()
    # Half a minute is the middle of what is cut off, so means are right as well.
    assert times["minutes"].mean() == pytest.approx(true.mean(), abs=0.03)


def test_whole_minutes_of_which_nothing_is_said_are_warned_of(tmp_path: Path) -> None:
    with pytest.warns(SiteplanWarning, match="whole and taken as exact, so a limit of 15 counts a written 15.*15.99"):
        times = read_times(_whole(tmp_path / "r5.csv"))
    assert times["minutes"].tolist() == list(range(40))


def test_few_whole_minutes_or_one_that_is_not_are_not_warned_of(tmp_path: Path) -> None:
    assert len(read_times(_whole(tmp_path / "few.csv", 19))) == 19
    path = _whole(tmp_path / "exact.csv")
    path.write_text(path.read_text() + "40,A,12.5\n")
    assert len(read_times(path)) == 41


@pytest.mark.parametrize("minutes", ["rounded", "truncated"])
def test_minutes_that_are_not_whole_cannot_be_rounded(tmp_path: Path, minutes: Any) -> None:
    path = _whole(tmp_path / "r5.csv")
    path.write_text(path.read_text() + "40,A,12.5\n")
    with pytest.raises(InputError, match=f"said to be {minutes}, but column travel_time holds .* such as 12.5"):
        read_times(path, minutes=minutes)


def test_an_unknown_exactness_is_refused(tmp_path: Path) -> None:
    cut: Any = "cut"
    with pytest.raises(InputError, match="minutes='cut': expected exact, rounded, truncated, or None"):
        read_times(_whole(tmp_path / "r5.csv"), minutes=cut)


@pytest.mark.parametrize("name", ["https://example.org/times.csv", "s3://bucket/times.csv"])
def test_an_address_is_no_file(name: str) -> None:
    with pytest.raises(InputError, match="is an address; siteplan fetches no input from the network, so download it"):
        read_times(name)


def test_ten_hours_that_were_truncated_are_read(tmp_path: Path) -> None:
    """600 stands for the times up to 601: half a minute more than ten hours is a time like another."""
    path = written(tmp_path, "site,point,minutes\nA,1,600\nA,2,599\nA,3,1\nA,4,2\nA,5,3\n")
    times = read_times(path, minutes="truncated")
    assert times["minutes"].tolist() == [600.5, 599.5, 1.5, 2.5, 3.5]
    assert Reach.of(times).count("given", 600) == {"people": 4}
