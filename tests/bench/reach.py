"""Whom does each origin reach? Tables of minutes, sums within two limits, and every node as an origin."""

import numpy as np
import numpy.typing as npt

from siteplan.config import BIKE, WALK, Profile
from siteplan.routing import search
from siteplan.routing.search import deciseconds
from tests.bench.engines import Networkx, Pandana, Scipy, Siteplan
from tests.bench.measure import Row, in_turns
from tests.bench.worlds import Common, MissingError, common, only, people_at, porto_alegre

__all__ = ["every_node", "few_points", "origins"]

Ints = npt.NDArray[np.int64]
LIMITS = deciseconds([15, 20])
LIMIT = int(LIMITS[-1])
PROFILES = (WALK, BIKE)


def sample(place: Common, count: int) -> Ints:
    """Return rows of `place.nodes`, the same in every run."""
    return sample_of(len(place.nodes), count)


def sample_of(total: int, count: int) -> Ints:
    """Return `count` of `total` rows, ascending."""
    chosen: Ints = np.sort(np.random.default_rng(0).choice(total, count, replace=False))
    return chosen


def same(*answers: object) -> None:
    """Fail unless all answers are equal to the last figure."""
    first, *others = answers
    for other in others:
        for a, b in zip(first, other, strict=True):  # type: ignore[call-overload]
            if not np.array_equal(a, b):
                raise AssertionError("the engines' answers differ; nothing is measured")


def origins(rounds: int, *, count: int = 1000) -> list[Row]:
    """Measure tables and sums from `count` origins in Porto Alegre."""
    streets = porto_alegre()
    return [row for profile in PROFILES for row in from_origins(common(streets, profile), profile, rounds, count)]


