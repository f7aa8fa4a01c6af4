"""Who is how far from which site: a table of minutes and a table of people, checked once, and what is asked of them.

Counts are sums over points, so they can be made in parts: what a `Reach` counts of `only` some points and of `only` the
others adds up to what it counts of all, exactly so where people are whole numbers (up to 2 ** 53). Rows, sites and
points are put in one order first, so that the order of the tables changes no bit. They can be cut by sites as well,
into tiles, of which one at a time lies in memory: what a site reaches is of its tile alone, and how many sites a point
has, and the nearest of them, are put together from all tiles without any rounding.
"""

from siteplan.reachable.counts import Nearest, Reach, check_times, members, ratio, sums
from siteplan.reachable.tables import GIVEN, SUSPECT, People, by_point, number_column, site_positions
from siteplan.reachable.tiles import Bools, Floats, Int32s, Ints, Pairs

__all__ = [
    "GIVEN",
    "SUSPECT",
    "Bools",
    "Floats",
    "Int32s",
    "Ints",
    "Nearest",
    "Pairs",
    "People",
    "Reach",
    "by_point",
    "check_times",
    "members",
    "number_column",
    "ratio",
    "site_positions",
    "sums",
]
