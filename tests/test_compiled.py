"""Compiled kernels are kept for every install that has the same, and never taken for what they are not."""

import ast
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from siteplan.analysis import bookings
from siteplan.compiled import Kernel, folder_of_kernels, inner_kernel, kernel
from siteplan.routing import arrivals, batches, budget, journeys, streets, surfaces, transit
from siteplan.siting import anneal, demands, fewest, interchange, kernels, relaxation

ROOT = Path(__file__).parent.parent
MODULES = (anneal, arrivals, batches, bookings, budget, demands, fewest, interchange, journeys, kernels, relaxation,
           streets, surfaces, transit)  # fmt: skip

INNER = """
from siteplan.compiled import inner_kernel
STEP = 2
@inner_kernel
def raised(value):
    return value + STEP
"""
OUTER = """
import numpy as np
from siteplan.compiled import kernel
from inner import raised
@kernel
def total(values):
    found = 0
    for value in values:
        found += raised(value)
    return found
"""
RUN = """
import sys
import numpy as np
from outer import total
given = np.arange(4, dtype=sys.argv[1])
print(total(given), sum(total.dispatcher.stats.cache_misses.values()), total.source)
"""


def run(folder, cache, kind="int64", **environment):
    """Sum in a process of its own; return the sum, how many signatures it had to compile, and the kernel's digest."""
    paths = os.pathsep.join([str(folder), str(ROOT)])
    given = {**os.environ, "PYTHONPATH": paths, "NUMBA_CACHE_DIR": str(cache), **environment}
    done = subprocess.run([sys.executable, "-c", RUN, kind], env=given, capture_output=True, text=True, check=True)
    total, compiled, source = done.stdout.split()
    return int(float(total)), int(compiled), source


def read_anew(folder, cache, kind="int64"):
    """Sum as `run` does, without the second that a process takes: both modules and their kernels are read anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(cache))
        patch.syspath_prepend(folder)
        for name in ("inner", "outer"):
            sys.modules.pop(name, None)
        total = importlib.import_module("outer").total
        found = total(np.arange(4, dtype=kind))
        for name in ("inner", "outer"):
            del sys.modules[name]
    return int(found), sum(total.dispatcher.stats.cache_misses.values()), total.source


def written(folder, inner=INNER, outer=OUTER):
    folder.mkdir()
    (folder / "inner.py").write_text(inner)
    (folder / "outer.py").write_text(outer)
    return folder


def test_another_checkout_takes_what_the_first_compiled(tmp_path):
    """0 + 1 + 2 + 3, each raised by 2, is 14; comments, lines and folders do not count."""
    total, compiled, source = run(written(tmp_path / "one"), tmp_path / "kept")
    assert (total, compiled) == (14, 1)
    moved = written(tmp_path / "two", f"# moved down\n\n{INNER}", f"# moved\n{OUTER}")
    assert run(moved, tmp_path / "kept") == (14, 0, source)
    assert run(moved, tmp_path / "kept", "int32")[:2] == (14, 1), "another signature is another file"


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        pytest.param(INNER.replace("STEP = 2", "STEP = 3"), 18, id="the value of a name in another file"),
        pytest.param(INNER.replace("value + STEP", "value * STEP"), 12, id="the text of a kernel that it calls"),
        pytest.param(INNER.replace("value + STEP", "value + 5"), 26, id="a constant of a kernel that it calls"),
    ],
)
def test_changed_source_is_compiled_anew(tmp_path, inner, expected):
    """What decides lies in the file of the kernel that is called: Numba's own cache would not look there."""
    source = read_anew(written(tmp_path / "before"), tmp_path / "kept")[2]
    total, compiled, changed = read_anew(written(tmp_path / "after", inner), tmp_path / "kept")
    assert (total, compiled) == (expected, 1)
    assert changed != source
    assert read_anew(tmp_path / "before", tmp_path / "kept")[:2] == (14, 0), "and what was there before is still there"


def test_spoilt_and_forbidden_files_are_compiled_again(tmp_path):
    place, kept = written(tmp_path / "one"), tmp_path / "kept"
    read_anew(place, kept)
    for cut in (0, 10, 500):
        for file in kept.glob("total-*.kernel"):
            file.write_bytes(file.read_bytes()[:cut])
        assert read_anew(place, kept)[:2] == (14, 1)
        assert read_anew(place, kept)[:2] == (14, 0)
    (tmp_path / "file").touch()
    assert read_anew(place, tmp_path / "file")[:2] == (14, 1), "no folder can be made there: nothing is kept"
    assert not [*kept.glob("*.part")]


