"""What is kept of a search is believed only as it was written; all else is computed again, and said once."""

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from siteplan.errors import KeptWarning
from siteplan.study.cache import Cache

TABLE = pd.DataFrame({"site": ["A", "B"], "minutes": [1.5, 2.5]})
OTHER = TABLE.assign(minutes=[9.0, 9.0])


def kept(folder: Path, name: str = "times_walk_1", table: pd.DataFrame = TABLE) -> tuple[pd.DataFrame, bool, list[str]]:
    """Ask the cache for a table; give it, whether it was computed, and what was said."""
    made = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = Cache(folder).table(name, lambda: made.append(1) or table, pd.read_parquet)
    assert all(each.category is KeptWarning for each in said)
    return found, bool(made), [str(each.message) for each in said]


def entry(folder: Path) -> Path:
    """Keep a table, and say where."""
    kept(folder)
    (path,) = folder.iterdir()
    return path


class MadeError(Exception):
    """The table is computed."""


def assert_computed(folder: Path, place: object) -> None:
    """Assert that the table is computed, without keeping it."""

    def make() -> pd.DataFrame:
        raise MadeError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KeptWarning)
        try:
            Cache(folder).table("times_walk_1", make, pd.read_parquet)
        except MadeError:
            return
    pytest.fail(f"believed though spoilt at {place}")


def assert_made_again(folder: Path) -> None:
    found, computed, said = kept(folder)
    pd.testing.assert_frame_equal(found, TABLE)
    assert computed
    assert said == [f"{folder}: holds a table that is not as it was written; it was computed again"]
    assert kept(folder)[1:] == (False, [])  # and is whole from then on


def test_what_is_whole_is_not_computed_again(tmp_path: Path) -> None:
    assert kept(tmp_path)[1:] == (True, [])
    found, computed, said = kept(tmp_path, table=OTHER)
    assert (computed, said) == (False, [])
    pd.testing.assert_frame_equal(found, TABLE)


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = entry(tmp_path)
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << at % 8)]) + whole[at + 1 :])
        assert_computed(tmp_path, at)
    path.write_bytes(whole)
    assert not kept(tmp_path)[1]
    print(f"flipped bytes: {len(whole):,} injected, {len(whole):,} noticed")


def test_every_length_cut_short_or_grown_is_noticed(tmp_path: Path) -> None:
    path = entry(tmp_path)
    whole = path.read_bytes()
    for text in (*(whole[:at] for at in range(len(whole))), whole + b"\0", whole + whole, b"\0" * len(whole)):
        path.write_bytes(text)
        assert_computed(tmp_path, len(text))
    path.write_bytes(whole)
    assert not kept(tmp_path)[1]


def test_a_table_under_another_name_is_not_believed(tmp_path: Path) -> None:
    one = entry(tmp_path)
    kept(tmp_path, "times_walk_2", OTHER)
    (other,) = set(tmp_path.iterdir()) - {one}
    one.write_bytes(other.read_bytes())
    assert_made_again(tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: TABLE.iloc[:1].to_parquet(path),  # a whole table of half the rows
        lambda path: path.write_bytes(path.read_bytes()[32:]),
        lambda path: (path.unlink(), path.mkdir(), (path / "file").write_text("in the way")),
        lambda path: (path.unlink(), path.symlink_to("nowhere")),
    ],
)
def test_what_is_no_entry_is_replaced(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    spoil(entry(tmp_path))
    assert_made_again(tmp_path)


def test_a_table_that_its_reader_refuses_is_computed_again(tmp_path: Path) -> None:
    entry(tmp_path)

    def refuse(file: io.BytesIO) -> pd.DataFrame:
        raise KeyError("an older layout")

    with pytest.warns(KeptWarning, match="it was computed again"):
        pd.testing.assert_frame_equal(Cache(tmp_path).table("times_walk_1", lambda: TABLE, refuse), TABLE)


def test_several_damaged_entries_are_one_sentence(tmp_path: Path) -> None:
    said = []
    for name in ("times_walk_1", "times_bike_1"):
        kept(tmp_path, name)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    for name in ("times_walk_1", "times_bike_1"):
        said += kept(tmp_path, name)[2]
    assert len(said) == 2
    assert len(set(said)) == 1  # a run says each sentence once
