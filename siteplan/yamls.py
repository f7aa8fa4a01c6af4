"""One reader for every YAML text: strict, bounded, and wrong in one sentence.

Studies, tables of tags and tables of factors are small and flat. What YAML can do beyond that is refused before it
costs anything: documents that nest or refer to themselves without end, numbers of thousands of digits, a key given
twice, of which the second would silently win. A date stays the text that it is written as, for whoever expects one
knows how to read it, and what to say where it is none.
"""

from pathlib import Path
from typing import Any

import yaml

from siteplan.errors import InputError, absence, is_there, printable

__all__ = ["parse_yaml", "read_yaml"]

LARGEST = 10_000_000  # bytes; a study of a thousand scenarios has a tenth
DEEPEST = 60  # levels; a study has eight
MOST = 200_000  # values, with each alias counted as all that it stands for


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key given twice, and what is too deep or too much to be meant."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._open: list[str | None] = []
        self._values = 0
        self._sizes: dict[str | None, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        before = self._values
        if isinstance(event, yaml.AliasEvent):
            if event.anchor in self._open:
                raise _refused(f"'*{event.anchor}' stands within what it stands for", event.start_mark)
            self._values += self._sizes.get(event.anchor, 0)
        self._values += 1
        if self._values > MOST:
            raise _refused(f"holds more than {MOST:,} values", event.start_mark)
        if len(self._open) >= DEEPEST:
            raise _refused(f"nests more than {DEEPEST} levels deep", event.start_mark)
        self._open.append(None if isinstance(event, yaml.AliasEvent) else event.anchor)
        node: yaml.Node | None = super().compose_node(parent, index)
        anchor = self._open.pop()
        if anchor is not None:
            self._sizes[anchor] = self._values - before
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise _refused("a list or a mapping stands where a key is expected", key_node.start_mark)
            if key_node.value in seen:
                raise _refused(f"key '{key_node.value}' is given twice", key_node.start_mark)
            if ":" in key_node.value and not (key_node.style or value_node.value):
                raise _refused(f"'{key_node.value}' has no value; put a blank behind ':'", key_node.start_mark)
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
        except (ValueError, OverflowError, RecursionError):  # a number of 5,000 digits; a !!timestamp that is no date
            raise _refused("a value that cannot be read", node.start_mark) from None
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise _refused("a text with half a character (a lone surrogate)", node.start_mark) from None
        return value


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:timestamp"]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.constructor.ConstructorError(None, None, problem, mark)


def parse_yaml(text: str) -> Any:
    """Read a YAML text.

    Raises
    ------
    ValueError
        In one line: where it is wrong, if that is known, and how.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, stricter
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise ValueError(where + printable(error.problem or "")) from None
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(printable(str(error))) from None


def read_yaml(path: Path, what: str) -> Any:
    """Read a YAML file.

    Parameters
    ----------
    path
        The file.
    what
        What is expected in it, for the message.

    Raises
    ------
    InputError
        Naming the file, and the line if there is one.
    """
    if path.is_dir():
        raise InputError(f"{path}: is a folder; expected {what}")
    if not is_there(path):
        raise InputError(f"{path}: {absence(path)}; expected {what}")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: is larger than {LARGEST / 1e6:.0f} MB; expected {what}")
    try:
        return parse_yaml(path.read_text("utf-8"))
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file in UTF-8; expected {what}") from None
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}; expected {what}") from None
