"""How much a search may do: steps, which are the same on every machine, and seconds as a safety net."""

import time

__all__ = ["STEPS", "Work"]

# What one unit of effort allows. A step is one entry of HiGHS's rows at each of its looks around, between a hundred and
# a thousand times a node; it does some 0.3 to 1 million a second, so this is about a minute of an ordinary computer.
STEPS = 4e7
VISITS = 1000  # of a pair by a compiled loop: they take about as long as a step


class Work:
    """What a search may still do, told to all its parts; a part of it counts for the whole.

    Attributes
    ----------
    steps
        How many are left.
    seconds
        How many were allowed at the beginning.
    late
        Whether the clock ended any part: only then may another machine answer otherwise.
    """

    def __init__(self, effort: float, seconds: float) -> None:
        self.steps, self.seconds, self.late = effort * STEPS, seconds, False
        self._end = time.monotonic() + seconds
        self._whole: Work | None = None

    @property
    def left(self) -> float:
        """How many seconds are left, a moment at least."""
        return max(0.01, self._end - time.monotonic())

    @property
    def visits(self) -> float:
        """How many visits to a pair the steps left allow."""
        return max(0.0, self.steps) * VISITS

    def part(self, share: float) -> "Work":
        """Return a share of the steps and seconds left."""
        part = Work(0.0, self.left * share)
        part.steps, part._whole = self.steps * share, self
        return part

    def spend(self, steps: float) -> None:
        """Count steps done."""
        self.steps -= steps
        if self._whole is not None:
            self._whole.spend(steps)

    def cut(self) -> None:
        """Say that the clock ended a part."""
        self.late = True
        if self._whole is not None:
            self._whole.cut()
