"""Sites judged by several criteria at once: two methods, and how much of the answer is in the weights.

Each criterion is first put on a scale from 0 (worst) to 1 (best), which is stated. Then a site's figure is the weighted
mean of these (simple additive weighting: Hwang & Yoon 1981), in which a good criterion makes up for a bad one, and
beside it how near it is to the best of each criterion and how far from the worst (TOPSIS, Hwang & Yoon 1981). A third
answer needs no weights: the share of all weightings in which a site is first (stochastic multicriteria acceptability
analysis: Lahdelma & Salminen 2001).

Written on arrays, for the libraries that have these methods bring matplotlib or scikit-learn along.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from siteplan.config.criteria import Criterion, Requirement, criteria_of
from siteplan.doors import door
from siteplan.errors import InputError, StudyError, suggested
from siteplan.inputs.values import numbers
from siteplan.reachable import Bools, Floats

__all__ = ["Judgement", "as_numbers", "closeness", "first_shares", "judge_sites", "unmet_requirements", "weight_ranges"]

YES = frozenset({"yes", "true", "1", "oui", "vrai"})
NO = frozenset({"no", "false", "0", "non", "faux"})
DECIMALS = 8  # to which figures from 0 to 1 are compared: the order of a sum is not seen in who is first
DRAWN_AT_ONCE = 2_000  # weightings


@dataclass(frozen=True)
class Judgement:
    """What `judge_sites` returns.

    sites    index `site`; `unmet` (requirements that it does not meet), `unknown` (criteria without a value), and for
             the judged: `weighted` and `topsis` (0 to 100), `weighted_rank`, `topsis_rank`, and `first`, the share of
             all weightings in which it is first
    weights  index `criterion`; `better`, `worst` and `best` (the values that count 0 and 1), `weight` (its share of
             all), `least` and `most` (between which the first site stays first), `below` and `above` (which is first
             beyond), `without` and `doubled` (which is first if it does not count, or twice)
    parts    `site`, `criterion`, `value`, `scaled` (0 to 1), `part` (points of `weighted` that it gives)
    """

    sites: pd.DataFrame
    weights: pd.DataFrame
    parts: pd.DataFrame

    @property
    def first(self) -> str | None:
        """The site with the largest weighted mean; None where none is judged."""
        ranked = self.sites["weighted_rank"].dropna()
        return None if ranked.empty else str(ranked.index[int(ranked.to_numpy().argmin())])


@door()
def judge_sites(
    table: pd.DataFrame,
    criteria: Mapping[str, Any],
    *,
    require: Mapping[str, Any] | None = None,
    draws: int = 10_000,
    seed: int = 1,
) -> Judgement:
    """Judge sites by several columns at once, and tell how much of the answer is in the weights.

    Parameters
    ----------
    table
        Index `site`; the columns named in `criteria` and `require`. They hold numbers, yes and no, or the words of the
        criterion's `order`.
    criteria
        Column to weight, or to keys as a study file has them under `criteria.columns`:
        ``{"fibre": 2, "rent": {"weight": 1, "better": "less", "scale": [30, 5]}}``.
    require
        Column to what a site must have: ``{"step_free": True, "rent": {"at_most": 12}, "energy": ["A", "B"]}``.
    draws, seed
        Weightings drawn for `first`: with 10,000, half a percent is the standard error at most.

    Returns
    -------
    Judgement
        A site that does not meet a requirement, or has no value in a criterion of weight above 0, is not judged; the
        others are judged relative to each other.

    Raises
    ------
    StudyError
        For a column that is not there, or keys out of range.
    InputError
        For a value that is no number, yes, no or word of the order.

    Examples
    --------
    >>> table = pd.DataFrame({"people": [900, 700], "rent": [12, 6]}, index=["A", "B"])
    >>> found = sp.judge_sites(table, {"people": 1, "rent": {"better": "less", "weight": 2}})
    >>> found.sites[["weighted", "weighted_rank"]].round(1)
       weighted  weighted_rank
    A      33.3              2
    B      66.7              1
    >>> found.weights[["weight", "least", "most", "below"]].round(3)
               weight  least  most below
    criterion
    people      0.333    0.0   0.5
    rent        0.667    0.5   1.0     A
    """
    asked = criteria_of(criteria, require)
    used = {name: each for name, each in asked.columns.items() if each.weight > 0}
    for name in (*asked.columns, *asked.require):
        if name not in table.columns:
            raise StudyError(
                f"criteria: no column '{name}' in the table; expected {suggested(name, map(str, table.columns))}"
            )
    unmet = unmet_requirements(table, asked.require)
    values = pd.DataFrame({name: _measured(table[name], each) for name, each in used.items()}, index=table.index)
    unknown = _named(values.isna())
    judged = (unmet == "").to_numpy() & (unknown == "").to_numpy()
    ends = {name: _ends(values.loc[judged, name], each, name) for name, each in used.items()}
    scaled = pd.DataFrame(
        {name: _scaled(values[name].to_numpy(dtype=float), *ends[name]) for name in used}, index=table.index
    )
    total = sum(each.weight for each in used.values())
    weights = np.array([each.weight / total for each in used.values()])
    sites = pd.DataFrame({"unmet": unmet, "unknown": unknown}, index=table.index)
    fit = scaled[judged].to_numpy()
    for name, figure in (("weighted", _sum(fit, weights)), ("topsis", closeness(fit, weights))):
        sites[name] = _spread(np.round(100 * figure, 6), judged)
        sites[f"{name}_rank"] = sites[name].rank(method="min", ascending=False).astype("Int64")
    sites["first"] = _spread(first_shares(fit, draws=draws, seed=seed), judged)
    about = pd.DataFrame(
        {
            "better": ["more" if each.order else each.better for each in used.values()],
            "worst": [ends[name][0] for name in used],
            "best": [ends[name][1] for name in used],
            "weight": weights,
        },
        index=pd.Index(used, name="criterion", dtype=object),
    )
    ranges = weight_ranges(fit, weights, table.index[judged].astype(str))
    return Judgement(sites, about.join(ranges.set_axis(about.index)), _long(table.index, values, scaled, weights))


def unmet_requirements(table: pd.DataFrame, require: Mapping[str, Requirement]) -> pd.Series:
    """Return by site the columns of which it does not have what is required, with commas; what is blank is not met."""
    missed = {}
    for name, each in require.items():
        column = table[name]
        if each.one_of:
            known = {_text(value) for value in each.one_of}
            missed[name] = np.array([_text(value) not in known for value in column], dtype=bool)
        else:
            values = _numbers(column)
            least = -np.inf if each.at_least is None else each.at_least
            most = np.inf if each.at_most is None else each.at_most
            missed[name] = ~((values >= least) & (values <= most))
    return _named(pd.DataFrame(missed, index=table.index))


def as_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return columns as numbers, NaN where they are blank: yes 1 and no 0.

    Raises
    ------
    InputError
        Naming the site whose value is none of these.
    """
    return pd.DataFrame({name: _numbers(table[name]) for name in table}, index=table.index)


