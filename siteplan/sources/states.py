"""In which of the United States a place lies: files are published by state."""

import json

from siteplan.errors import FetchError
from siteplan.sources.area import Area, spread_points
from siteplan.sources.downloads import Downloads
from siteplan.sources.source import Source, Used, url

__all__ = ["find_states"]


def find_states(area: Area, source: Source, downloads: Downloads, used: list[Used]) -> dict[str, str]:
    """Ask in which states an area lies: a point in it, and one in each of its quarters.

    Parameters
    ----------
    area, source, downloads
        The area, whom to ask (its address `state`), and the cache.
    used
        Every answer is added to it.

    Returns
    -------
    dict
        By the two letters of a state, in small letters (`mn`), its two digits (`27`); "" where they are not told.

    Raises
    ------
    FetchError
        The answer is not what is expected, or there is no such state.
    """
    found: dict[str, str] = {}
    for lon, lat in spread_points(area.geometry):
        link = url(source, "state", lon=f"{lon:.5f}", lat=f"{lat:.5f}")
        try:
            answer = json.loads(downloads.read(source, link))
            states = answer["result"]["geographies"]["States"]
            found |= {str(state["STUSAB"]).lower(): str(state.get("GEOID", "")) for state in states}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise FetchError(
                f"{source.name}: the answer to which state {lon:.5f}, {lat:.5f} is in is not what is expected "
                f"({error!r}); it was changed since this version of siteplan"
            ) from error
        used.append(downloads.used(source, link))
    if not found:
        raise FetchError(f"{source.name}: {area.name} is in no state of the United States")
    return found
