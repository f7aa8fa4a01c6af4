"""What so much money buys, against every set of sites tried by brute force."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from siteplan.cli import app
from siteplan.config import Question
from siteplan.reachable import Reach
from siteplan.siting.frontier import budget_steps, cost_frontier
from siteplan.study import choose, read_study
from tests.town import NORTH, lon, write_town


@pytest.mark.parametrize("seed", range(6))
def test_no_set_within_a_budget_covers_more(seed: int) -> None:
    chance = np.random.default_rng(seed)
    near = chance.random((7, 30)) < 0.2
    site, point = np.nonzero(near)
    times = pd.DataFrame({"site": [f"s{at}" for at in site], "point": point, "mode": "walk", "minutes": 5.0})
    people = pd.DataFrame({"people": chance.integers(1, 20, 30).astype(float)}).rename_axis("point")
    cost = chance.integers(1, 9, 7) * 10.0
    status = ["existing", *["candidate"] * 6]
    names = pd.Index([f"s{at}" for at in range(7)], name="site")
    sites = pd.DataFrame({"name": names, "status": status, "cost": cost}, index=names)
    budgets = budget_steps(100.0, 4)
    assert budgets == [0.0, 25.0, 50.0, 75.0, 100.0, 125.0]
    found = cost_frontier(Reach.of(times, people), sites, Question(sites=3, minutes=10), budgets)
    for budget in budgets:
        best = 0.0
        for more in itertools.chain.from_iterable(itertools.combinations(range(1, 7), n) for n in range(7)):
            if cost[list(more)].sum() <= budget:  # the first exists and costs nothing more
                best = max(best, float(people["people"][near[[0, *more]].any(axis=0)].sum()))
        bought = found[found["cost"] <= budget]
        assert bought["value"].max() == best
    assert (found["value"] == found["bound"]).all()
    assert found["opens"].is_unique
    assert found["cost"].is_monotonic_increasing
    assert (found["value"].diff().iloc[1:] > 0).all()  # who costs more is worth more
    for row in found.itertuples():
        opened = [int(name[1:]) for name in row.opens.split(", ") if name]
        assert row.cost == cost[opened].sum() <= row.budget
        assert row.sites == 1 + len(opened)


def test_nothing_is_asked_where_nothing_costs() -> None:
    assert budget_steps(0.0, 8) == []
    assert budget_steps(100.0, 0) == []


SITES = """site,name,status,cost,lon,lat
A,Hall,existing,,{0},{north}
B,"Library, east",candidate,100,{10},{north}
C,Barn,candidate,40,{5},{north}
"""


@pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")
def test_a_run_prints_what_so_much_money_buys(tmp_path: Path) -> None:
    # On foot within 440 m: A has 5 crossings of 10 people, with the barn 10, with the library all 11.
    sites = SITES.format(*map(lon, range(11)), north=NORTH)
    study = write_town(tmp_path, sites=sites)
    asked = ["--mode", "walk", "--set", "choose={sites: 2, frontier: 2}", "--set", "currency=EUR", "-q"]
    told = CliRunner().invoke(app, ["run", str(study), *asked])
    assert told.exit_code == 0, told.output
    rows = [" ".join(line.split()) for line in told.stdout.splitlines()]
    at = rows.index("cost (EUR) sites open covered (people) opens")
    assert rows[at + 2 : at + 4] == ["0 1 50 –", "40 2 100 Barn"]
    assert any(row.startswith("Each line is the best set for the money") for row in rows[at:])
    french = CliRunner().invoke(app, ["run", str(study), *asked, "--set", "language=fr"])
    assert "coût (EUR) sites ouverts couverts (habitants) ouvrent" in " ".join(french.stdout.split())


@pytest.mark.filterwarnings("ignore:.*its streets cover:siteplan.errors.SiteplanWarning")
def test_a_folder_of_a_choice_has_what_so_much_money_buys(tmp_path: Path) -> None:
    study = write_town(tmp_path, sites=SITES.format(*map(lon, range(11)), north=NORTH))
    choose(read_study(study, ["choose={sites: 2, frontier: 2}", "travel.modes=walk"]), out=tmp_path / "chosen")
    written = pd.read_csv(tmp_path / "chosen" / "frontier.csv")
    assert written[["cost", "value"]].to_numpy().tolist() == [[0, 50], [40, 100]]
