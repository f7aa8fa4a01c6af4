"""The public names: on one screen, sorted, loaded when first used, hidden by no module."""

import ast
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import siteplan
import siteplan.study
from siteplan.errors import (
    FetchError,
    InputError,
    NetworkError,
    SiteplanError,
    SiteplanWarning,
    StudyError,
    WorkerError,
)


def test_names_are_sorted_and_there() -> None:
    assert siteplan.__all__ == dir(siteplan) == sorted(set(siteplan.__all__))
    assert {"WALK", "Study", "run", "write_sample"} <= set(siteplan.__all__)
    for name in siteplan.__all__:
        assert getattr(siteplan, name).__doc__, name


def test_no_name_is_also_a_module() -> None:
    modules = {module.name for module in pkgutil.iter_modules(siteplan.__path__)}
    assert {"cli", "times", "study"} <= modules
    assert not set(siteplan.__all__) & modules
    assert not set(siteplan.study.__all__) & {module.name for module in pkgutil.iter_modules(siteplan.study.__path__)}


def test_every_function_is_documented_with_what_it_returns() -> None:
    for name in siteplan.__all__:
        thing = getattr(siteplan, name)
        if inspect.isfunction(thing) and inspect.signature(thing).return_annotation is not None:
            assert "Returns" in inspect.getdoc(thing) or "return" in inspect.getdoc(thing).splitlines()[0].lower(), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="siteplan attribute reech"):
        _ = siteplan.reech


def test_import_costs_nothing_until_a_name_is_used() -> None:
    code = (
        "import sys, siteplan\n"
        "assert 'numpy' not in sys.modules\n"
        "siteplan.WALK\n"
        "assert 'pydantic' in sys.modules and 'geopandas' not in sys.modules\n"
        "siteplan.run, siteplan.read_streets\n"
        "assert 'geopandas' in sys.modules and 'osmnx' not in sys.modules and 'folium' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_errors_make_one_tree() -> None:
    assert {FetchError, InputError, NetworkError, StudyError, WorkerError} == set(SiteplanError.__subclasses__())
    assert issubclass(SiteplanWarning, UserWarning)
    assert issubclass(InputError, ValueError)


def test_no_function_takes_more_than_ten_things_or_more_than_four_by_position() -> None:
    """But for kernels, whose compiler knows no keywords, and commands, whose options a person types by name."""
    many = []
    for path in sorted(Path(siteplan.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                args, how = node.args, " ".join(map(ast.unparse, node.decorator_list))
                if "kernel" in how or "app.command" in how:
                    continue
                asked = [each.arg for each in (*args.posonlyargs, *args.args) if each.arg not in ("self", "cls")]
                if len(asked) > 4 or len(asked) + len(args.kwonlyargs) > 10:
                    many.append(f"{path.name}: {node.name}")
    assert many == []
