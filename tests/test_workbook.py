"""The tables as sheets of a workbook: the same values as the CSV files, units, texts that stay texts."""

import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from siteplan.catalogue import TABLES
from siteplan.cli import app
from siteplan.errors import SiteplanWarning
from siteplan.output.result import Result
from siteplan.output.workbook import write_workbook
from siteplan.study import run
from tests.town import write_town

WILD = ["=1+1", "+33 1", "-2", "@x", "#N/A", "\tx", "Médiathèque", "'=1", "12", "TRUE"]


def sheet_of(path: Path, name: str) -> list[list[object]]:
    return [list(row) for row in openpyxl.load_workbook(path)[name].iter_rows(values_only=True)]


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_a_run_writes_its_tables_as_sheets_with_units(tmp_path: Path) -> None:
    study = write_town(tmp_path)
    study.write_text(study.read_text() + "currency: €\noutput: {tables: xlsx}\nchoose: {sites: 1}\n")
    result = run(study)
    assert result.folder is not None
    assert "tables.xlsx" in result.files
    book = openpyxl.load_workbook(result.folder / "tables.xlsx")
    kept = {name for name in result.tables if not TABLES[name].file.endswith(".parquet")}
    assert book.sheetnames == [name for name in TABLES if name in kept]
    for name in book.sheetnames:
        names, units, *rows = sheet_of(result.folder / "tables.xlsx", name)
        plain = pd.read_csv(result.folder / TABLES[name].file, dtype=object, keep_default_na=False)
        assert names == list(plain.columns)
        assert len(units) == len(names)
        shown = [["" if value is None else str(value) for value in row] for row in rows]
        assert shown == [[each.removesuffix(".0") for each in row] for row in plain.to_numpy().tolist()]
    told = dict(zip(*sheet_of(result.folder / "tables.xlsx", "scores")[:2], strict=True))
    assert (told["site"], told["cost"], told["capacity"], told["people_walk_5.5"]) == (None, "€", "desks", "people")
    run(study, out=tmp_path / "again")
    Result.load(result.folder).save(tmp_path / "read")
    for name in ("again", "read"):
        assert (tmp_path / name / "tables.xlsx").read_bytes() == (result.folder / "tables.xlsx").read_bytes()
    study.write_text(study.read_text().replace("xlsx", "csv"))
    assert "tables.xlsx" not in run(study).files
    assert not (result.folder / "tables.xlsx").exists()


def test_no_time_of_writing_is_kept(tmp_path: Path) -> None:
    write_workbook({"stops": pd.DataFrame({"site": ["A"]})}, tmp_path / "t.xlsx")
    with zipfile.ZipFile(tmp_path / "t.xlsx") as archive:
        assert {each.date_time for each in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert archive.read("docProps/core.xml").count(b"2000-01-01T00:00:00Z") == 2


def test_a_text_stays_a_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"site": range(len(WILD)), "name": WILD, "=a": 1})
    write_workbook({"stops": table}, tmp_path / "t.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "t.xlsx")["stops"]
    cells = [row[1] for row in sheet.iter_rows(min_row=3)]
    assert [cell.value for cell in cells] == WILD
    assert {cell.data_type for cell in [*cells, sheet["C1"]]} == {"s"}
    # What Excel would run once somebody edits the cell is marked as text for that, too.
    assert [cell.value for cell in cells if cell.quotePrefix] == ["=1+1", "+33 1", "-2", "@x", "\tx", "'=1"]
    assert sheet["A3"].data_type == "n"


def test_a_whole_number_keeps_every_digit(tmp_path: Path) -> None:
    """A spreadsheet has fifteen digits of a number, so a longer one is a text."""
    numbers = [5, 10**15 - 1, 10**15, -(10**18) - 1]
    write_workbook({"stops": pd.DataFrame({"stop": numbers})}, tmp_path / "t.xlsx")
    cells = [row[0] for row in openpyxl.load_workbook(tmp_path / "t.xlsx")["stops"].iter_rows(min_row=3)]
    assert [str(cell.value) for cell in cells] == list(map(str, numbers))
    assert [cell.data_type for cell in cells] == ["n", "n", "s", "s"]


def test_texts_that_no_cell_holds_are_counted(tmp_path: Path) -> None:
    table = pd.DataFrame({"site": ["a\x07b", "c" * 40_000, "d"]})
    with pytest.warns(SiteplanWarning, match=r"t\.xlsx: 2 texts that no cell holds as they are"):
        write_workbook({"stops": table}, tmp_path / "t.xlsx")
    assert [row[0] for row in sheet_of(tmp_path / "t.xlsx", "stops")][2:] == ["a\ufffdb", "c" * 32_766 + "…", "d"]


def test_a_table_larger_than_a_sheet_is_left_out_and_said(tmp_path: Path) -> None:
    wide = pd.DataFrame(0.0, index=range(1), columns=range(16_385))
    with pytest.warns(SiteplanWarning, match=r"t\.xlsx: overlap\.csv: more rows or columns than a sheet holds"):
        write_workbook({"overlap": wide, "stops": pd.DataFrame({"site": ["A"]})}, tmp_path / "t.xlsx")
    assert openpyxl.load_workbook(tmp_path / "t.xlsx").sheetnames == ["stops"]


def test_choose_writes_a_workbook_into_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = write_town(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = ["choose", str(study), "-p", "1", "-o", "chosen"]
    assert CliRunner().invoke(app, [*words, "--set", "output.tables=xlsx"]).exit_code == 0
    names = [path.stem for path in Path("chosen").glob("*.csv")]
    assert sorted(openpyxl.load_workbook("chosen/tables.xlsx").sheetnames) == sorted(names)
    done = CliRunner().invoke(app, words)  # which writes none, and the old one would be of another choice
    assert "chosen: holds tables.xlsx of something else" in done.stderr
