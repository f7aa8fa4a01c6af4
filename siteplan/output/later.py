"""Tables and layers of which some are made only when somebody asks for them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import pandas as pd

__all__ = ["Later"]

Made = TypeVar("Made", bound=pd.DataFrame)


class Later(Mapping[str, Made]):
    """Tables by name; what stands as a function is called when it is first asked for, and once.

    Scores are counted without a drawing of the streets, which at the size of a region takes longer to make than they,
    and without all times at once, which take more memory than all else.
    """

    def __init__(self, *given: Mapping[str, Made] | Mapping[str, Made | Callable[[], Made]]) -> None:
        """Take tables of several; what stands in one of these as a function still does here."""
        self._given: dict[str, Any] = {}
        for each in given:
            self._given |= each._given if isinstance(each, Later) else each

    def __getitem__(self, name: str) -> Made:
        """Return a table."""
        found = self._given[name]
        if not isinstance(found, pd.DataFrame):
            found = self._given[name] = found()
        made: Made = found
        return made

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a table of that name, without making it."""
        return name in self._given

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._given)

    def __len__(self) -> int:
        """Return how many tables there are."""
        return len(self._given)
