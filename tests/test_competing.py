"""Other places to work in the town of one street, counted by head: see tests/town.py; on foot 80 m a minute."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from siteplan.errors import InputError, StudyError
from siteplan.output.report import render_report
from siteplan.output.result import Result
from siteplan.study.load import load
from siteplan.study.questions import check_questions
from siteplan.study.reading import read_study
from siteplan.study.stages import run
from tests.asking import quiet, section
from tests.town import NORTH, lon, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover")


@pytest.fixture
def town(tmp_path: Path) -> Path:
    """Write the town, with a coworking space at crossing 6 and a library on the spot of B."""
    study = write_town(tmp_path)
    rows = f"6,Hub,{lon(6)},{NORTH},20,coworking\n7,Library,{lon(10)},{NORTH},,library\n"
    (tmp_path / "places.csv").write_text("site,name,lon,lat,capacity,kind\n" + rows)
    return study


def answered(town: Path, *overrides: str, **keys: object) -> pd.DataFrame:
    with quiet():
        study = read_study(town, ["competition={places: places.csv, mode: walk, minutes: 5.5}", *overrides])
        return run(study, out=town.parent / "results").tables["competition"].set_index("site")


def test_the_gain_of_a_new_site_by_hand(town: Path) -> None:
    # Within 440 m, A has the crossings 0 to 4, the hub 2 to 10, the library and B 6 to 10; ten people at each. B opens
    # in the library's place, and there is one place then where there was one before.
    found = answered(town, "choose={sites: 2, mode: walk, minutes: 5.5}")
    assert found["status"].to_dict() == {"A": "existing", "B": "chosen", "6": "other"}
    assert found["attraction"].to_dict() == {"A": 10.0, "B": 10.0, "6": 20.0}
    # Before: 0 and 1 go to A alone; at 2, A draws 10 / 2.5^2, the hub 20 / 5^2: (1.6, 0.8) and so on.
    minutes = {place: {c: max(1.0, abs(c - at) * 1.25) for c in range(11) if abs(c - at) <= 4} for place, at in
               (("A", 0), ("6", 6), ("B", 10))}  # fmt: skip
    pull = {"A": 10.0, "6": 20.0, "B": 10.0}

    def shares(opened: str) -> dict[str, float]:
        told = dict.fromkeys(opened, 0.0)
        for crossing in range(11):
            drawn = {p: pull[p] / minutes[p][crossing] ** 2 for p in opened if crossing in minutes[p]}
            for place, each in drawn.items():
                told[place] += 10 * each / sum(drawn.values())
        return told

    before, after = shares("A6"), shares("A6B")
    np.testing.assert_allclose(found.loc[["A", "6"], "before"], [before["A"], before["6"]], rtol=0.002)
    np.testing.assert_allclose(found.loc[["A", "6", "B"], "after"], [after[p] for p in "A6B"], rtol=0.002)
    assert found.loc["B", "net_alone"] == 0
    assert found.loc["B", "taken_alone"] == pytest.approx(found.loc["B", "alone"])


def test_a_candidate_that_is_not_chosen_is_told_alone(town: Path) -> None:
    found = answered(town)
    # The library stays, as B does not open; alone, B would stand in its place.
    assert found["status"].to_dict() == {"A": "existing", "B": "candidate", "6": "other", "7": "other"}
    assert np.isnan(found.loc["B", "after"])
    chosen = answered(town, "choose={sites: 2, mode: walk, minutes: 5.5}")
    assert found.loc["B", "alone"] == pytest.approx(chosen.loc["B", "after"])
    assert found.loc[["A", "6", "7"], "change"].tolist() == [0, 0, 0]


def test_where_nothing_else_is_the_new_site_gains_all(town: Path) -> None:
    (town.parent / "places.csv").write_text(f"site,name,lon,lat,capacity,kind\n9,Far,{lon(0)},{NORTH},5,library\n")
    found = answered(town, "choose={sites: 2, mode: walk, minutes: 5.5}")
    # The only other place is on the spot of A. B has the crossings 6 to 10 to itself.
    assert found.loc["B", ["after", "alone", "net_alone", "taken_alone"]].tolist() == [50, 50, 50, 0]
    assert found["change"].sum() == 50


def test_the_report_tells_what_is_gained_net(town: Path) -> None:
    (town.parent / "places.csv").write_text(f"site,name,lon,lat,capacity,kind\n9,Hub,{lon(7)},{NORTH},10,coworking\n")
    answered(town, "choose={sites: 2, mode: walk, minutes: 5.5}")
    page = render_report(Result.load(town.parent / "results"), language="en")
    body, said = section(page, "competition")
    # The hub reaches the crossings 3 to 10, so B brings nobody who had none: all that it has, it takes from the hub.
    found = re.search(
        r"would have (\d+) people: (\d+) who have no place .* (\d+) from existing .* (\d+) from other", said
    )
    gross, net, sites, places = map(int, found.groups())
    assert (net, sites, places) == (0, 0, gross)
    assert "One other place to work was looked at." in said
    assert body.count("<rect") == 2 + 2  # before and after of the hub, and the two of the legend


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("competition={group: clerks}", "competition.group: no 'clerks' in this study"),
        ("competition={mode: boat}", "competition.mode: no 'boat' in this study"),
        ("competition={minutes: 100}", "competition.minutes: 100 is more than the 5.5 minutes"),
        ("competition={attraction: beds}", "competition.attraction: no column 'beds' in the table of sites"),
        ("competition={attraction: name}", "competition.attraction: sites: 'A' has 'Hall' in column 'name'"),
        ("competition={places: study.yaml}", "study.yaml"),
    ],
)
def test_what_cannot_be_answered_is_refused(town: Path, override: str, message: str) -> None:
    with pytest.raises((StudyError, InputError), match=message):
        asked(town, override)


def test_a_number_that_cannot_be_used_is_told_as_people_write_it(town: Path) -> None:
    sites = town.parent / "sites.csv"
    pd.read_csv(sites).assign(beds=-0.5).to_csv(sites, index=False)
    with pytest.raises(InputError, match=r"sites: 'A' has '-0\.5' in column 'beds'; expected a number above 0"):
        asked(town, "competition={attraction: beds}")


def asked(town: Path, override: str) -> None:
    study = read_study(town, [override])
    check_questions(study, load(study))


def test_places_and_sites_are_reached_within_the_limits_of_each_mode(town: Path) -> None:
    own = ["travel.minutes={walk: [5.5], bike: [2]}", "competition.mode=best", "competition.minutes="]
    found = answered(town, *own)
    # By bicycle 500 m are 2 minutes, and on foot nobody is nearer: A has the crossings 0 to 5, the hub 1 to 10, the
    # library 5 to 10. Minutes are counted as one at least.
    minutes = {place: {c: max(1.0, abs(c - at) * 0.4) for c in range(11) if abs(c - at) <= 5} for place, at in
               (("A", 0), ("6", 6), ("7", 10))}  # fmt: skip
    pull, told = {"A": 10.0, "6": 20.0, "7": 10.0}, dict.fromkeys("A67", 0.0)
    for crossing in range(11):
        drawn = {p: pull[p] / minutes[p][crossing] ** 2 for p in "A67" if crossing in minutes[p]}
        for place, each in drawn.items():
            told[place] += 10 * each / sum(drawn.values())
    np.testing.assert_allclose(found.loc[["A", "6", "7"], "before"], [told[p] for p in "A67"], rtol=0.002)
    with pytest.raises(StudyError, match=r"competition.minutes: 5, but bike is counted up to 2"):
        answered(town, own[0], "competition.mode=bike", "competition.minutes=5")
