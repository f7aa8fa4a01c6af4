"""Planned against seen: by hand, made data with known uptake and decay, sites left out, what is refused."""

import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy import stats

from siteplan.analysis.observed import SURE, _limit, fit_uptake, foretell_left_out
from siteplan.config.observed import Observed
from siteplan.errors import InputError, SiteplanWarning, StudyError
from siteplan.inputs.visits import read_visits
from siteplan.output.report import render_report
from siteplan.samples import write_sample
from siteplan.study import compare_scenarios, run
from siteplan.study.load import load
from siteplan.study.observed import check_observed
from tests.asking import asking, quiet, section

SITES = [f"S{at}" for at in range(8)]


def made(seed: int, uptake: float, decay: float, *, spread: float = 0.0, sites: int = 8):
    """Draw homes around some sites, and visits in twelve months by the model, with a spread of the sites' own."""
    random = np.random.default_rng(seed)
    count = 40 * sites
    far = random.uniform(0.3, 1.0, sites)  # some sites have their people nearer
    homes = pd.DataFrame(
        {
            "site": [SITES[at % sites] for at in range(count)],
            "minutes": random.uniform(0, 20, count) * far[np.arange(count) % sites],
            "able": random.integers(5, 60, count).astype(float),
        }
    )
    mean = (homes["able"] * np.exp(-decay * homes["minutes"])).groupby(homes["site"]).sum() * uptake * 7.5 * 12
    mean *= np.exp(random.normal(0, spread, sites)) if spread else 1.0
    seen = pd.DataFrame({"months": 12, "seen": random.poisson(mean).astype(float)}, index=mean.index)
    return homes, seen


def test_without_decay_uptake_is_what_was_seen_over_what_could_come() -> None:
    homes = pd.DataFrame(
        {
            "site": ["A", "A", "B"],
            "minutes": [2.0, 12.0, 8.0],
            "able": [400.0, 600.0, 500.0],
        }
    )
    seen = pd.DataFrame({"months": [6, 4], "seen": [1500.0, 640.0]}, index=["A", "B"])
    fit = fit_uptake(homes, seen, each=7.5, decay=False)
    # 1000 x 6 months x 7.5 visits and 500 x 4 x 7.5 are 60,000 visits at uptake 1
    assert fit.uptake == pytest.approx(2140 / 60_000)
    # Poisson: the log likelihood falls by 1.92 at both ends
    for end in (fit.uptake_low, fit.uptake_high):
        assert 2140 * np.log(end / fit.uptake) - 60_000 * (end - fit.uptake) == pytest.approx(-1.9207, abs=1e-3)
    assert (fit.decay, fit.dispersion, fit.half_minutes) == (0, 1, np.inf)


def test_two_sites_tell_a_decay_by_hand() -> None:
    # A's people live at the door, B's 10 minutes away and come half as often: decay is ln 2 / 10.
    homes = pd.DataFrame({"site": ["A", "B"], "minutes": [0.0, 10.0], "able": [1000.0, 1000.0]})
    seen = pd.DataFrame({"months": [1, 1], "seen": [200.0, 100.0]}, index=["A", "B"])
    fit = fit_uptake(homes, seen)
    assert fit.decay == pytest.approx(np.log(2) / 10, abs=1e-6)
    assert fit.half_minutes == pytest.approx(10, abs=1e-3)
    assert fit.uptake == pytest.approx(0.2, abs=1e-6)
    assert fit.decay_low < fit.decay < fit.decay_high
    # ln(200/100) is uncertain by 1.96 x sqrt(1/200 + 1/100): ten times the interval of the decay, nearly
    assert 10 * (fit.decay_high - fit.decay_low) == pytest.approx(2 * 1.96 * np.sqrt(0.015), rel=0.02)


