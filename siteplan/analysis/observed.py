"""Planned against seen: uptake and decay fitted to visits or members, and how well they foretell sites left out.

A site is expected to have, in a month, uptake x visits of one who comes x the sum of exp(-decay x minutes) over those
whose nearest open site it is. Uptake is then the share of those at the door who come; without decay it is that of
`demand`. Counts of a site are taken as Poisson. From three sites on, their spread is measured (Pearson) and widens the
intervals (quasi-likelihood, Wedderburn 1974), which are those of the profile likelihood.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy

from siteplan.doors import door
from siteplan.errors import InputError, StudyError
from siteplan.reachable import Floats, Ints, sums

__all__ = ["UptakeFit", "fit_uptake", "foretell_left_out"]

STEEPEST = 1.0  # decay a minute: beyond it, everybody comes from within a few minutes
STEPS = 201
SURE = 0.95
LEAST = 3  # sites from which a spread can be told beside uptake and decay


@dataclass(frozen=True)
class UptakeFit:
    """Uptake and decay as fitted, with the ends of their intervals (95 %).

    uptake      share of those at the door who come
    decay       a minute: of those `t` minutes away, exp(-decay t) as many come; 0 where it was not fitted
    dispersion  spread of the sites over that of Poisson, 1 at least; 1 where it cannot be told
    sites       how many sites it is fitted to
    """

    uptake: float
    uptake_low: float
    uptake_high: float
    decay: float
    decay_low: float
    decay_high: float
    dispersion: float
    sites: int

    @property
    def half_minutes(self) -> float:
        """The minutes at which half as many come as from the door; infinite without decay."""
        return float(np.log(2) / self.decay) if self.decay else float("inf")


@dataclass(eq=False)
class _Model:
    """What is expected of each site at uptake 1, by decay; kept, as it is asked for again and again."""

    site: Ints
    minutes: Floats
    able: Floats
    weight: Floats  # months x visits of one who comes
    seen: Floats
    _known: dict[float, Floats] = field(default_factory=dict, init=False)

    def at(self, decay: float) -> Floats:
        """Return what is expected of each site at uptake 1."""
        if decay not in self._known:
            self._known[decay] = self.weight * sums(
                self.site, self.able * np.exp(-decay * self.minutes), len(self.seen)
            )
        return self._known[decay]

    def shape(self, decay: float) -> float:
        """Return the log likelihood at the best uptake for a decay, but for a constant."""
        expected = self.at(decay)
        share = expected / expected.sum()
        return float((self.seen[self.seen > 0] * np.log(share[self.seen > 0])).sum()) + self._size(self.seen.sum())

    def of(self, uptake: float, decay: float) -> float:
        """Return the log likelihood, but for the same constant."""
        expected = uptake * self.at(decay)
        some = self.seen > 0
        return float((self.seen[some] * np.log(expected[some])).sum() - expected.sum())

    @staticmethod
    def _size(total: float) -> float:
        return total * np.log(total) - total if total > 0 else 0.0

    def uptake(self, decay: float) -> float:
        """Return the best uptake for a decay."""
        return float(self.seen.sum() / self.at(decay).sum())


@door(homes=("site", "minutes", "able"))
def fit_uptake(homes: pd.DataFrame, seen: pd.DataFrame, *, each: float = 1.0, decay: bool = True) -> UptakeFit:
    """Fit uptake and decay to what was seen at each site.

    Parameters
    ----------
    homes
        One row for each place where people live, with the open site that is its nearest: `site`, `minutes`, and `able`,
        how many there could come (workers whose job allows it).
    seen
        Index `site`; `months`, how many were counted, and `seen`, the visits or members of them all.
    each
        Visits a month of one who comes; 1 for members.
    decay
        Whether decay is fitted; with one site it is not, as nothing tells it from the uptake.

    Returns
    -------
    UptakeFit

    Raises
    ------
    InputError
        For a site that nobody able is nearest to, counts below 0, and where nobody was seen at all.
    StudyError
        For an `each` of 0 or less.

    Examples
    --------
    >>> homes = pd.DataFrame({"site": ["A", "A", "B"], "minutes": [2.0, 12.0, 8.0], "able": [400.0, 600.0, 500.0]})
    >>> seen = pd.DataFrame({"months": [6, 6], "seen": [1500.0, 640.0]}, index=pd.Index(["A", "B"], name="site"))
    >>> fit = sp.fit_uptake(homes, seen, each=7.5, decay=False)
    >>> round(fit.uptake, 4), round(fit.uptake_low, 4), round(fit.uptake_high, 4)
    (0.0317, 0.0304, 0.0331)
    """
    model = _model(homes, seen, each)
    fitted = decay and len(seen) > 1
    best = _best(model.shape) if fitted else 0.0
    uptake, free = model.uptake(best), len(seen) - 1 - fitted
    expected = uptake * model.at(best)
    spread, limit = 1.0, _limit(None)
    if len(seen) >= LEAST and free > 0:
        spread = max(1.0, float(((model.seen - expected) ** 2 / expected).sum()) / free)
        limit = _limit(free)
    top = model.of(uptake, best) - spread * limit / 2

    def of_uptake(log: float) -> float:
        value = float(np.exp(log))
        return model.of(value, _best(lambda each: model.of(value, each)) if fitted else 0.0) - top

    low, high = (float(np.exp(_crossing(of_uptake, float(np.log(uptake)), step))) for step in (-0.05, 0.05))
    ends = _decay_ends(model, best, top) if fitted else (0.0, 0.0)
    return UptakeFit(uptake, low, high, best, *ends, spread, len(seen))


@door(homes=("site", "minutes", "able"))
def foretell_left_out(
    homes: pd.DataFrame, seen: pd.DataFrame, *, each: float = 1.0, decay: bool = True
) -> pd.DataFrame:
    """Foretell each site by what is fitted to all the others (leave-one-out).

    Parameters
    ----------
    homes, seen, each, decay
        As for `fit_uptake`; two sites at least.

    Returns
    -------
    Index `site`; `seen`, `foretold`, and `error`: foretold less seen as a share of seen, missing where nobody was seen.

    Raises
    ------
    InputError
        As `fit_uptake`; for a single site.

    Examples
    --------
    >>> homes = pd.DataFrame({"site": ["A", "B", "C"], "minutes": 5.0, "able": [400.0, 600.0, 500.0]})
    >>> seen = pd.DataFrame({"months": 6, "seen": [900.0, 1300.0, 1100.0]}, index=["A", "B", "C"])
    >>> sp.foretell_left_out(homes, seen, each=7.5, decay=False).round(3)
            seen  foretold  error
    site
    A      900.0   872.727 -0.030
    B     1300.0  1333.333  0.026
    C     1100.0  1100.000  0.000
    """
    if len(seen) < 2:
        raise InputError("seen: one site alone; expected two at least, as each is foretold by the others")
    whole = _model(homes, seen, each)
    foretold = []
    for at in range(len(seen)):
        others = seen.drop(index=seen.index[at])
        part = _model(homes, others, each)
        best = _best(part.shape) if decay and len(others) > 1 else 0.0
        foretold.append(part.uptake(best) * float(whole.at(best)[at]))
    table = pd.DataFrame({"seen": whole.seen, "foretold": foretold}, index=seen.index.rename("site"))
    return table.assign(error=(table["foretold"] - table["seen"]) / table["seen"].replace(0.0, np.nan))


def _model(homes: pd.DataFrame, seen: pd.DataFrame, each: float) -> _Model:
    """Check the tables, and put them in order."""
    if not 0 < each < np.inf:
        raise StudyError(f"each: {each:g} visits a month of one who comes, expected more than 0")
    lacking = [name for name in ("months", "seen") if name not in seen.columns]
    if lacking:
        raise InputError(f"seen: no column {', '.join(lacking)}. Expected months and seen, by site")
    counts, months = seen["seen"].to_numpy(dtype=np.float64), seen["months"].to_numpy(dtype=np.float64)
    wrong = ~((counts >= 0) & (counts < np.inf) & (months > 0) & (months < np.inf))
    if wrong.any():
        raise InputError(
            f"seen: site '{seen.index[int(wrong.argmax())]}' has {counts[wrong][0]:g} in {months[wrong][0]:g} months; "
            "expected 0 or more in 1 or more"
        )
    site = pd.Index(seen.index.astype(str)).get_indexer(pd.Index(homes["site"].astype(str)))
    able, minutes = homes["able"].to_numpy(dtype=np.float64), homes["minutes"].to_numpy(dtype=np.float64)
    mine = (site >= 0) & (able > 0)
    here = sums(site[mine].astype(np.int64), able[mine], len(seen))
    if not (here > 0).all():
        raise InputError(
            f"seen: site '{seen.index[int((here <= 0).argmax())]}' is the nearest of nobody who could come, so that no "
            "uptake explains who was seen there; leave it out, or raise the limit"
        )
    if not counts.sum() > 0:
        raise InputError("seen: nobody was seen at any site; expected somebody, for an uptake to be fitted")
    return _Model(site[mine].astype(np.int64), minutes[mine], able[mine], months * each, counts)


def _best(worth: Callable[[float], float]) -> float:
    """Return the decay of the largest worth: the best of some steps, then between its neighbours."""
    from scipy.optimize import minimize_scalar

    steps = STEEPEST * np.linspace(0.0, 1.0, STEPS) ** 2  # closer where decays lie
    at = int(np.argmax([worth(float(step)) for step in steps]))
    ends = float(steps[max(at - 1, 0)]), float(steps[min(at + 1, STEPS - 1)])
    found = minimize_scalar(lambda each: -worth(float(each)), bounds=ends, method="bounded", options={"xatol": 1e-8})
    near = float(found.x)
    return near if worth(near) > worth(float(steps[at])) else float(steps[at])


def _limit(free: int | None) -> float:
    """Return by how much twice the log likelihood may fall within the interval, in units of the spread."""
    return float(2 * scipy.special.gammaincinv(0.5, SURE) if free is None else scipy.special.fdtri(1, free, SURE))


def _decay_ends(model: _Model, best: float, top: float) -> tuple[float, float]:
    """Return the decays at which the likelihood falls out of the interval, or the ends of what is looked at."""
    from scipy.optimize import brentq

    def left(decay: float) -> float:
        return model.shape(decay) - top

    low = 0.0 if left(0.0) >= 0 else float(brentq(left, 0.0, best))
    high = STEEPEST if left(STEEPEST) >= 0 else float(brentq(left, best, STEEPEST))
    return low, high


def _crossing(worth: Callable[[float], float], start: float, step: float) -> float:
    """Return where a worth that is above 0 at the start falls to 0, going on by longer and longer steps."""
    from scipy.optimize import brentq

    near, far = start, start + step
    while worth(far) > 0 and abs(far - start) < 50:
        near, step = far, 2 * step
        far += step
    return far if worth(far) > 0 else float(brentq(worth, near, far, xtol=1e-6))
