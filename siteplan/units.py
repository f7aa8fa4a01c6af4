"""What a limit counts: minutes, or metres of a way; and limits, of all modes or of each its own."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

__all__ = ["Limits", "Unit"]

Unit: TypeAlias = Literal["minutes", "metres"]
Limits: TypeAlias = float | Sequence[float] | Mapping[str, float | Sequence[float]]
