"""What a limit counts: minutes, or metres of a way."""

from typing import Literal, TypeAlias

__all__ = ["Unit"]

Unit: TypeAlias = Literal["minutes", "metres"]
