"""How far a study is: what is told, stage by stage, to whoever shows it."""

from collections.abc import Callable

__all__ = ["Progress", "stage_of", "tell", "within"]

Progress = Callable[[str, int, int], None]  # the stage, how much is done, of how much


def tell(progress: Progress | None, stage: str, done: int, total: int = 1) -> None:
    """Tell how far a stage is."""
    if progress is not None:
        progress(stage, done, total)


def within(progress: Progress, name: str) -> Progress:
    """Tell of the stages of a scenario by its name."""
    return lambda stage, done, total: progress(f"{name}: {stage}", done, total)


def stage_of(progress: Progress | None, stage: str) -> Callable[[int, int], None] | None:
    """Give one stage's progress to a function that knows nothing of stages."""
    return None if progress is None else lambda done, total: progress(stage, done, total)
