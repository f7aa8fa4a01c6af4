"""A second run of an unchanged study reads its results; whatever was touched, they are computed again."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from siteplan.errors import SiteplanWarning
from siteplan.study import cache, searched
from siteplan.study.reading import read_study
from siteplan.study.stages import run
from siteplan.study.unchanged import mark_of
from tests.town import write_town

pytestmark = pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")  # the town ends at its sites


class ReadError(Exception):
    """Inputs are read."""


def refuse(*_: object, **__: object) -> None:
    raise ReadError


def append(path: Path, text: str = "\n") -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_nothing_is_read_or_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = write_town(tmp_path)
    first = run(study)
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}
    monkeypatch.setattr(searched, "load", refuse)
    told = []
    with pytest.warns(SiteplanWarning, match=r"^streets\.osm: its streets cover 0%"):
        again = run(study, progress=lambda stage, *_: told.append(stage))
    assert told == ["nothing has changed"]
    assert {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")} == before
    assert again.manifest == first.manifest
    pd.testing.assert_frame_equal(again.scores, first.scores, check_dtype=False, check_index_type=False)
    assert again.files == first.files


@pytest.mark.parametrize(
    "touch",
    [
        lambda folder: append(folder / "results" / "scores.csv"),
        lambda folder: append(folder / "results" / "manifest.json"),
        lambda folder: (folder / "results" / "map.html").unlink(),
        lambda folder: (folder / "results" / ".cache" / "results_mark").unlink(),
        lambda folder: (folder / "results" / ".cache" / "results_mark").write_text("a b"),
        lambda folder: append(folder / "sites.csv", "\n\n"),
        lambda folder: append(folder / "study.yaml", "score: {weights: {people_walk_5.5: 1}}\n"),
    ],
    ids=["a table", "the manifest", "no map", "no mark", "another mark", "an input", "the study"],
)
def test_what_was_touched_is_computed(
    touch: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write_town(tmp_path)
    run(study)
    touch(tmp_path)
    monkeypatch.setattr(searched, "load", refuse)
    with pytest.raises(ReadError):
        run(study)


def test_what_a_mark_hangs_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = read_study(write_town(tmp_path))
    mark = mark_of(study)
    assert (
        mark_of(study.model_copy(update={"output": study.output.model_copy(update={"folder": tmp_path / "else"})}))
        == mark
    )
    (tmp_path / "sites.dbf").write_bytes(b"the table of a Shapefile")
    beside = mark_of(study)
    assert beside != mark
    (tmp_path / "more.csv").write_bytes((tmp_path / "sites.csv").read_bytes())
    other = study.with_scenarios({"other sites": {"set": {"inputs.sites": str(tmp_path / "more.csv")}}})
    asked = mark_of(other)
    append(tmp_path / "more.csv", "\n\n")
    assert mark_of(other) != asked
    monkeypatch.setattr(cache, "_made_by", lambda: "another siteplan")
    assert mark_of(study) != beside