@pytest.mark.parametrize(("uptake", "decay"), [(0.05, 0.08), (0.02, 0.0), (0.3, 0.2)])
def test_made_data_are_recovered(uptake: float, decay: float) -> None:
    homes, seen = made(1, uptake, decay)
    fit = fit_uptake(homes, seen, each=7.5)
    assert fit.uptake == pytest.approx(uptake, rel=0.1)
    assert fit.decay == pytest.approx(decay, abs=0.012)
    assert fit.uptake_low <= uptake <= fit.uptake_high
    assert fit.decay_low <= decay <= fit.decay_high


def test_the_best_is_that_of_a_fine_grid_of_both() -> None:
    homes, seen = made(5, 0.04, 0.06, sites=4)
    fit = fit_uptake(homes, seen, each=7.5)

    def likelihood(uptake: float, decay: float) -> float:
        mean = uptake * 90 * (homes["able"] * np.exp(-decay * homes["minutes"])).groupby(homes["site"]).sum()
        return float((seen["seen"] * np.log(mean) - mean).sum())

    best = likelihood(fit.uptake, fit.decay)
    others = [likelihood(u, d) for u in np.linspace(0.02, 0.08, 31) for d in np.linspace(0, 0.15, 31)]
    assert max(others) <= best
    assert max(others) == pytest.approx(best, abs=5.0)  # and near it: the grid is fine


@pytest.mark.parametrize("free", [1, 2, 7, 200])
def test_the_ends_of_the_intervals_are_those_of_the_tables(free: int) -> None:
    assert _limit(None) == stats.chi2.ppf(SURE, 1)
    assert _limit(free) == stats.f.ppf(SURE, 1, free)


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_the_intervals_hold_what_is_true_as_often_as_they_say(spread: float) -> None:
    held = {"uptake": 0, "decay": 0}
    rounds = 40
    for seed in range(rounds):
        homes, seen = made(seed, 0.05, 0.08, spread=spread)
        fit = fit_uptake(homes, seen, each=7.5)
        held["uptake"] += fit.uptake_low <= 0.05 <= fit.uptake_high
        held["decay"] += fit.decay_low <= 0.08 <= fit.decay_high
    # 38 of 40 are expected; fewer than 33 would come less than once in a thousand times
    assert held["uptake"] >= 33
    assert held["decay"] >= 33


def test_a_site_left_out_is_foretold_by_the_others() -> None:
    homes, seen = made(3, 0.05, 0.08)
    table = foretell_left_out(homes, seen, each=7.5)
    for site in table.index[:3]:
        fit = fit_uptake(homes, seen.drop(index=site), each=7.5)
        mine = homes[homes["site"] == site]
        expected = fit.uptake * 90 * (mine["able"] * np.exp(-fit.decay * mine["minutes"])).sum()
        assert table.loc[site, "foretold"] == pytest.approx(expected)
    assert table["error"].abs().max() < 0.15  # made by the model itself
    flat = foretell_left_out(homes, seen, each=7.5, decay=False)
    assert flat["error"].abs().mean() > 2 * table["error"].abs().mean()


def test_the_order_of_the_rows_changes_nothing() -> None:
    homes, seen = made(3, 0.05, 0.08)
    one, other = fit_uptake(homes, seen, each=7.5), fit_uptake(homes, seen.iloc[::-1], each=7.5)
    assert one.decay == pytest.approx(other.decay, abs=1e-7)
    assert one == fit_uptake(homes, seen, each=7.5)


def test_what_is_refused() -> None:
    homes = pd.DataFrame({"site": ["A"], "minutes": [2.0], "able": [400.0]})
    seen = pd.DataFrame({"months": [1], "seen": [10.0]}, index=["A"])
    with pytest.raises(StudyError, match="each: 0 visits"):
        fit_uptake(homes, seen, each=0.0)
    with pytest.raises(InputError, match="seen: site 'A' has -1 in 1 months"):
        fit_uptake(homes, seen.assign(seen=-1.0))
    with pytest.raises(InputError, match="seen: nobody was seen at any site"):
        fit_uptake(homes, seen.assign(seen=0.0))
    with pytest.raises(InputError, match="seen: site 'B' is the nearest of nobody who could come"):
        fit_uptake(homes, pd.concat([seen, seen.set_axis(["B"])]))
    with pytest.raises(InputError, match="seen: no column months"):
        fit_uptake(homes, seen[["seen"]])
    with pytest.raises(InputError, match="seen: one site alone"):
        foretell_left_out(homes, seen)


