"""The times of many sites, searched, kept and counted tile by tile: the bytes of all at once, and no search twice."""

import gc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from siteplan.errors import KeptWarning, SiteplanWarning, StudyError
from siteplan.output.result import Result
from siteplan.study import choose, read_study, run, score, travel
from siteplan.study.cache import Cache
from siteplan.study.load import load
from siteplan.workers import Workers
from tests.town import BY_BUS, NORTH, STUDY, lon, write_bus, write_town

MANY = 36  # sites
PUBLICS = "  publics: {cycling: {share: 0.4}, others: {share: 0.6, modes: [walk]}}\n"
KINDS = {
    "on foot and by bicycle": STUDY,
    "publics": STUDY.replace(
        "travel: {modes: [walk, bike], minutes: [5.5]}",
        f"travel:\n  modes: [walk, bike]\n  minutes: [3, 5.5]\n{PUBLICS}",
    ),
    "limits by mode": STUDY.replace("minutes: [5.5]", "minutes: {walk: [5.5], bike: [1, 2]}"),
    "metres": STUDY.replace("minutes: [5.5]", "metres: [300, 600]"),
    "by bus": BY_BUS,
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a town with many sites in no order, one of which is too far from the street to be reached."""
    monkeypatch.chdir(tmp_path)
    write_bus(tmp_path)
    at = np.random.default_rng(7).permutation(MANY) * 10 / MANY
    places = [f"{lon(x)},{NORTH}" for x in at[:-1]] + [f"{lon(5)},{NORTH + 0.012}"]
    status = ["existing", "candidate", "candidate", "required", "excluded"]
    rows = [f"S{k:02},Place {k},{status[k % 5]},{place}" for k, place in enumerate(places)]
    sites = "\n".join(["site,name,status,lon,lat", *rows]) + "\n"
    return lambda study: write_town(tmp_path, sites=sites, study=study)


def cut_into(tiles: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have so many tiles made of the sites that are used, and isochrones drawn of five at a time."""
    used = MANY - MANY // 5
    monkeypatch.setattr(travel, "ALONE", 0)
    monkeypatch.setattr(travel, "LARGE", 0)
    monkeypatch.setattr(travel, "DRAWN", 5)
    monkeypatch.setattr(travel, "TILE", next(size for size in range(1, used + 1) if -(-used // size) <= tiles))


def quietly(do: Callable[..., Result], *args: Any, **options: Any) -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        return do(*args, **options)


def files(result: Result) -> dict[str, bytes]:
    assert result.folder is not None
    return contents(result.folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("[!.]*")
        if path.is_file() and ".cache" not in path.parts
    }


@pytest.mark.parametrize("kind", KINDS)
def test_scores_by_tiles_are_those_of_all_sites_at_once(
    kind: str, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write(KINDS[kind])
    whole = quietly(score, study)
    for tiles in (1, 4, 9):
        cut_into(tiles, monkeypatch)
        found = quietly(score, study)
        assert list(found.tables) == list(whole.tables)
        assert found.modes == whole.modes
        for name, table in whole.tables.items():
            pd.testing.assert_frame_equal(found.tables[name], table, check_exact=True, obj=f"{name} of {tiles} tiles")
        pd.testing.assert_frame_equal(found.cells, whole.cells, check_exact=True)
        assert found.manifest == whole.manifest


def test_scores_do_not_ask_for_all_times(write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    study = write(STUDY)
    cut_into(4, monkeypatch)
    monkeypatch.setattr(travel.TiledTimes, "whole", lambda _: pytest.fail("all times at once"))
    monkeypatch.setattr("siteplan.reachable.Reach.whole", property(one_tile))
    found = quietly(score, study, out="scores.csv")
    assert found.modes == ["walk", "bike", "best"]
    assert {"times", "overlap"} <= {*found.tables}


@pytest.mark.parametrize("kind", KINDS)
def test_a_choice_by_tiles_is_that_of_all_sites_at_once(
    kind: str, write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write(KINDS[kind] + "choose: {sites: 20}\n")
    quietly(choose, study, out="whole")
    for tiles in (4, 9):
        cut_into(tiles, monkeypatch)
        with monkeypatch.context() as patched:
            patched.setattr("siteplan.reachable.Reach.whole", property(one_tile))
            quietly(choose, study, out=f"cut{tiles}")
        assert contents(Path(f"cut{tiles}")) == contents(Path("whole"))


def test_the_files_of_scores_go_with_them(
    write: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write(STUDY)
    cut_into(4, monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = quietly(score, study)
    assert len(list(tmp_path.glob("siteplan-*"))) == 1
    del found
    gc.collect()
    assert not list(tmp_path.glob("siteplan-*"))


def one_tile(reach: Any) -> Any:
    (tile,) = reach.tiles
    return tile()


@pytest.fixture
def town(write: Callable[[str], Path]) -> Path:
    return write(STUDY + "choose: {sites: 20}\n")


@pytest.fixture
def expected(town: Path) -> dict[str, bytes]:
    """The files of a run of all sites at once."""
    return files(quietly(run, town, out="whole"))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The modes and tiles that are searched."""
    found: list[tuple[str, int]] = []
    search = travel.times_by_tile

    def counted(*args: Any, **options: Any) -> None:
        found.extend((args[3].name, int(at)) for at in np.unique(options["tile"]) if at >= 0)
        search(*args, **options)

    monkeypatch.setattr(travel, "times_by_tile", counted)
    return found


@pytest.mark.parametrize("tiles", [1, 4, 9])
def test_a_run_by_tiles_leaves_the_same_bytes(
    tiles: int, town: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without all pairs at once."""
    cut_into(tiles, monkeypatch)
    monkeypatch.setattr("siteplan.reachable.Reach.whole", property(one_tile))
    assert files(quietly(run, town, out=f"cut{tiles}")) == expected


def test_scenarios_and_publics_by_tiles_leave_the_same_bytes(
    write: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    study = write(KINDS["publics"] + "choose: {sites: 20}\nscenarios: {less: {sites: [{close: S00}]}}\n")
    expected = files(quietly(run, study, out="whole"))
    assert "scenarios/less/scores.csv" in expected
    cut_into(4, monkeypatch)
    assert files(quietly(run, study, out="cut")) == expected


def test_an_interruption_leaves_tiles_that_are_not_searched_again(
    town: Path, expected: dict[str, bytes], searched: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_into(9, monkeypatch)
    keep, kept = Cache.keep, []

    def stop(cache: Cache, name: str, table: pd.DataFrame) -> None:
        if len(kept) == 12:
            raise KeyboardInterrupt
        keep(cache, name, table)
        kept.append((name.split("_")[1], int(name.split("_")[-1].split("of")[0]) - 1))

    with monkeypatch.context() as patched:
        patched.setattr(Cache, "keep", stop)
        with pytest.raises(KeyboardInterrupt):
            quietly(run, town, out="cut")
    assert {mode for mode, _ in kept} == {"walk", "bike"}
    count = len({at for mode, at in kept if mode == "walk"})
    searched.clear()
    assert files(quietly(run, town, out="cut")) == expected
    assert sorted(searched + kept) == sorted((mode, at) for mode in ("walk", "bike") for at in range(count))


def test_a_spoilt_tile_is_searched_anew_and_no_other(
    town: Path, expected: dict[str, bytes], searched: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_into(9, monkeypatch)
    quietly(run, town, out="cut")
    (part,) = Path("cut/.cache").glob("times_bike_*_3of*")
    part.write_bytes(part.read_bytes()[:-1])
    (Path("cut") / "manifest.json").unlink()
    searched.clear()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert files(run(town, out="cut")) == expected
    assert [each.category for each in said].count(KeptWarning) == 1
    assert searched == [("bike", 2)]


def test_tiles_that_are_spoilt_while_they_are_read_are_one_clear_error(
    town: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cut_into(4, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        study = read_study(town)
        cache = Cache(tmp_path / "kept")
        times = travel.tiled_times(study, load(study), cache, travel.Means())
        next((tmp_path / "kept").iterdir()).unlink()
        with pytest.raises(StudyError, match="were changed while they were in use; begin again"):
            times.whole()


def test_a_worker_that_is_killed_changes_no_byte(
    town: Path, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    cut_into(9, monkeypatch)
    killed = []

    def kill(stage: str, done: int, _: int) -> None:
        if stage == "walk" and done and not killed:
            killed.extend(worker.process for worker in pool._all if worker.process)
            killed[0].kill()

    with Workers(2) as pool:
        assert files(quietly(run, town, out="cut", executor=pool, progress=kill)) == expected
    assert killed


def test_tiles_are_as_large_as_they_may_be_and_hold_neighbours(town: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SiteplanWarning)
        sites = load(read_study(town)).sites
    tile = travel.tiles_of(sites, 5)
    assert np.bincount(tile).max() == 5
    assert len(np.bincount(tile)) == -(-len(sites) // 5)
    shuffled = sites.sample(frac=1, random_state=3)
    assert pd.Series(travel.tiles_of(shuffled, 5), shuffled.index).equals(pd.Series(tile, sites.index)[shuffled.index])