def test_processes_at_once_keep_each_its_own(tmp_path):
    """Two signatures, two processes each: none may read what was compiled for the other."""
    place, kept = written(tmp_path / "one"), tmp_path / "kept"
    with ThreadPoolExecutor(4) as pool:
        totals = [*pool.map(lambda kind: run(place, kept, kind)[0], ["int64", "float32"] * 2)]
    assert totals == [14] * 4
    assert read_anew(place, kept)[:2] == read_anew(place, kept, "float32")[:2] == (14, 0)


def test_what_nobody_has_written_for_half_a_year_goes(tmp_path):
    place, kept = written(tmp_path / "one"), tmp_path / "kept"
    kept.mkdir()
    for name, days in (("old-1.kernel", 200), ("torn.part", 200), ("young-1.kernel", 100), ("mine.txt", 900)):
        (kept / name).touch()
        then = time.time() - days * 86_400
        os.utime(kept / name, (then, then))
    read_anew(place, kept)
    left = {file.name for file in kept.iterdir() if not file.name.startswith(("total", "raised"))}
    assert left == {"young-1.kernel", "mine.txt"}


def test_without_compiling_the_same_comes_out(tmp_path):
    """The slow twin of any kernel is its own text, which Numba runs as it is where it is told so."""
    place = written(tmp_path / "one")
    script = "import numpy as np; from outer import total; print(total(np.arange(4)))"
    given = {**os.environ, "PYTHONPATH": os.pathsep.join([str(place), str(ROOT)]), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=True)
    assert done.stdout == "14\n"


def test_every_kernel_has_a_digest_that_a_copy_shares(tmp_path):
    """The same text in another folder is the same kernel; and no two kernels are one."""
    found = {f"{module.__name__}.{name}": each for module in MODULES for name, each in vars(module).items()
             if isinstance(each, Kernel) and each.function.__module__ == module.__name__}  # fmt: skip
    assert len(found) > 35
    assert len({each.source for each in found.values()}) == len(found)
    copy = shutil.copy(demands.__file__, tmp_path / "demands.py")
    spec = importlib.util.spec_from_file_location("copy_of_demands", copy)
    module = importlib.util.module_from_spec(spec)
    sys.modules["copy_of_demands"] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["copy_of_demands"]
    for name in ("merge", "nearest", "tidy"):
        assert getattr(module, name).source == getattr(demands, name).source


def test_a_kernel_that_nothing_can_tell_apart_is_refused():
    """What is neither a number nor a kernel may change without the digest: better to fail in the tests."""
    factor = 3

    def scaled(values):
        return values * factor

    with pytest.raises(TypeError, match="nothing else"):
        _ = kernel(scaled).source
    with pytest.raises(TypeError, match="cannot be told apart"):
        _ = kernel(_odd).source


THINGS = {"a": np.zeros(3)}


def _odd(values):
    return values + len(THINGS)


def test_kernels_are_kept_where_the_user_says_or_the_system_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert folder_of_kernels() == tmp_path
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    if sys.platform == "linux":
        assert folder_of_kernels() == tmp_path / "home" / "siteplan" / "kernels"


@inner_kernel
def one_more(count, by):
    return count + by[0]


@kernel
def counted(values):
    count = 0
    for _ in values:
        count = one_more(count, (1, 2))
    return count


def test_what_is_counted_up_from_zero_is_compiled_once(monkeypatch, tmp_path):
    """Else Numba compiles for the number 0 first, and then for whole numbers."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert counted(np.arange(3)) == 3
    assert len(one_more.signatures) == 1


def test_no_kernel_assigns_an_array_to_a_part_of_another():
    """Numba then compiles the sentence for lengths that differ, and all of its text: two seconds, for ten kernels."""
    kernels = [
        (path, function)
        for path in sorted((ROOT / "siteplan").rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef)
        and {"kernel", "inner_kernel"} & {getattr(by, "id", "") for by in function.decorator_list}
    ]
    assert len(kernels) > 50
    assigned = [
        f"{path.name}: {ast.unparse(each)}"
        for path, function in kernels
        for each in ast.walk(function)
        if (isinstance(each, ast.Call) and ast.unparse(each.func) == "slice")
        or (
            isinstance(each, ast.Assign)
            and any(isinstance(part, ast.Slice) for target in each.targets for part in ast.walk(target))
            and not all(isinstance(part, ast.Constant | ast.Tuple | ast.Load) for part in ast.walk(each.value))
        )
    ]
    assert assigned == []
