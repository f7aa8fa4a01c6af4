"""What so much money buys, against every set of sites tried by brute force."""

import itertools

import numpy as np
import pandas as pd
import pytest

from siteplan.config import Question
from siteplan.reachable import Reach
from siteplan.siting.frontier import budget_steps, cost_frontier


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
    for row in found.itertuples():
        opened = [int(name[1:]) for name in row.opens.split(", ") if name]
        assert row.cost == cost[opened].sum() <= row.budget
        assert row.sites == 1 + len(opened)


def test_nothing_is_asked_where_nothing_costs() -> None:
    assert budget_steps(0.0, 8) == []
    assert budget_steps(100.0, 0) == []
