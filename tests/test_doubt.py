"""Sites that reach far fewer people than those beside them, and what `check` says of them."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from siteplan.cli import app
from siteplan.study import check, read_study
from tests.town import NORTH, lon, write_town

pytestmark = pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")

UP = 100 / 111_180  # degrees of latitude in 100 m
# A lane behind a wall, 100 m north of the middle of the street: it joins the street's western end, 1.5 km on foot.
LANE = [(5, 1.0), (4.5, 1.0), (4.5, 6.0), (0, 6.0), (0, 0.0)]


def walled(folder: Path, *, also: str = "") -> Path:
    rows = [f"M,Middle,candidate,{lon(5)},{NORTH}", f"N,Next,candidate,{lon(4)},{NORTH}"]
    rows.append(f"D,Depot,candidate,{lon(5)},{NORTH + UP:.7f}")
    sites = "\n".join(["site,name,status,lon,lat", *rows]) + f"\n{also}"
    study = write_town(folder, sites=sites)
    nodes = "\n".join(
        f'<node id="{101 + at}" version="1" lat="{NORTH + up * UP:.7f}" lon="{lon(along)}"/>'
        for at, (along, up) in enumerate(LANE[:-1])
    )
    refs = "".join(f'<nd ref="{101 + at}"/>' for at in range(len(LANE) - 1)) + '<nd ref="1"/>'
    way = f'<way id="2" version="1">{refs}<tag k="highway" v="service"/><tag k="name" v="Wall Lane"/></way>'
    path = folder / "streets.osm"
    path.write_text(
        path.read_text().replace('<way id="1"', f'{nodes}\n<way id="1"').replace("</osm>", f"{way}\n</osm>")
    )
    return study


def doubts(study: Path, *asked: str) -> list[str]:
    found = check(read_study(study, asked))
    return [each.text for each in found if each.place == "inputs.sites" and " reach" in each.text]


def test_a_site_that_joins_the_wrong_street_is_explained(tmp_path: Path) -> None:
    # On foot 440 m: from the middle 9 crossings of 10 people, from the one beside it 9; from the depot nobody.
    (said,) = doubts(walled(tmp_path))
    assert said.startswith(
        "D (Depot) reaches 0 people in 5.5 minutes by walk, the 2 sites within 500 m of it 90: it joins Wall Lane "
        "(service, way 2), 0 m off; the way to it from M, 100 m off, has 2,"
    )
    # 50 + 500 + 450 + 600 + 500 m, beside 100 m as the crow flies; the others are 100 m apart along their street.
    found = re.search(r"has ([\d,]+) m, ([\d.]+) times as far", said)
    assert found is not None
    metres, times = (float(each.replace(",", "")) for each in found.groups())
    assert metres == pytest.approx(50 + 500 + 450 + 600 + 500, abs=5)
    assert times == pytest.approx(metres / 100, abs=0.1)
    assert "(between the others 1.0 times)" in said
    assert f"--mode walk --from {lon(5):.5f},{NORTH:.5f} --site D shows it" in said


def test_a_way_from_a_site_that_is_off_its_street_is_one(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    """The sites beside stand 150 m from the street, farther than a home may here."""
    study = walled(tmp_path)
    sites = tmp_path / "sites.csv"
    sites.write_text(sites.read_text().replace(f",{NORTH}\n", f",{NORTH - 1.5 * UP:.7f}\n"))
    (said,) = doubts(study, "travel.link_m=100", "travel.minutes=8")
    assert "the way to it from M, 250 m off, has 2,2" in said
    assert not [each for each in recwarn if "points have no street" in str(each.message)]


def test_the_way_that_is_named_can_be_shown(tmp_path: Path) -> None:
    study = walled(tmp_path)
    (said,) = doubts(study)
    start = said.split("--from ")[1].split(" ")[0]
    shown = CliRunner().invoke(app, ["itinerary", str(study), "--from", start, "--site", "D", "--mode", "walk"])
    assert shown.exit_code == 0, shown.output
    assert "Wall Lane" in shown.output


def test_sites_that_reach_as_many_as_those_beside_them_are_not_doubted(tmp_path: Path) -> None:
    assert doubts(write_town(tmp_path / "plain")) == []  # nothing stands beside another
    study = walled(tmp_path)
    assert doubts(study, "travel={modes: [bike], minutes: [12]}") == []  # 2.1 km by bicycle are 8.4 minutes
    assert "in 20 minutes by walk" in doubts(study, "travel.minutes=60")[0]  # who walks on passes by the others


def test_of_many_doubtful_sites_ten_are_explained(tmp_path: Path) -> None:
    rows = "".join(f"D{at},Depot {at},candidate,{lon(5)},{NORTH + UP:.7f}\n" for at in range(10, 14))
    many = "".join(f"E{at},Shop {at},candidate,{lon(5)},{NORTH}\n" for at in range(10, 40))
    more = "".join(f"F{at},Shed {at},candidate,{lon(5)},{NORTH + UP:.7f}\n" for at in range(10, 18))
    found = [each for each in doubts(walled(tmp_path, also=rows + many + more)) if "pair(s)" not in each]
    assert len(found) == 11
    assert all("100 m off, has 2,099 m" in each for each in found[:10])  # from who reaches more, not from the sheds
    assert found[-1] == "3 more sites reach less than half of what those within 500 m reach"


def test_limits_of_modes_that_are_not_asked_for_go_with_these(tmp_path: Path) -> None:
    asked = ["travel.minutes={walk: [5], bike: [2, 3]}"]
    path = write_town(tmp_path)
    text = path.read_text().replace("minutes: [5.5]", "minutes: {walk: [5], bike: [2, 3]}")
    path.write_text(text)
    assert read_study(path, options={"travel.modes": "walk"}).travel.own == {"walk": (5,)}
    assert read_study(path, options={"travel.modes": "bike", "travel.minutes": "4"}).travel.limits == (4,)
    assert read_study(path, asked).travel.own == {"walk": (5,), "bike": (2, 3)}
