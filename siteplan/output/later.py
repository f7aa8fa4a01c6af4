"""Layers of which some are made only when somebody asks for them."""

from collections.abc import Callable, Iterator, Mapping

import geopandas as gpd

__all__ = ["Layers"]


class Layers(Mapping[str, gpd.GeoDataFrame]):
    """Layers by name; what stands as a function is called when it is first asked for, and once.

    Scores are counted without a drawing of the streets, which at the size of a region takes longer to make than they.
    """

    def __init__(self, given: Mapping[str, gpd.GeoDataFrame | Callable[[], gpd.GeoDataFrame]]) -> None:
        self._given = dict(given)

    def __getitem__(self, name: str) -> gpd.GeoDataFrame:
        """Return a layer."""
        found = self._given[name]
        if not isinstance(found, gpd.GeoDataFrame):
            found = self._given[name] = found()
        return found

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a layer of that name, without making it."""
        return name in self._given

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._given)

    def __len__(self) -> int:
        """Return how many layers there are."""
        return len(self._given)
