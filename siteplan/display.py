"""Short displays: what a thing is and how much there is of it, in a few lines, for a prompt and for a notebook."""

from collections.abc import Mapping
from html import escape

__all__ = ["Shown"]

LONGEST = 80  # characters of one fact


class Shown:
    """What has a short display in place of all that it holds."""

    __slots__ = ()

    def facts(self) -> Mapping[str, object]:
        """Return what is worth a line, by its name."""
        raise NotImplementedError

    def _lines(self) -> dict[str, str]:
        texts = {name: str(value) for name, value in self.facts().items()}
        return {name: text if len(text) <= LONGEST else text[: LONGEST - 3] + "..." for name, text in texts.items()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'; '.join(f'{name}: {text}' for name, text in self._lines().items())}>"

    def _repr_html_(self) -> str:
        rows = (f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in self._lines().items())
        return f"<table><caption>{type(self).__name__}</caption>{''.join(rows)}</table>"
