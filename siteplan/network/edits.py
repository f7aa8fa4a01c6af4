"""What if a street, a footbridge or a bus line were there, or were not: a new network, the old one untouched.

Streets are changed as an OpenStreetMap editor would change them, way by way and node by node, and are then cut into
edges like those of a file. So they are, bit for bit, what reading the changed file would give.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import shapely

from siteplan.config import Profile
from siteplan.errors import StudyError
from siteplan.inputs.osm import KEYS, RawWays, Tags, read_osm
from siteplan.network.graph import ModeGraph, mode_graph
from siteplan.network.snapping import HARD_LIMIT, LIMIT, as_profile, link, positions
from siteplan.network.streets import StreetNetwork, _anyone, build_streets
