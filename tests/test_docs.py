"""The documentation tells the truth: its commands run, and every command, key, name and link in it exists."""

import ast
import doctest
import re
import shlex
import subprocess
import sys
import types
from collections.abc import Iterator
from html import escape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pydantic
import pytest
import typer
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

import siteplan
from siteplan.catalogue import table_rows
from siteplan.cli import app
from siteplan.config import Study
from siteplan.errors import StudyError
from siteplan.samples import write_sample
from tools.notebooks import tidy

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FORMS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def fences(kind: str) -> Iterator[tuple[str, str]]:
    """Give the blocks of a kind, each with the page it stands on."""
    for page in PAGES:
        for found in FENCE.finditer(page.read_text("utf-8")):
            if found[1] == kind:
                yield page.relative_to(ROOT).as_posix(), found[3]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give every command of siteplan that stands in a block, as the words of its line."""
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        for line in re.findall(r"^(?:    |\$ |)(siteplan [a-z].*)$", text, re.MULTILINE):
            yield page.relative_to(ROOT).as_posix(), shlex.split(line, comments=True)[1:]


def test_there_is_something_to_check() -> None:
    assert len(PAGES) > 10
    assert len(list(commands())) > 20
    assert len(list(fences("yaml"))) > 8
    assert len(list(fences("python"))) > 2


@pytest.mark.parametrize(("page", "words"), [pytest.param(*each, id=" ".join(each[1])) for each in commands()])
def test_every_command_and_option_exists(page: str, words: list[str]) -> None:
    known: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert words[0] in known, page
    options = {flag for each in known[words[0]].params for flag in each.opts}
    used = {word for word in words if re.fullmatch(r"--?[a-z-]+", word)}
    assert used <= options | {"--help"}, page


@pytest.mark.parametrize(("page", "text"), list(fences("yaml")))
def test_every_key_of_a_study_exists(page: str, text: str) -> None:
    try:
        Study.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        # The pages name files, groups, modes and lines of places that are not here; a key must exist all the same.
        wrong = [each for each in error.errors() if each["type"] in ("extra_forbidden", "missing", "literal_error")]
        assert not wrong, page


@pytest.mark.parametrize(("page", "text"), list(fences("python")))
def test_every_public_name_exists(page: str, text: str) -> None:
    used = {
        node.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sp"
    }
    assert used <= set(siteplan.__all__), page


def test_the_objective_of_ones_own_is_one() -> None:
    text = (ROOT / "docs" / "own" / "objective.md").read_text("utf-8")
    code = next(found[3] for found in FENCE.finditer(text) if found[1] == "python")
    names: dict[str, Any] = {}
    exec(code.replace("\nObjective(", "\nobjective = Objective("), names)
    assert names["objective"].worth(np.array([0.0, 10, 20]), 20.0, 1.0).tolist() == [1, 0.25, 0]


def test_the_question_of_ones_own_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "own" / "question.md").read_text("utf-8")
    asked, line, answer = (found[3] for found in FENCE.finditer(text) if found[1] == "python")
    config = types.ModuleType("siteplan.config.spacing")
    exec(asked, config.__dict__)
    monkeypatch.setitem(sys.modules, config.__name__, config)
    names: dict[str, Any] = {"Field": pydantic.Field, "Spacing": config.Spacing}
    exec(line, names)
    exec(answer, names)
    places = gpd.points_from_xy([0, 900, 3000], [0, 0, 0])
    sites = gpd.GeoDataFrame({"name": ["Hall", "Library", "Mill"]}, geometry=places, index=["A", "B", "C"], crs=2154)
    data = SimpleNamespace(points=sites, sites=sites.head(1))
    here = SimpleNamespace(sites=sites.to_crs(4326), data=data)
    table = names["ANSWER"].tables(config.Spacing(km=1), here)["spacing"]
    assert table["near"].tolist() == [1, 1, 0]
    with pytest.raises(StudyError, match="one site only"):
        names["ANSWER"].check(None, config.Spacing(), data)


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_sample("orvelle")
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    ran = 0
    for found in FENCE.finditer(text):
        title = re.search(r'title="(.+?)"', found[2])
        if title:
            Path(title[1]).write_text(found[3], encoding="utf-8")
        for step in re.split(r"^\$ ", found[3], flags=re.MULTILINE)[1:] if found[1] == "console" else ():
            line, _, expected = step.partition("\n")
            result = CliRunner().invoke(app, shlex.split(line)[1:])
            assert result.exit_code == 0, line
            want = expected.replace("\n...\n", "\n...").strip()
            assert doctest.OutputChecker().check_output(want, result.stdout.strip(), FORMS), f"{line}\n{result.stdout}"
            ran += 1
    assert ran == 6


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does, where every warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_study_key_command_table_and_name_has_its_place(site: Path) -> None:
    study = (site / "reference" / "study.html").read_text("utf-8")
    for key in ("name", "travel.walk.speed_kmh", "choose.sites", "scenarios.NAME.set", "robustness.seed"):
        assert f"<code>{key}</code>" in study
    page = (site / "reference" / "commands.html").read_text("utf-8")
    known: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in known.items():
        assert f"siteplan {name}" in page
        assert all(option in page for each in command.params for option in each.opts if option.startswith("--"))
    tables = (site / "reference" / "tables.html").read_text("utf-8")
    for table, column in table_rows():
        assert table.file in tables
        assert column is None or f"<code>{escape(column.name, quote=False)}</code>" in tables
    names = "".join(path.read_text("utf-8") for path in (site / "reference" / "python").glob("*.html"))
    lacking = [name for name in siteplan.__all__ if not re.search(rf'id="siteplan\.[\w.]+\.{name}"', names)]
    assert lacking == []


def test_pages_ask_no_other_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        asked = re.findall(r'<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)="(?:https?:)?//[^"]*"', text)
        assert asked == [], page.name
    for sheet in site.rglob("*.css"):
        assert not re.findall(r"url\([\"']?(?:https?:)?//", sheet.read_text("utf-8")), sheet.name


def test_links_to_files_of_the_project_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
            made = target.startswith(("reference/", "../reference/")) or target == "changelog.md"
            assert made or (page.parent / target).exists(), f"{page.name}: {target}"


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_notebooks_are_committed_without_where_and_when_they_ran(path: Path) -> None:
    assert tidy(path.read_text(encoding="utf-8")) == path.read_text(encoding="utf-8")
