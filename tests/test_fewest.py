"""Few sites of which everybody has one: its slow twin tries every set."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siteplan.config import Question
from siteplan.reachable import Reach
from siteplan.siting.exact import solve
from siteplan.siting.fewest import few_sites, search_covers
from siteplan.siting.kernels import pairs_by_site
from siteplan.siting.problem import build_problem
from siteplan.siting.work import VISITS, Work
from subsets import ask
from test_siting import grown


def smallest(reached: Any, fixed: Any, barred: Any) -> int | None:
    """Try every set of sites, the small ones first."""
    able = np.flatnonzero(~barred & ~fixed).tolist()
    for more in range(len(able) + 1):
        for some in itertools.combinations(able, more):
            if reached[:, fixed | np.isin(np.arange(len(fixed)), some)].any(axis=1).all():
                return more + int(fixed.sum())
    return None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_cover_is_smaller(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows, sites = random.integers(1, 14), random.integers(1, 10)
    reached = random.random((rows, sites)) < random.choice([0.15, 0.3, 0.5])
    role = random.choice(3, sites, p=[0.8, 0.1, 0.1])
    fixed, barred = role == 1, role == 2
    best = smallest(reached, fixed, barred)
    if best is None:
        return
    left = reached[~reached[:, fixed].any(axis=1)] & ~barred
    site = np.nonzero(left)[1].astype(np.int32)
    ptr = np.r_[0, np.cumsum(left.sum(axis=1))].astype(np.int64)
    by_site = pairs_by_site(ptr, site, np.ones(len(site)), sites)
    found = [search_covers(ptr, site, by_site, fixed, ~fixed & ~barred, 0, most)[0] for most in (0.0, 2e5, 2e5)]
    for opened in found:
        assert reached[:, opened].any(axis=1).all()
        assert opened[fixed].all()
        assert not opened[barred].any()
    assert found[0].sum() >= found[1].sum() == best
    assert found[1].tolist() == found[2].tolist()


def test_a_small_cover_keeps_what_is_fixed_and_says_where_there_is_none() -> None:
    times, people, sites = grown(30, 200)
    sites["status"] = ["required", "excluded", *["candidate"] * 28]
    problem = build_problem(Reach.of(times, people), sites, Question(objective="share", minutes=15))
    must, work = problem.reachable & (problem.weight > 0), Work(1.0, 60.0)
    few, best = few_sites(problem, must, work), solve(problem, "sites", must=must)
    assert few is not None
    assert best is not None
    assert few[0]
    assert not few[1]
    assert (problem.covering(few) > 0)[must].all()
    assert few.sum() == best.opened.sum()
    assert work.visits < Work(1.0, 60.0).visits - VISITS
    nobody = problem.covering(~problem.barred) == 0
    assert few_sites(problem, must | nobody, work) is None or not nobody.any()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("status", ["candidate", "required"])
def test_a_share_takes_as_few_sites_as_the_programme_says(share: float, status: str) -> None:
    times, people, sites = grown(40, 300)
    sites["status"] = [status, *["candidate"] * 39]
    problem = build_problem(Reach.of(times, people), sites, Question(objective="share", share=share, minutes=9))
    best = solve(problem, "sites", at_least=share * problem.coverable)
    found = ask(times, people, sites, objective="share", share=share, minutes=9)
    assert best is not None
    assert found.value == found.bound == best.opened.sum()