# ---- a table of visits ----


def test_a_table_is_read_by_month(tmp_path: Path) -> None:
    file = tmp_path / "seen.csv"
    file.write_text("Site;Month;Members\nB;2026-01;4\nA;2026-02-01;12,5\nA;2026-01;\n")
    with pytest.warns(SiteplanWarning, match="1 of 3 rows have no number of members: left out"):
        table, what = read_visits(file, sites=["A", "B"])
    assert what == "members"
    assert table.to_numpy().tolist() == [["A", "2026-02", 12.5], ["B", "2026-01", 4.0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site,month\nA,2026-01\n", "expected site, month, and either visits or members"),
        ("site,month,visits,members\nA,2026-01,1,1\n", "either visits or members"),
        ("site,month,visits\nC,2026-01,1\n", "has 'C' as site; expected a site of the study"),
        ("site,month,visits\nA,2026-13,1\n", "has '2026-13' as month; expected a month such as 2026-03"),
        ("site,month,visits\nA,2026-01,-1\n", "has '-1.0' as visits; expected 0 or more"),
        ("site,month,visits\nA,2026-01,1\nA,2026-01-05,1\n", "repeats A in 2026-01"),
        ("site,month,visits\nA,2026-01,many\n", "many"),
    ],
)
def test_a_bad_table_is_refused_with_its_row(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "seen.csv"
    file.write_text(text)
    with pytest.raises(InputError, match=re.escape(said)):
        read_visits(file, sites=["A", "B"])


# ---- a study ----

SMALL = ("inputs.transit=", "travel={modes: [walk, bike], minutes: [20]}", "output.isochrones=false")


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("valley")) / "study.yaml"


@pytest.fixture(scope="module")
def results(valley: Path):
    """Run the sample with what was seen beside it, and used by both blocks."""
    with quiet():
        kept = ("observed", "demand", "sharing", "commuting")
        use = "observed={visits: visits.csv, use: [demand, sharing, commuting]}"
        plain = run(asking(valley, *kept, overrides=SMALL), out=valley.parent / "plain")
        return plain, run(asking(valley, *kept, overrides=(*SMALL, use)), out=valley.parent / "used")


def test_a_study_holds_what_was_seen_against_what_it_expected(results) -> None:
    tables = results[0].tables
    desks = tables["desks"][tables["desks"]["basis"] == "nearest"].set_index(["site", "uptake"])
    sites = tables["observed_sites"].set_index("site")
    for site in ("S01", "S02"):
        # comers x 2 days x 45 / 12 weeks
        assert sites.loc[site, "expected_low"] == pytest.approx(desks.loc[(site, 0.02), "comers"] * 7.5)
        assert sites.loc[site, "expected_high"] == pytest.approx(desks.loc[(site, 0.1), "comers"] * 7.5)
    assert sites["months"].tolist() == [6, 6]
    assert sites.loc["S01", "seen"] == pytest.approx(7100 / 6)
    seen = tables["observed"]
    assert len(seen) == 12
    assert seen["counted"].unique().tolist() == ["visits"]
    fit = tables["observed_fit"].set_index("what")
    assert fit.loc["uptake", "low"] < fit.loc["uptake", "value"] < fit.loc["uptake", "high"]
    assert fit.loc["half_minutes", "value"] == pytest.approx(np.log(2) / fit.loc["decay", "value"])
    assert fit.loc["left_out_error", "value"] == pytest.approx(sites["error"].abs().mean())
    total = (sites["fitted"] * sites["months"]).sum()
    assert total == pytest.approx((sites["seen"] * sites["months"]).sum())  # the best uptake keeps the sum


