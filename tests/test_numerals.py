"""Numbers as people write them: a column is read one way, or refused with both."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siteplan.errors import InputError, SiteplanWarning
from siteplan.inputs.files import read_places
from siteplan.inputs.numerals import decimal_mark, known_mark
from siteplan.inputs.values import numbers

COLUMNS = {
    ("1.234", "0.5"): ".",
    ("1.234", "1,5"): ",",
    ("1,234", "0.5"): ".",
    ("1,234.5",): ".",
    ("1.234,5",): ",",
    ("1.234.567", "950"): ",",
    ("1,234,567", "950"): ".",
    ("1.234", "1500"): ".",  # who marks thousands marks them all
    ("1,234", "1500"): ",",
    ("12,5", "950"): ",",
    ("950", "12"): ".",
    ("1.5e3", "2"): ".",
    ("0.123", "4.567"): ".",
    ("9e18", "3"): ".",  # no mark at all
    ("x", "1,5"): ",",
    # Two readings.
    ("1.234", "950"): None,
    ("1,234", "950"): None,
    ("1.234", "2.345"): None,
}


@pytest.mark.parametrize(("texts", "mark"), COLUMNS.items())
def test_the_mark_of_a_column(texts: tuple[str, ...], mark: str | None) -> None:
    assert decimal_mark(texts) == decimal_mark(texts[::-1]) == mark


def test_other_columns_decide_what_is_in_doubt() -> None:
    assert decimal_mark(["1.234", "950"], ",") == decimal_mark(["1.234", "2.345"], ",") == ","
    assert decimal_mark(["1,234", "950"], ".") == "."
    assert decimal_mark(["1.234", "2.345"], ".") == "."  # three decimals in each
    assert decimal_mark(["1.234", "950"], ".") is None  # three decimals or none: no table is written so
    assert known_mark([["a", "950"], ["3,25", "46,5"], ["1.234"]]) == ","
    assert known_mark([["3,25"], ["46.5"]]) is known_mark([["1.234", "950"]]) is None


@given(
    st.lists(st.decimals(0, 10**9, places=2), min_size=1),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("\u202f", ","), ("'", "."), ("", "."), ("", ",")]),
)
def test_numbers_written_alike_come_back(values: list[float], marks: tuple[str, str]) -> None:
    thousands, point = marks
    swap = {",": thousands, ".": point}
    texts = [re.sub("[,.]", lambda found: swap[found[0]], f"{value:,.2f}") for value in values]
    with pytest.warns(SiteplanWarning) if any(map(re.compile(r"\d[.,]\d{3}\D").search, texts)) else nothing():
        read = numbers(pd.Series(texts, name="people"), "p.csv")
    np.testing.assert_array_equal(read, [float(value) for value in values])


class nothing:  # noqa: N801 - stands where a context is asked for
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def read(folder: Path, sep: str, *rows: str) -> pd.Series:
    (folder / "p.csv").write_text("\n".join(["lon;lat;people", *rows]).replace(";", sep), encoding="utf-8")
    table = read_places(folder / "p.csv")
    return pd.Series(numbers(table["people"], "p.csv"))


def test_a_spreadsheet_with_decimal_commas_has_dots_between_thousands(tmp_path: Path) -> None:
    with pytest.warns(SiteplanWarning, match=r"p\.csv: column 'people' has '\.' between thousands: '1\.234' is 1,234"):
        assert read(tmp_path, ";", "3,31;46,4;1.234", "3,32;46,4;950", "3,33;46,4;").tolist()[:2] == [1234, 950]


def test_what_can_be_read_in_two_ways_is_refused_with_both(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"column 'people' can be read in two ways: '1\.234' is 1\.234 or 1,234"):
        read(tmp_path, ";", "3;46;1.234", "3;46;950")
    with pytest.raises(InputError, match="in two ways"):
        read(tmp_path, ",", "3.31;46.4;1.234", "3.31;46.4;950")


def test_coordinates_are_never_thousands(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("lon,lat,people\n3.311,46.401,1\n3,46,2\n")
    assert read_places(tmp_path / "p.csv").geometry.x.tolist() == [3.311, 3.0]


def test_a_list_in_a_cell_is_no_number() -> None:
    with pytest.raises(InputError, match=r"feature 2, column 'people': found \[1, 2\], expected a number"):
        numbers(pd.Series([3.0, [1, 2]], name="people"), "p.parquet")
