"""The United States publish by state: in which of them a place lies, and the newest file that each has."""

from pathlib import Path

from siteplan.errors import FetchError
from siteplan.sources.answers import as_expected, read_there
from siteplan.sources.area import Area
from siteplan.sources.downloads import Downloads, NotThereError
from siteplan.sources.source import Source, Used, url

__all__ = ["OLDER", "find_states", "newest_file"]

OLDER = 3  # years that one goes back where a state has none of the year


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
    for link, answer in read_there(area.geometry, source, downloads, "state"):
        with as_expected(source, link):
            states = answer["result"]["geographies"]["States"]
            found |= {str(state["STUSAB"]).lower(): str(state.get("GEOID", "")) for state in states}
        used.append(downloads.used(source, link))
    if not found:
        raise FetchError(f"{source.name}: {area.name} is in no state of the United States")
    return found


def newest_file(
    source: Source, downloads: Downloads, what: str, newest: int, *, state: str, **fields: str
) -> tuple[Path, Used, str]:
    """Load a file of a state, of a year or of up to three before it.

    Parameters
    ----------
    source, downloads, what
        From whom, the cache, and which of the source's addresses; its fields are `state`, `year` and all further ones.
    newest
        The year that is wanted.
    state
        Its two letters.

    Returns
    -------
    The file, what is told of it, and what to note where it is of an earlier year ("" where it is not).

    Raises
    ------
    FetchError
        It cannot be had; `NotThereError` where the state has none of any of these years.
    """
    for year in range(newest, newest - OLDER - 1, -1):
        link = url(source, what, state=state, year=year, **fields)
        try:
            path = downloads.get(source, link)
        except NotThereError:
            if year == newest - OLDER:
                raise
            continue
        part = f" ({', '.join(fields.values())})" if fields else ""
        older = f"{source.title}: {state.upper()} has no {what}{part} of {newest}: those of {year} stand in"
        return path, downloads.used(source, link, vintage=str(year)), "" if year == newest else older
    raise AssertionError  # pragma: no cover
