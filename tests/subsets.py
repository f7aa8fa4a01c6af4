"""The slow twin of choosing sites: try every set, with dictionaries and loops."""

import itertools
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from siteplan.siting.choice import Choice
from siteplan.siting.choose import choose_sites
from siteplan.siting.phases import deploy


def ask(times: Any, people: Any, table: Any, /, **asked: Any) -> Choice:
    """Ask a question by its keys, and where people live beside them."""
    territory = asked.pop("territory", None)
    return choose_sites(times, people, table, asked, territory=territory)


def ask_phases(times: Any, people: Any, table: Any, /, nested: Any = "best", **asked: Any) -> Choice:
    """Ask a question with phases by its keys."""
    territory = asked.pop("territory", None)
    return deploy(times, people, table, asked, nested=nested, territory=territory)


def every_set(ids: list[str], status: dict[str, str]) -> list[tuple[str, ...]]:
    """Return every set of sites with those that exist or are required and without the excluded ones."""
    kept = [j for j in ids if status[j] in ("existing", "required")]
    free = [j for j in ids if status[j] == "candidate"]
    return [(*kept, *more) for number in range(len(free) + 1) for more in itertools.combinations(free, number)]


def worth_of(chosen: Any, minutes: dict[tuple[str, int], float], weight: dict[int, float], q: dict[str, Any]) -> Any:
    """Return (value, people covered by point) of a set under a question; None where floors cannot be met."""
    limit, penalty = q["minutes"], 2 * q["minutes"]
    near = {i: [minutes[j, i] for j in chosen if (j, i) in minutes and minutes[j, i] <= limit] for i in weight}
    if q.get("capacities"):
        return _shared_out(chosen, minutes, weight, q)
    covered = {i: weight[i] if near[i] else 0.0 for i in weight}
    if not _floors_hold(covered, weight, q):
        return None
    if q["objective"] in ("coverage", "share"):
        return sum(covered.values())
    if q["objective"] == "backup":
        return sum(weight[i] for i in weight if len(near[i]) >= 2)
    if q["objective"] == "gravity":
        return sum(weight[i] * max((float(q["decay"](np.array([t]))[0]) for t in near[i]), default=0.0) for i in weight)
    walked = {i: min(near[i], default=penalty) for i in weight}
    if q["objective"] == "median":
        return sum(weight[i] * walked[i] for i in weight)
    return max((walked[i] for i in q["reachable"] if weight[i] > 0), default=0.0)


def _floors_hold(covered: dict[int, float], weight: dict[int, float], q: dict[str, Any]) -> bool:
    for zone, floor in (q.get("floors") or {}).items():
        inside = [i for i in weight if q["zone"][i] == zone]
        if sum(covered[i] for i in inside) < floor * sum(weight[i] for i in inside) - 1e-7:
            return False
    return True


def _shared_out(chosen: Any, minutes: dict[Any, float], weight: dict[int, float], q: dict[str, Any]) -> Any:
    """Share people out by a linear programme over persons, not over shares of points."""
    pairs = [(j, i) for j in chosen for i in weight if minutes.get((j, i), np.inf) <= q["minutes"]]
    zones = list((q.get("floors") or {}).items())
    worth = {
        "coverage": lambda t: 1.0,
        "share": lambda t: 1.0,
        "median": lambda t: 2 * q["minutes"] - t,
        "gravity": lambda t: float(q["decay"](np.array([t]))[0]) if q.get("decay") else 0.0,
    }[q["objective"]]
    rows, limits = [], []
    for i in weight:
        rows.append([float(pair[1] == i) for pair in pairs])
        limits.append(weight[i])
    for j in chosen:
        rows.append([float(pair[0] == j) for pair in pairs])
        limits.append(q["capacity"][j])
    for zone, floor in zones:
        rows.append([-float(q["zone"][pair[1]] == zone) for pair in pairs])
        limits.append(-floor * sum(weight[i] for i in weight if q["zone"][i] == zone) + 1e-7)
    everybody = sum(weight.values())
    base = 2 * q["minutes"] * everybody if q["objective"] == "median" else 0.0
    if not pairs:
        return base if all(limit >= 0 for limit in limits) else None
    found = linprog([-worth(minutes[pair]) for pair in pairs], A_ub=rows, b_ub=limits)
    if found.status != 0:
        return None
    return base + found.fun if q["objective"] == "median" else -found.fun


def _holds(rule: Any, values: list[Any]) -> bool:
    """Tell whether the values of the chosen sites meet a quota."""
    if rule.of_total:
        least, most = rule.total_at_least, rule.total_at_most
        there = sum(value for value in values if value == value)
    else:
        low = -np.inf if rule.value_at_least is None else rule.value_at_least
        high = np.inf if rule.value_at_most is None else rule.value_at_most
        least, most = rule.at_least, rule.at_most
        there = sum(low <= value <= high if rule.of_values else value == rule.value for value in values)
    return (-np.inf if least is None else least) - 1e-9 <= there <= (np.inf if most is None else most) + 1e-9


def best_of_all(sites: pd.DataFrame, minutes: dict[Any, float], weight: dict[int, float], q: dict[str, Any]) -> Any:
    """Return the best value of all sets that meet the conditions, None if there is none."""
    status = sites["status"].to_dict()
    cost = {j: 0.0 if status[j] == "existing" else sites.loc[j, "cost"] for j in sites.index}
    open_able = [j for j in sites.index if status[j] != "excluded"]
    if q.get("spacing_m"):
        at = {j: (sites.geometry[j].x, sites.geometry[j].y) for j in sites.index}

    def clash(a: str, b: str) -> bool:
        both = all(status[j] in ("existing", "required") for j in (a, b))
        return not both and float(np.hypot(at[a][0] - at[b][0], at[a][1] - at[b][1])) < q["spacing_m"]

    if q.get("spacing_m"):
        kept = [j for j in open_able if status[j] in ("existing", "required")]
        open_able = [j for j in open_able if j in kept or not any(clash(j, k) for k in kept)]
    q["reachable"] = {i for i in weight if any(minutes.get((j, i), np.inf) <= q["minutes"] for j in open_able)}
    coverable = sum(weight[i] for i in q["reachable"])
    values = []
    for chosen in every_set(list(sites.index), status):
        if q.get("sites") is not None and len(chosen) != q["sites"]:
            continue
        if q.get("budget") is not None and sum(cost[j] for j in chosen) > q["budget"]:
            continue
        if q.get("spacing_m") and any(clash(a, b) for a, b in itertools.combinations(chosen, 2)):
            continue
        if not all(_holds(rule, [sites.loc[j, rule.column] for j in chosen]) for rule in q.get("quotas", ())):
            continue
        value = worth_of(chosen, minutes, weight, q)
        if value is None:
            continue
        if q["objective"] == "share":
            if value < q["share"] * coverable - 1e-6:
                continue
            value = len(chosen) if q["least"] == "sites" else sum(cost[j] for j in chosen)
        values.append(value)
    if not values:
        return None
    return max(values) if q["objective"] in ("coverage", "backup", "gravity") else min(values)
