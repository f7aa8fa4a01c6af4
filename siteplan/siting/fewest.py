"""Few sites of which everybody has one: a search for small covers (LSCP, Toregas et al. 1971) that proves nothing.

Row weighting local search (Gao, Yao, Weise & Li 2015): from a cover, one site closes; then, again and again, the site
closes that is missed least and one opens for somebody who has none; whoever has none for long weighs more and more.
"""

import numpy as np

from siteplan.compiled import inner_kernel, kernel
from siteplan.siting.anneal import draw
from siteplan.siting.exact import must_sets
from siteplan.siting.kernels import pairs_by_site
from siteplan.siting.problem import Flags, Problem
from siteplan.siting.work import VISITS, Work

__all__ = ["few_sites", "search_covers"]

VISITED = 20000  # times that each pair is, on average, and
MOST = 5e8  # visits in all, about half a second


def few_sites(problem: Problem, must: Flags, work: Work, enough: int = 0) -> Flags | None:
    """Return few sites of which everybody of `must` has one, the fixed among them; None if that cannot be.

    No other condition is looked at, nor the number of sites. The search ends with `enough` sites.
    """
    sets, many = must_sets(problem, must), len(problem.sites)
    if not all(sets):
        return None
    opened = problem.fixed.copy()
    opened[[site for some in sets if len(some) == 1 for site in some]] = True
    left = [sorted(some) for some in sets if not opened[list(some)].any()]
    site = np.array([one for some in left for one in some], dtype=np.int32)
    ptr = np.r_[0, np.cumsum([len(some) for some in left])].astype(np.int64)
    able = ~opened & ~problem.barred
    by_site = pairs_by_site(ptr, site, np.ones(len(site)), many)
    most = 0.0 if work.late else min(VISITED * len(site), MOST, work.visits / 10)
    best, visits = search_covers(ptr, site, by_site, opened, able, enough, most)
    work.spend(visits / VISITS)
    found: Flags = best
    return found


@kernel
def search_covers(ptr, site, by_site, opened, able, enough, most):  # type: ignore[no-untyped-def]
    """Return the smallest cover found from open sites that stay and others that are able, and the visits it took.

    It ends with `enough` sites or after `most` visits. The same input gives the same cover: of equals, the site that
    changed least lately, then the first; who is served next is drawn from a series that always begins alike.
    """
    first, _, _ = by_site
    rows, sites = len(ptr) - 1, len(opened)
    here, number, weight = opened.copy(), np.zeros(rows, np.int64), np.ones(rows, np.int64)
    bare, place = np.arange(rows), np.arange(rows)  # who has no site, and where each stands there
    score, size = np.zeros(sites, np.int64), np.ones(sites, np.int64)
    for j in range(sites):
        score[j] = first[j + 1] - first[j]
    for i in range(rows):
        for k in range(ptr[i], ptr[i + 1]):
            size[site[k]] += ptr[i + 1] - ptr[i]
    state = here, number, weight, score, bare, place
    changed, fresh = np.zeros(sites, np.int64), np.ones(sites, np.bool_)
    left, many, visits, last, turn, drawn = rows, len(here.nonzero()[0]), 0, -1, 0, np.uint64(1)
    while left > 0:  # greedy
        into = -1
        for j in range(sites):
            if able[j] and not here[j] and (into < 0 or score[j] > score[into]):
                into = j
        left = _turn(into, ptr, site, by_site, state, left, fresh)
        many += 1
        visits += sites + size[into]
    best, least = here.copy(), many
    while True:
        out = -1
        for j in range(sites):
            if here[j] and able[j] and j != last and (out < 0 or _first(j, out, score, changed)):
                out = j
        if left == 0 and many <= least:
            best, least = here.copy(), many
        if out < 0 or visits >= most or least <= enough:
            return best, visits
        turn += 1
        closing = left == 0
        left = _turn(out, ptr, site, by_site, state, left, fresh)
        changed[out], fresh[out], many = turn, False, many - 1
        visits += sites + size[out]
        if closing:
            continue
        drawn, at = draw(drawn, left)
        i = bare[at]
        into = -1
        for k in range(ptr[i], ptr[i + 1]):
            j = site[k]
            if able[j] and fresh[j] and (into < 0 or _first(j, into, score, changed)):
                into = j
        into = out if into < 0 else into  # nobody else has one to offer
        left = _turn(into, ptr, site, by_site, state, left, fresh)
        changed[into], last, many = turn, into, many + 1
        visits += size[into]
        for q in range(left):
            i = bare[q]
            weight[i] += 1
            for k in range(ptr[i], ptr[i + 1]):
                score[site[k]] += 1


@inner_kernel
def _first(j, other, score, changed):  # type: ignore[no-untyped-def]
    """Whether site j turns before another."""
    return score[j] > score[other] or (score[j] == score[other] and changed[j] < changed[other])


@inner_kernel
def _turn(j, ptr, site, by_site, state, left, fresh):  # type: ignore[no-untyped-def]
    """Open a closed site or close an open one, in place; return how many have none.

    The score of a site is the weight of those who would have one, or none, if it turned: gained above 0, lost below.
    Sites that reach somebody of the same may open anew.
    """
    here, number, weight, score, bare, place = state
    first, row, _ = by_site
    change = -1 if here[j] else 1
    here[j], score[j] = change > 0, -score[j]
    for q in range(first[j], first[j + 1]):
        i = row[q]
        number[i] += change
        now = number[i]
        if now == 0:
            place[i], bare[left] = left, i
            left += 1
        elif now == 1 and change > 0:
            left -= 1
            bare[place[i]], place[bare[left]] = bare[left], place[i]
        for k in range(ptr[i], ptr[i + 1]):
            other = site[k]
            fresh[other] = True
            if other == j:
                continue
            if change < 0 and now == 0:
                score[other] += weight[i]
            elif now == 1 and (change > 0 or here[other]):
                score[other] -= weight[i]
            elif change > 0 and now == 2 and here[other]:
                score[other] += weight[i]
    return left