def from_origins(place: Common, profile: Profile, rounds: int, count: int) -> list[Row]:
    """Measure tables and sums from some nodes to all nodes of a place."""
    chosen, people = sample(place, count), people_at(place)
    ours, scipy = Siteplan(place, chosen), Scipy(place.csr, place.nodes[chosen], place.nodes)
    slow, few, fewer = Networkx(place, people), chosen[:: count // 20], chosen[:: count // 10]
    where = f"{count:,} origins, {profile.name}"
    same(ours.table(LIMIT), scipy.table(LIMIT))
    tables = {"scipy dijkstra(limit)": lambda: scipy.table(LIMIT)}
    at = np.searchsorted(chosen, few), np.searchsorted(chosen, fewer)
    expected = ours.sums(LIMITS, people)
    same(expected, scipy.sums(LIMITS, people))
    same(expected[at[0]], slow.sums(few, LIMITS))
    same(expected[at[1]], slow.ego_sums(fewer, LIMITS))
    sums = {
        "scipy dijkstra(limit)": lambda: scipy.sums(LIMITS, people),
        "networkx dijkstra(cutoff)": lambda: slow.sums(few, LIMITS),
        "OSMnx recipe (ego_graph)": lambda: slow.ego_sums(fewer, LIMITS),
    }
    try:
        pandana = Pandana(place, people)
        same(ours.table(LIMIT), pandana.as_rows(chosen, pandana.table(chosen, LIMIT)))
        same(expected, pandana.sums(LIMITS)[chosen])
        tables["pandana nodes_in_range"] = lambda: pandana.table(chosen, LIMIT)  # type: ignore[assignment]
        sums["pandana aggregate x 2 (all nodes)"] = lambda: pandana.sums(LIMITS)
    except MissingError as missing:
        print(f"left out: {missing}")
    scale = {"networkx dijkstra(cutoff)": count / len(few), "OSMnx recipe (ego_graph)": count / len(fewer)}
    goals = {
        "scipy dijkstra(limit)": "5-7",
        "pandana nodes_in_range": "13-31",
        "pandana aggregate x 2 (all nodes)": "34-90",
        "OSMnx recipe (ego_graph)": "560-1,180",
    }
    return [
        *in_turns(f"{where}: table to 20 min", lambda: ours.table(LIMIT), tables, rounds=rounds, goals=goals),
        *in_turns(
            f"{where}: people in 15, 20 min",
            lambda: ours.sums(LIMITS, people),
            sums,
            rounds=rounds,
            scale=scale,
            goals=goals,
        ),
        *contracted(place, where, chosen, people, rounds),
    ]


def contracted(place: Common, where: str, chosen: Ints, people: npt.NDArray[np.float64], rounds: int) -> list[Row]:
    """Give scipy the contracted graph as well: the algorithm alone, between its nodes."""
    graph, at = place.graph, place.targets
    number = np.where(
        at.forward == 0, graph.arrive[at.chain, 0], np.where(at.backward == 0, graph.arrive[at.chain, 1], -1)
    )
    corners = np.flatnonzero(number >= 0)
    chosen = np.intersect1d(chosen, corners)
    ours = Siteplan(place, chosen, corners)
    scipy = Scipy(contracted_csr(place), number[chosen], number[corners])
    same(ours.sums(LIMITS, people[corners]), scipy.sums(LIMITS, people[corners]))
    task = f"{where}: the same between {len(corners):,} crossings"
    return in_turns(
        task,
        lambda: ours.sums(LIMITS, people[corners]),
        {"scipy on siteplan's contracted graph": lambda: scipy.sums(LIMITS, people[corners])},
        rounds=rounds,
    )


def contracted_csr(place: Common) -> object:
    """Return the contracted graph as a matrix: the cheapest arc of each pair."""
    from scipy.sparse import csr_array

    from tests.bench.worlds import single

    graph = place.graph
    count = len(graph.indptr) - 1
    tail = np.repeat(np.arange(count), np.diff(graph.indptr))
    head = np.where(graph.arcs[:, 0] < 0, ~graph.arcs[:, 0], graph.arcs[:, 0]).astype(np.int64)
    tail, head, cost = single(tail, head, graph.arcs[:, 1].astype(np.int64))
    return csr_array((cost.astype(float), (tail, head)), shape=(count, count))


def every_node(rounds: int) -> list[Row]:
    """Measure every node of Porto Alegre as an origin, 15 and 20 minutes, against pandana's aggregate of all nodes."""
    streets, rows = porto_alegre(), []
    for profile in PROFILES:
        place = common(streets, profile)
        people = people_at(place)
        ours, pandana = Siteplan(place, np.arange(len(place.nodes))), Pandana(place, people)
        same(ours.sums(LIMITS, people), pandana.sums(LIMITS))
        task = f"every node ({len(place.nodes):,}), {profile.name}: people in 15, 20 min"
        name = "pandana aggregate x 2"
        rows += in_turns(
            task,
            lambda ours=ours, people=people: ours.sums(LIMITS, people),  # type: ignore[misc]
            {name: lambda pandana=pandana: pandana.sums(LIMITS)},  # type: ignore[misc]
            rounds=rounds,
            goals={name: "4, stretch 8"},
        )
    return rows


def few_points(rounds: int, *, count: int = 1000) -> list[Row]:
    """Measure every node as an origin when people live at few of them, so that the search runs from the people."""
    streets, rows = porto_alegre(), []
    for profile in PROFILES:
        place = common(streets, profile)
        homes = sample(place, count)
        people = np.zeros(len(place.nodes))
        people[homes] = people_at(place)[homes]
        ours, pandana = FromPeople(place, homes, profile), Pandana(place, people)
        same(ours.sums(people), pandana.sums(LIMITS))
        name = "pandana aggregate x 2"
        rows += in_turns(
            f"every node, people at {count:,}, {profile.name}: people in 15, 20 min",
            lambda ours=ours, people=people: ours.sums(people),  # type: ignore[misc]
            {name: lambda pandana=pandana: pandana.sums(LIMITS)},  # type: ignore[misc]
            rounds=rounds,
            goals={name: "40-60"},
        )
    return rows


class FromPeople:
    """The search turned round: from few points, against the travel, to every node."""

    def __init__(self, place: Common, homes: Ints, profile: Profile) -> None:
        back = common(place.streets, profile, backwards=True)
        assert np.array_equal(back.nodes, place.nodes)
        self.work = search.prepare(back.graph, only(back.sources, homes), back.targets)
        self.homes = homes

    def sums(self, people: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return search.sums_around(self.work, LIMITS, people[self.homes, None])[:, :, 0]