def closeness(scaled: npt.ArrayLike, weights: npt.ArrayLike) -> Floats:
    """Return how near each row is to the best of every column, and far from the worst: 1 is the best (TOPSIS).

    Parameters
    ----------
    scaled (sites, criteria)
        Values of one scale, more being better.
    weights (criteria,)
        Of the columns.

    Returns
    -------
    (sites,)
        d- / (d+ + d-), of the Euclidean distances to the best and the worst value that any row has in each column,
        weighted (Hwang & Yoon 1981); 1 for all where no column tells rows apart.
    """
    weighted = np.asarray(scaled, dtype=np.float64) * np.asarray(weights, dtype=np.float64)
    if not len(weighted):
        return np.zeros(0)
    to_best = np.sqrt(((weighted.max(axis=0) - weighted) ** 2).sum(axis=1))
    to_worst = np.sqrt(((weighted - weighted.min(axis=0)) ** 2).sum(axis=1))
    both = to_best + to_worst
    near: Floats = np.divide(to_worst, both, out=np.ones(len(weighted)), where=both > 0)
    return near


def first_shares(scaled: npt.ArrayLike, *, draws: int = 10_000, seed: int = 1) -> Floats:
    """Return the share of all weightings in which each row has the largest weighted mean.

    Parameters
    ----------
    scaled (sites, criteria)
        Values of one scale, more being better.
    draws, seed
        Weightings drawn, all alike likely (uniform on the simplex), and of which draw.

    Returns
    -------
    (sites,)
        The rank-one acceptability index (Lahdelma & Salminen 2001); rows that are first together share a weighting.
    """
    values = np.asarray(scaled, dtype=np.float64)
    found = np.zeros(len(values))
    if not values.size:
        return found
    rng = np.random.default_rng(seed)
    for start in range(0, draws, DRAWN_AT_ONCE):
        drawn = rng.exponential(size=(min(DRAWN_AT_ONCE, draws - start), values.shape[1]))
        drawn /= drawn.sum(axis=1, keepdims=True)
        figure = np.zeros((len(drawn), len(values)))
        for column in range(values.shape[1]):  # one after the other, so that every machine adds in the same order
            figure += drawn[:, [column]] * values[:, column]
        figure = np.round(figure, DECIMALS)
        best = figure == figure.max(axis=1, keepdims=True)
        found += (best / best.sum(axis=1, keepdims=True)).sum(axis=0)
    return found / draws