def test_what_was_fitted_is_used_where_the_study_says_so(results) -> None:
    plain, used = (each.tables for each in results)
    fit = used["observed_fit"].set_index("what")
    desks = used["desks"][used["desks"]["basis"] == "nearest"]
    assert desks["uptake"].unique().tolist() == pytest.approx(fit.loc["uptake", ["low", "value", "high"]].tolist())
    middle = desks[np.isclose(desks["uptake"], fit.loc["uptake", "value"])].set_index("site")
    seen = used["observed_sites"].set_index("site")
    assert (middle["comers"] * 7.5).reindex(seen.index).tolist() == pytest.approx(seen["fitted"].tolist())
    alone = [
        each["desks"][each["desks"]["basis"] == "alone"].groupby("site")["workers"].first() for each in (plain, used)
    ]
    assert (alone[1] < alone[0]).all()  # each counts by how near it is
    assert (alone[1] > 0).all()
    telework, most = used["spaces"].query("use == 'telework'").set_index("site"), desks["uptake"].max()
    highest = desks[desks["uptake"] == most].set_index("site")
    assert telework["people"].reindex(highest.index).tolist() == pytest.approx(highest["teleworkers"].tolist())
    assert telework["bookings"].reindex(highest.index).tolist() == pytest.approx((5 * highest["mean_day"]).tolist())
    others = [each["spaces"].query("use not in ['telework', 'all']") for each in (plain, used)]
    pd.testing.assert_frame_equal(*others)  # meetings of workers, too, are as they were
    assert used["commuting"]["uptake"].unique().tolist() == pytest.approx(desks["uptake"].unique().tolist())
    assert plain["desks"]["uptake"].unique().tolist() == [0.02, 0.05, 0.1]


def test_more_than_all_who_could_come_are_said(valley: Path) -> None:
    # Of those within five minutes on foot, 1,183 and 657 visits a month are many times all.
    demand = "demand={uptake: [0.02], mode: walk, minutes: 5, teleworkable: 0.05}"
    study = asking(valley, "observed", "demand", overrides=(*SMALL, demand))
    with warnings.catch_warnings(record=True) as odd:
        warnings.simplefilter("always")
        found = compare_scenarios(study, {}).tables["observed_fit"].set_index("what")
    said = [str(each.message) for each in odd if str(each.message).startswith("observed: an uptake of")]
    assert len(said) == 1
    assert "more than all who could come" in said[0]
    assert found.loc["uptake", "value"] > 1


def test_the_report_tells_it(results) -> None:
    for language, said, more in (
        ("en", "Seen at 2 sites in 6 months", "counts Desks, Spaces and uses and Commuting"),
        ("fr", "Constaté dans 2 sites", ""),
    ):
        page = render_report(results[1], language=language)
        body, text = section(page, "observed")
        assert said in text
        assert more in text
        assert "<svg" in body
        assert "nan" not in text.lower()


def test_what_a_study_is_refused_for(valley: Path) -> None:
    study = asking(valley, "observed", "demand", overrides=SMALL)
    with quiet():
        data = load(study)
    asked = study.observed
    with pytest.raises(StudyError, match=r"observed.use: names commuting, which the study does not ask"):
        check_observed(study, asked.model_copy(update={"use": ("commuting",)}), data)
    with pytest.raises(StudyError, match=r"observed: .*give demand"):
        check_observed(study.model_copy(update={"demand": None}), asked, data)
    with pytest.raises(InputError, match=r"observed.visits: .*has 'S01' as site"):
        check_observed(study, asked, replace(data, all_sites=data.all_sites.iloc[1:]))
    choirs = asking(valley, "observed", "demand", "sharing", overrides=(*SMALL, "sharing={uses: [associations]}"))
    with pytest.raises(StudyError, match=r"observed.use: names sharing, none of whose uses is telework"):
        check_observed(choirs, asked.model_copy(update={"use": ("sharing",)}), data)
    with pytest.raises(ValidationError, match="demand"):
        Observed.model_validate({"visits": "visits.csv", "use": ["building"]})
