"""How far a study is, told stage by stage to whoever shows it, and who does the work."""

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

__all__ = ["Means", "Progress"]

Progress = Callable[[str, int, int], None]  # the stage, how much is done, of how much


@dataclass(frozen=True)
class Means:
    """Who is told how far a computation is, and who does it: threads unless an executor is given."""

    progress: Progress | None = None
    executor: Executor | None = None

    def tell(self, stage: str, done: int, total: int = 1) -> None:
        """Say how far a stage is."""
        if self.progress is not None:
            self.progress(stage, done, total)

    def of(self, stage: str) -> dict[str, Any]:
        """Return what a search is told of how to do it."""
        return {"progress": functools.partial(self.tell, stage), "executor": self.executor}

    def within(self, name: str) -> "Means":
        """Return the same, telling of every stage by a name before it."""
        return Means(lambda stage, done, total: self.tell(f"{name}: {stage}", done, total), self.executor)