def weight_ranges(scaled: npt.ArrayLike, weights: npt.ArrayLike, names: pd.Index) -> pd.DataFrame:
    """Return how far the weight of each column may move before another row is first.

    One weight is moved at a time; the others keep their proportions to each other, and all sum to 1.

    Parameters
    ----------
    scaled (sites, criteria)
        Values of one scale, more being better.
    weights (criteria,)
        Shares that sum to 1.
    names
        Of the rows; of several that are first together, the first of these counts.

    Returns
    -------
    A row a column: `least` and `most`, `below` and `above`, `without` and `doubled`, as of `Judgement.weights`.
    """
    values, shares = np.asarray(scaled, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    rows = []
    for column in range(len(shares)):
        own = values[:, column]
        others = _others(values, shares, column)
        rows.append(_range(own, others, float(shares[column]), names))
    columns = ["least", "most", "below", "above", "without", "doubled"]
    return pd.DataFrame(rows, columns=columns)


def _others(values: Floats, shares: Floats, column: int) -> Floats:
    """Return the weighted mean of each row without a column, which counts alike in all where there is no other."""
    rest = np.delete(shares, column)
    if not rest.sum() > 0:
        return np.zeros(len(values))
    return _sum(np.delete(values, column, axis=1), rest / rest.sum())


def _range(own: Floats, others: Floats, share: float, names: pd.Index) -> tuple[float, float, str, str, str, str]:
    """Move one weight: at t a row has t x own + (1 - t) x others, a straight line; the first is left where one crosses.

    Of the lines, row i's lead over row j is a + b t, with a = others_i - others_j and b = own_i - own_j - a.
    """
    if not len(own):
        return np.nan, np.nan, "", "", "", ""

    def first(t: float) -> int:
        return int(np.round(t * own + (1 - t) * others, DECIMALS).argmax())

    leader = first(share)
    lead = others[leader] - others
    slope = own[leader] - own - lead
    steep = np.abs(slope) > 10.0**-DECIMALS
    crossing = np.divide(-lead, slope, out=np.full(len(own), np.nan), where=steep)
    least, below = _left(np.where(slope > 0, crossing, np.nan), slope, names, falling=True)
    most, above = _left(np.where(slope < 0, crossing, np.nan), slope, names, falling=False)
    return (
        min(least, share),
        max(most, share),
        below,
        above,
        str(names[first(0.0)]) if share < 1 else "",
        str(names[first(2 * share / (1 + share))]),
    )


def _left(crossing: Floats, slope: Floats, names: pd.Index, *, falling: bool) -> tuple[float, str]:
    """Return the weight at which another row is first, and which: of those level there, the one that leads beyond."""
    end = 0.0 if falling else 1.0
    inside = crossing > 10.0**-DECIMALS if falling else crossing < 1 - 10.0**-DECIMALS
    if not inside.any():
        return end, ""
    at = crossing[inside].max() if falling else crossing[inside].min()
    level = np.flatnonzero(inside & (np.abs(crossing - at) <= 10.0**-DECIMALS))
    return float(at), str(names[int(level[np.abs(slope[level]).argmax()])])


def _spread(figures: Floats, judged: Bools) -> Floats:
    """Return the figures of the judged in the rows of all, missing for the others."""
    found = np.full(len(judged), np.nan)
    found[judged] = figures
    return found


def _sum(values: Floats, weights: Floats) -> Floats:
    """Return the weighted mean of each row, added up column by column."""
    total = np.zeros(len(values))
    for column, weight in enumerate(weights):
        total += weight * values[:, column]
    return total


def _measured(column: pd.Series, criterion: Criterion) -> Floats:
    """Return a column as numbers, NaN where it is blank: words by their place in the order, yes 1 and no 0."""
    if not criterion.order:
        return _numbers(column)
    place = {word.strip().casefold(): float(number) for number, word in enumerate(criterion.order)}
    values = np.full(len(column), np.nan)
    for row, value in enumerate(column):
        word = _text(value)
        if word and word not in place:
            raise InputError(
                f"criteria: site '{column.index[row]}' has '{value}' in column '{column.name}'; expected one of its "
                f"order, {', '.join(criterion.order)}, or a blank"
            )
        values[row] = place[word] if word else np.nan
    return values


def _numbers(column: pd.Series) -> Floats:
    """Return a column of numbers, or of yes and no, NaN where it is blank."""
    words = [_text(value) for value in column]
    if pd.api.types.is_bool_dtype(column) or {*words} <= YES | NO | {""}:
        return np.array([np.nan if not word else float(word in YES) for word in words], dtype=np.float64)
    try:
        return numbers(column.reset_index(drop=True), "criteria").astype(np.float64)
    except InputError:
        wrong = pd.to_numeric(column, errors="coerce").isna().to_numpy() & np.array([bool(word) for word in words])
        first = int(wrong.argmax())
        raise InputError(
            f"criteria: site '{column.index[first]}' has '{column.iloc[first]}' in column '{column.name}'; expected "
            "numbers, or yes and no; for other words, name them from the worst to the best (order)"
        ) from None


def _text(value: Any) -> str:
    """Return a value as a word to compare: yes for True, 2 for 2.0, nothing for what is missing."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    try:
        return f"{float(value):.12g}"
    except (TypeError, ValueError):
        word = str(value).strip().casefold()
        return "yes" if word in YES else "no" if word in NO else word


def _ends(values: pd.Series, criterion: Criterion, name: str) -> tuple[float, float]:
    """Return the values that count 0 and 1."""
    if criterion.order:
        return 0.0, float(len(criterion.order) - 1)
    if isinstance(criterion.scale, tuple):
        return criterion.scale
    if values.empty:
        return np.nan, np.nan
    least, most = float(values.min()), float(values.max())
    if criterion.scale == "largest":
        if least < 0:
            raise InputError(
                f"criteria: column '{name}' is below 0 at site '{values.index[int(values.argmin())]}', where scale: "
                "largest counts from 0; give it scale: range"
            )
        least = 0.0
    return (least, most) if criterion.better == "more" else (most, least)


def _scaled(values: Floats, worst: float, best: float) -> Floats:
    """Put values on the scale; where all are alike, each is as good as the best."""
    if worst == best:
        return np.where(np.isnan(values), np.nan, 1.0)
    return np.clip((values - worst) / (best - worst), 0.0, 1.0)


def _named(missed: pd.DataFrame) -> pd.Series:
    """Return by row the names of the columns that are true, with commas."""
    names = [str(name) for name in missed]
    told = [", ".join(name for name, one in zip(names, row, strict=True) if one) for row in missed.to_numpy(dtype=bool)]
    return pd.Series(told, index=missed.index, dtype=object)


def _long(sites: pd.Index, values: pd.DataFrame, scaled: pd.DataFrame, weights: Floats) -> pd.DataFrame:
    """Put what each site has in each criterion below each other."""
    count = len(values.columns)
    return pd.DataFrame(
        {
            "site": np.repeat(sites.astype(str), count),
            "criterion": np.tile(values.columns.to_numpy(dtype=object), len(sites)),
            "value": values.to_numpy(dtype=float).ravel(),
            "scaled": scaled.to_numpy(dtype=float).ravel(),
            "part": (100 * scaled.to_numpy(dtype=float) * weights).ravel(),
        }
    )
