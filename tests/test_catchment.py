"""Floating catchments against sums by hand, and against PySAL's access where it is installed."""

import numpy as np
import pandas as pd
import pytest

from siteplan.analysis.catchment import E2SFCA_STEPS, catchment_access
from siteplan.errors import InputError, StudyError

PEOPLE = pd.DataFrame({"people": [100.0, 50.0, 200.0, 10.0]}, index=pd.RangeIndex(4, name="point"))
SITES = pd.DataFrame(
    {"status": ["existing", "required", "candidate"], "capacity": [15.0, 8.0, 99.0]}, index=["s", "t", "u"]
)
TIMES = pd.DataFrame(
    [("s", 0, 5.0), ("s", 1, 10.0), ("s", 2, 20.0), ("t", 1, 25.0), ("t", 2, 8.0), ("u", 3, 1.0)],
    columns=["site", "point", "minutes"],
)


def test_two_steps_by_hand() -> None:
    # Within 15 minutes s has 150 people for 15 desks, t 200 for 8; the candidate has no desks yet.
    result = catchment_access(TIMES, PEOPLE, SITES)
    np.testing.assert_allclose(result.points["desks_per_person_given"], [0.1, 0.1, 0.04, 0.0])
    assert result.sites["site"].tolist() == ["s", "t"]
    assert result.sites["demand"].tolist() == [150.0, 200.0]


def test_enhanced_by_hand() -> None:
    # s: 100 + 50 + 0.68 x 200 = 286; t: 0.22 x 50 + 200 = 211.
    s, t = 15 / 286, 8 / 211
    wanted = [s, s + 0.22 * t, 0.68 * s + t, 0.0]
    result = catchment_access(TIMES, PEOPLE, SITES, steps=E2SFCA_STEPS)
    np.testing.assert_allclose(result.points["desks_per_person_given"], wanted)
    # Nobody gets a desk twice: people times desks per person are the desks.
    assert (result.points["desks_per_person_given"] * PEOPLE["people"]).sum() == pytest.approx(23.0)


@pytest.mark.parametrize("seed", range(3))
def test_as_the_access_package_has_it(seed: int) -> None:
    fca = pytest.importorskip("access.fca")
    weights = pytest.importorskip("access.weights")
    random = np.random.default_rng(seed)
    people = pd.DataFrame({"people": random.integers(1, 500, 40).astype(float)}, index=pd.RangeIndex(40, name="point"))
    sites = pd.DataFrame(
        {"status": "existing", "capacity": random.integers(1, 60, 8).astype(float)}, index=[f"s{n}" for n in range(8)]
    )
    pairs = [(site, point, float(random.uniform(0, 40))) for site in sites.index for point in people.index]
    times = pd.DataFrame(pairs, columns=["site", "point", "minutes"])
    for steps, weight, most in ((15.0, None, 15.0), (E2SFCA_STEPS, weights.step_fn(dict(E2SFCA_STEPS)), None)):
        theirs = fca.two_stage_fca(
            people.rename_axis("geoid").reset_index(),
            sites.rename_axis("geoid"),
            times,
            max_cost=most,
            demand_name="people",
            supply_name="capacity",
            cost_origin="point",
            cost_dest="site",
            cost_name="minutes",
            weight_fn=weight,
        )
        ours = catchment_access(times, people, sites, steps=steps).points["desks_per_person_given"]
        np.testing.assert_allclose(theirs.reindex(people.index, fill_value=0.0), ours, rtol=1e-12)


def test_a_group_shares_and_modes_stand_apart() -> None:
    people = PEOPLE.assign(workers=[10.0, 5.0, 0.0, np.nan])
    times = pd.concat([TIMES.assign(mode="walk"), TIMES.assign(mode="bike", minutes=TIMES["minutes"] / 3)])
    result = catchment_access(times, people, SITES, group="workers")
    assert list(result.points) == ["desks_per_person_bike", "desks_per_person_walk", "desks_per_person_best"]
    assert result.points["desks_per_person_walk"].iloc[0] == pytest.approx(1.0)
    nobody = result.sites[(result.sites["mode"] == "walk") & (result.sites["site"] == "t")]
    assert nobody["desks_per_person"].isna().all()


def test_bad_sites_and_steps() -> None:
    with pytest.raises(InputError, match="1 existing or required sites have no capacity, first 's'"):
        catchment_access(TIMES, PEOPLE, SITES.assign(capacity=[np.nan, 8.0, 1.0]))
    with pytest.raises(InputError, match="none is existing or required"):
        catchment_access(TIMES, PEOPLE, SITES.assign(status="candidate"))
    with pytest.raises(InputError, match="not in the sites table, first 'u'"):
        catchment_access(TIMES, PEOPLE, SITES.drop("u"))
    with pytest.raises(InputError, match="no column capacity"):
        catchment_access(TIMES, PEOPLE, SITES.drop(columns="capacity"))
    for steps in ({10.0: 0.5, 20.0: 0.7}, {10.0: 1.2}, {10.0: 0.0}):
        with pytest.raises(StudyError, match="none more than the one before"):
            catchment_access(TIMES, PEOPLE, SITES, steps=steps)
    with pytest.raises(StudyError, match="limits above 0"):
        catchment_access(TIMES, PEOPLE, SITES, steps=0.0)
