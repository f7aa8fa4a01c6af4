"""The examples in the docstrings give what they say."""

import doctest
import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import siteplan
from siteplan import SiteplanWarning

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "python" / "index.md"
FORMS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FUNCTIONS = {
    name: value for name in siteplan.__all__ if inspect.isfunction(value := inspect.unwrap(getattr(siteplan, name)))
}


def examples(name: str, names: dict[str, Any]) -> list[doctest.Example]:
    """Give the examples of one public function."""
    found = doctest.DocTestFinder(recurse=False).find(FUNCTIONS[name], name, globs=names)
    return [example for test in found for example in test.examples]


def test_every_public_function_has_an_example() -> None:
    assert [name for name in FUNCTIONS if not examples(name, {})] == []


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Do what the page says that the examples stand on, in a folder with the sample territory."""
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        patch.chdir(tmp_path_factory.mktemp("sample"))
        siteplan.write_sample(".")
        text = PAGE.read_text("utf-8")
        for title, inside in re.findall(r'^```\w+ title="(.+?)"\n(.*?)^```', text, re.MULTILINE | re.DOTALL):
            Path(title).write_text(inside, encoding="utf-8")
        for code in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            exec(code, names)
        yield names


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if examples(name, {})])
def test_an_example_gives_what_it_says(name: str, begun: dict[str, Any]) -> None:
    said: list[str] = []
    tell: Callable[[str], Any] = said.append
    test = doctest.DocTest(examples(name, begun), dict(begun), name, None, None, None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        failed = doctest.DocTestRunner(optionflags=FORMS, verbose=False).run(test, out=tell).failed
    assert failed == 0, "".join(said)
