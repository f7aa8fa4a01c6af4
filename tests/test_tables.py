"""Results appear whole or not at all, are read as meant, and are the same bytes twice."""

import io
import json
import re
import sqlite3

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, box

from siteplan.catalogue import LAYERS as DECLARED
from siteplan.catalogue import TABLES, Column, Table
from siteplan.errors import StudyError
from siteplan.inputs.spreadsheet import guarded, unguarded, unguarded_table
from siteplan.output.captions import column_caption, title
from siteplan.output.files import results_folder, whole_file
from siteplan.output.geopackage import MANY, SETTINGS, write_geopackage
from siteplan.output.qgis import ORDERED, layer_style
from siteplan.output.tables import (
    csv_text,
    scores_json,
    write_manifest,
    write_table,
    write_times,
)
from siteplan.output.terminal import print_scores
from siteplan.words import load_words
from tests.hostile import FORMULAS, HOSTILE


@pytest.fixture
def scores():
    columns = {
        "name": ["Library", "Town hall"],
        "status": ["candidate", "existing"],
        "cost": [1500.5, np.nan],
        "people_walk_15": [100.0, 33.3333],
        "unique_walk_15": [80.0, 0.05],
        "workers_walk_15": [40.0, 10.0],
        "unique_workers_walk_15": [30.0, 0.0],
        "score": [100.0, 12.345678],
        "rank": pd.array([1, None], dtype="Int64"),
        "walk_kmh": 4.8,
    }
    return pd.DataFrame(columns, index=pd.Index(["a", "b"], name="site"))


def layers():
    crs = "EPSG:32632"
    status = ["existing", "candidate"]
    sites = {"name": ["A", "B"], "status": status, "cost": [1.0, np.nan]}
    rings = {"site": ["a", "a"], "mode": ["walk", "walk"], "minutes": [15, 20], "speed_kmh": 4.8}
    return {
        "sites": gpd.GeoDataFrame(
            sites, geometry=[Point(0, 0), Point(9, 9)], index=pd.Index(["a", "b"], name="site"), crs=crs
        ),
        "isochrones": gpd.GeoDataFrame(rings, geometry=[box(0, 0, 1, 1), box(0, 0, 2, 2)], crs=crs),
        "cells": gpd.GeoDataFrame(
            {"people": [0.0, 5.0, np.nan]}, geometry=[box(k, 0, k + 1, 1) for k in range(3)], crs=crs
        ),
    }


# ---- folders ----


def publish(folder, names, error=None):
    with results_folder(folder) as aside:
        for name in names:
            (aside / name).write_text("new")
        if error is not None:
            raise error


def write_half(path):
    with whole_file(path) as aside:
        aside.write_text("half")
        raise RuntimeError


def test_results_appear_on_a_clean_exit(tmp_path):
    with results_folder(tmp_path / "new" / "results") as aside:
        (aside / "scores.csv").write_text("1")
        (aside / "manifest.json").write_text("{}")
        assert list((tmp_path / "new" / "results").glob("*.csv")) == []
    assert sorted(path.name for path in (tmp_path / "new" / "results").iterdir()) == ["manifest.json", "scores.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_old_results_and_nothing_else(tmp_path, error):
    (tmp_path / "scores.csv").write_text("old")
    (tmp_path / "manifest.json").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(error):
        publish(tmp_path, ["scores.csv"], error)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "scores.csv": "old",
        "manifest.json": "old",
        "mine.txt": "mine",
    }


def test_an_error_leaves_no_folder_behind(tmp_path):
    with pytest.raises(ValueError), results_folder(tmp_path / "a" / "b"):  # noqa: PT011
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_replaces_only_its_own_files(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for text in ("first", "second"):
        with results_folder(tmp_path) as aside:
            (aside / "scores.csv").write_text(text)
    assert (tmp_path / "scores.csv").read_text() == "second"
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_folder_in_the_way_is_told_before_anything_moves(tmp_path):
    (tmp_path / "z.csv").mkdir()
    with pytest.raises(StudyError, match=r"z\.csv: is a folder"):
        publish(tmp_path, ["a.csv", "z.csv"])
    assert [path.name for path in tmp_path.iterdir()] == ["z.csv"]


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(StudyError, match="results: cannot be made a folder"), results_folder(tmp_path / "results"):
        pass


def test_one_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "rings.gpkg"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        write_half(path)
    assert path.read_text() == "old"
    with whole_file(path) as aside:
        assert aside.suffix == ".gpkg"
        aside.write_text("new")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["new"]


# ---- scores ----

SCORES = TABLES["scores"]


def test_scores_are_written_to_the_letter(scores, tmp_path):
    write_table(scores, tmp_path / "scores.csv", SCORES)
    assert (tmp_path / "scores.csv").read_bytes().decode() == (
        "site,name,status,cost,people_walk_15,unique_walk_15,workers_walk_15,unique_workers_walk_15,score,rank,walk_kmh\n"
        "a,Library,candidate,1500.5,100,80,40,30,100,1,4.8\n"
        "b,Town hall,existing,,33.3,0.1,10,0,12.345678,,4.8\n"
    )


@pytest.mark.parametrize("name", FORMULAS)
def test_no_text_is_a_formula_and_a_reader_gets_it_back(scores, tmp_path, name):
    scores["name"] = [name, "harmless = text"]
    write_table(scores.rename(columns={"cost": "=cost"}), tmp_path / "scores.csv", SCORES)
    read = pd.read_csv(tmp_path / "scores.csv", lineterminator="\n", dtype=str)
    assert read["name"][0].startswith("'")
    assert read["name"][1] == "harmless = text"
    assert "'=cost" in read.columns
    whole = unguarded_table(read)
    assert list(whole["name"]) == [name, "harmless = text"]
    assert "=cost" in whole.columns


RISKY = st.text(alphabet="=+-@\t\r\n;'\",a ＝", max_size=8)


@given(RISKY)
def test_what_is_guarded_comes_back_and_begins_no_formula(text):
    written = guarded(text)
    assert unguarded(written) == text
    # However a spreadsheet cuts it (comma, or semicolon and line break), no piece begins as a formula.
    for cell in [written, *re.split("[;\r\n]", written)]:
        assert not cell.lstrip('"').startswith(("=", "+", "-", "@", "\t", "＝"))


def test_a_semicolon_begins_no_formula_in_a_file_that_excel_splits_there(tmp_path):
    table = pd.DataFrame({"name": ["Bar;=1+1", 'Bar;"=1+1;x'], "n": [-1.5, 2]})
    write_table(table, tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text()
    assert text == 'name,n\nBar;\'=1+1,-1.5\n"Bar;\'""=1+1;x",2\n'


def test_any_table_is_written_with_its_index_and_short_numbers(tmp_path):
    sites = pd.Index(["-1", "b"], name="site")
    table = pd.DataFrame({"-1": [1.0, 0.25], "b": [np.nan, -3.0]}, index=sites)
    write_table(table, tmp_path / "a.csv", Table("a", "a.csv", "", (Column("-1", "", decimals=1),), decimals=7))
    assert (tmp_path / "a.csv").read_bytes() == b"site,'-1,b\n'-1,1,\nb,0.2,-3\n"
    places = pd.DataFrame({"lon": [9.12345678], "open": [True], "when": [pd.NaT]})
    assert csv_text(places) == "lon,open,when\n9.1234568,True,\n"


def test_numbers_below_zero_stay_numbers(scores, tmp_path):
    write_table(scores.assign(score=[-1.5, 2.0]), tmp_path / "scores.csv", SCORES)
    assert list(pd.read_csv(tmp_path / "scores.csv")["score"]) == [-1.5, 2.0]


def test_json_says_what_the_csv_says(scores):
    first, second = json.loads(scores_json(scores))
    assert (first["site"], first["people_walk_15"], first["cost"]) == ("a", 100, 1500.5)
    assert (second["cost"], second["rank"], second["people_walk_15"]) == (None, None, 33.3)


def printed(scores, n=10, width=200, **options):
    from rich.console import Console

    file = io.StringIO()
    print_scores(scores, n, Console(file=file, width=width, force_terminal=False), **options)
    return file.getvalue()


def test_the_terminal_shows_people_and_speeds(scores):
    text = printed(scores)
    assert "walk" in text
    assert "15 min" in text
    assert "walk 4.8 km/h" in text
    assert "2 of 2 sites" in text
    assert "33.3 " in text


def test_the_terminal_shows_the_best_first_and_n_at_most(scores):
    text = printed(scores.assign(rank=[2, 1]), n=1)
    assert "Town hall" in text
    assert "Library" not in text


def test_names_do_not_drive_the_terminal(scores):
    text = printed(scores.assign(name=["[red]x[/red]", "\x1b[31mred"]))
    assert "[red]x[/red]" in text
    assert "\x1b" not in text


def many_columns():
    names = [f"{who}_{mode}_{limit}" for mode in ("walk", "bike", "best") for limit in (15, 20) for who in WHO]
    numbers = {name: [12_340.0 + at, 80.0 + at] for at, name in enumerate(names)}
    told = {"name": ["Ancien siège de la Caisse d'assurance maladie", "Rex"], "status": ["existing", "candidate"]}
    last = {"score": [98.25, 7.0], "rank": [1, 2], "walk_kmh": 4.8, "bike_kmh": 15.0}
    return pd.DataFrame(told | numbers | last, index=pd.Index(["n413771331", "w2"], name="site"))


WHO = ("people", "unique", "added")


@pytest.mark.parametrize(("width", "kept"), [(40, 1), (60, 1), (80, 4), (120, 6)])
def test_a_narrow_terminal_shows_fewer_columns_and_whole_numbers(width, kept):
    scores = many_columns()
    lines = printed(scores, width=width).splitlines()
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert "…" not in text
    shown = [name for name in scores if name.startswith("people_") and f"{scores[name].iloc[0]:,.0f}" in text]
    assert len(shown) >= kept
    assert "98.2" in text
    assert ("left out" in text) == (width < 120)
    assert (f"{scores['added_best_20'].iloc[0]:,.0f}" in text) == (width > 40)


def test_the_terminal_says_what_a_site_adds_and_what_the_score_is():
    text = printed(many_columns(), weights=WEIGHTS)
    assert f"{many_columns()['added_best_20'].iloc[0]:,.0f}" in text
    assert "adds: people within 20 min by any mode whom no other existing site reaches (added_best_20)" in text
    assert "score: 0-100, weighted mean of people_best_20 x2, people_walk_15 x1, each over its largest" in text
    one = printed(many_columns(), weights={"people_best_20": 1})
    assert "score: 0-100, people_best_20 over its largest" in one


WEIGHTS = {"people_best_20": 2, "people_walk_15": 1}


def test_a_speed_that_is_not_known_is_not_spoken_of(scores):
    text = printed(scores.assign(walk_kmh=np.nan))
    assert "nan" not in text
    assert "km/h" not in text


# ---- other files ----


def test_times_keep_every_bit_and_byte(tmp_path):
    minutes = np.array([1 / 600, 14.999, 20.0])
    columns = {"site": pd.Categorical(["a", "b", "a"]), "point": [0, 1, 2], "mode": pd.Categorical(["walk"] * 3)}
    times = pd.DataFrame(columns | {"minutes": minutes})
    for name in ("one", "two"):
        write_times(times, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read = pd.read_parquet(tmp_path / "one")
    assert (read["minutes"].to_numpy() == minutes).all()
    assert isinstance(read["site"].dtype, pd.CategoricalDtype)


def test_a_manifest_has_sorted_keys(tmp_path):
    write_manifest({"b": 1, "a": {"d": "é", "c": None}}, tmp_path / "manifest.json")
    assert (tmp_path / "manifest.json").read_text(encoding="utf-8") == (
        '{\n  "a": {\n    "c": null,\n    "d": "é"\n  },\n  "b": 1\n}\n'
    )


# ---- GeoPackage ----


def test_a_geopackage_is_the_same_twice_and_leaves_gdal_as_it_was(tmp_path, monkeypatch):
    pyogrio.set_gdal_config_options(dict.fromkeys(SETTINGS))
    write_geopackage(layers(), tmp_path / "one.gpkg")
    write_geopackage(layers(), tmp_path / "two.gpkg")
    assert (tmp_path / "one.gpkg").read_bytes() == (tmp_path / "two.gpkg").read_bytes()
    assert [pyogrio.get_gdal_config_option(name) for name in SETTINGS] == [None] * len(SETTINGS)


def test_a_large_layer_is_written_as_a_small_one_is(tmp_path):
    table = pd.concat([layers()["cells"]] * (MANY // 3 + 1), ignore_index=True)
    kinds = {"whole": 1, "text": "é", "there": True, "few": pd.array([1, None] * (len(table) // 2), "Int64")}
    table = table.assign(**kinds, class_=pd.Categorical(["a", None] * (len(table) // 2)))
    assert MANY <= len(table) < 2 * MANY
    write_geopackage({"cells": table}, tmp_path / "large.gpkg")
    write_geopackage({"cells": table.iloc[: MANY - 1]}, tmp_path / "small.gpkg")
    large, small = (gpd.read_file(tmp_path / f"{name}.gpkg", layer="cells") for name in ("large", "small"))
    assert list(large.dtypes) == list(small.dtypes)
    pd.testing.assert_frame_equal(pd.DataFrame(large.iloc[: MANY - 1]), pd.DataFrame(small))


def test_a_geopackage_holds_its_layers_in_one_crs(tmp_path):
    write_geopackage(layers(), tmp_path / "results.gpkg", crs="EPSG:3035")
    for name, table in layers().items():
        read = gpd.read_file(tmp_path / "results.gpkg", layer=name)
        assert (len(read), read.crs.to_epsg()) == (len(table), 3035)
    assert list(gpd.read_file(tmp_path / "results.gpkg", layer="sites")["site"]) == ["a", "b"]


def test_qgis_finds_a_style_for_each_layer(tmp_path):
    write_geopackage(layers(), tmp_path / "results.gpkg")
    with sqlite3.connect(tmp_path / "results.gpkg") as file:
        rows = file.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
    file.close()
    assert [row[:3] for row in rows] == [("sites", "geom", 1), ("isochrones", "geom", 1), ("cells", "geom", 1)]
    assert "On foot 15 min, 4.8 km/h" in rows[1][3]


def rules(layer, table, tmp_path):
    """Give what each rule of a layer's style takes, counted by SQLite, which reads these expressions as QGIS does."""
    from xml.etree import ElementTree

    write_geopackage({layer: table}, tmp_path / "rules.gpkg")
    with sqlite3.connect(tmp_path / "rules.gpkg") as file:
        (qml,) = file.execute("SELECT styleQML FROM layer_styles").fetchone()
        found = [rule.get("filter") for rule in ElementTree.fromstring(qml.split("\n", 1)[1]).iter("rule")]
        taken = [file.execute(f"SELECT count(*) FROM {layer} WHERE {each}").fetchone()[0] for each in found]
    file.close()
    return taken


LAYERS = list(DECLARED)  # a layer that is added to the catalogue is drawn in QGIS, too


@pytest.mark.parametrize("layer", LAYERS)
def test_every_row_is_drawn_by_one_rule(layer, tmp_path):
    table = layers().get(layer, layers()["isochrones"].assign(level=2))
    assert sum(rules(layer, table, tmp_path)) == len(table)


def told(path, query):
    with sqlite3.connect(path) as file:
        found = file.execute(query).fetchall()
    file.close()
    return found


def test_a_geopackage_is_of_a_version_that_old_programs_read(tmp_path):
    write_geopackage(layers(), tmp_path / "a.gpkg")
    assert told(tmp_path / "a.gpkg", "PRAGMA user_version") == [(10300,)]  # 1.3, which QGIS 3.22 knows


def test_layers_have_titles_abstracts_and_credits(tmp_path):
    write_geopackage(layers() | {"own": layers()["sites"]}, tmp_path / "a.gpkg", language="fr", credits=["© A", "© B"])
    query = "SELECT table_name, identifier, description FROM gpkg_contents WHERE data_type = 'features'"
    found = {name: rest for name, *rest in told(tmp_path / "a.gpkg", query)}
    assert found["isochrones"][0] == "Zones accessibles"
    assert found["cells"] == ["Mailles", "Où habite la population, et à quelle distance d’un site. © A © B"]
    assert found["own"] == ["own", "© A © B"]
    (metadata,) = told(tmp_path / "a.gpkg", "SELECT metadata FROM gpkg_metadata")
    assert "© A; © B" in metadata[0]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_layer_and_column_of_the_catalogue_is_called_something(language):
    words = load_words(language, "map", "layers")
    assert all(title(name, words) != name and f"about_{name}" in words for name in DECLARED)
    columns = {column.name for layer in DECLARED.values() for column in layer.columns if not column.kind}
    assert {name for name in columns if not column_caption(name, words)} == {"geometry"}
    said = {key.removeprefix("column_") for key in words.texts if key.startswith("column_")}
    assert said <= columns | {"lon", "lat"}  # none for a column that is no more
    assert column_caption("unique_workers_walk_15", words) != column_caption("workers_walk_15", words)


def test_captions_tell_a_measure_in_words():
    words = load_words("en", "map", "layers").with_modes({"scooter": {"en": "by scooter"}})
    assert column_caption("added_workers_walk_7.5", words) == "workers within 7.5 min on foot, added"
    assert column_caption("people_scooter_800m", words) == "people within 800 m by scooter"
    assert column_caption("minutes_best", words) == "minutes by any mode to the nearest site"
    assert column_caption("desks_5pct", words) == "desks at 5% who come"
    assert column_caption("reached", words) == ""  # a column of the user's own


def test_of_the_isochrones_one_mode_and_limit_is_shown_at_first(tmp_path):
    table = layers()["isochrones"]
    table = pd.concat([table.assign(mode=mode) for mode in ("bike", "walk")], ignore_index=True)
    qml = layer_style("isochrones", table, load_words("en", "map", "layers"))
    from xml.etree import ElementTree

    found = [
        (rule.get("filter"), rule.get("checkstate"))
        for rule in ElementTree.fromstring(qml.split("\n", 1)[1]).iter("rule")
    ]
    # on foot comes before by bicycle, and the farthest limit first
    assert found == [
        ('"mode" = \'walk\' AND "minutes" = 20', None),
        ('"mode" = \'walk\' AND "minutes" = 15', "0"),
        ('"mode" = \'bike\' AND "minutes" = 20', "0"),
        ('"mode" = \'bike\' AND "minutes" = 15', "0"),
    ]


def test_the_chosen_are_labelled_with_their_order_of_opening(tmp_path):
    table = layers()["sites"].assign(order=[0, 1])
    both = {"sites": layers()["sites"], "choice": table}
    write_geopackage(both, tmp_path / "a.gpkg")
    enabled = told(tmp_path / "a.gpkg", "SELECT f_table_name, styleQML LIKE '%labelsEnabled=\"1\"%' FROM layer_styles")
    assert enabled == [("sites", 0), ("choice", 1)]  # each name once
    # SQLite reads the expression as QGIS does, but for the name of one function.
    query = f"SELECT {ORDERED.replace('to_string', 'printf')} FROM choice"
    assert told(tmp_path / "a.gpkg", query) == [("A",), ("1  B",)]


def test_a_mode_with_a_quote_does_not_break_the_style(tmp_path):
    table = layers()["isochrones"].assign(mode="l'autre <mode>")
    assert rules("isochrones", table, tmp_path) == [1, 1]


def test_columns_of_users_do_not_collide_with_the_files_own(tmp_path):
    table = layers()["sites"].assign(fid=["x", "y"], Name=["P", "Q"])
    write_geopackage({"sites": table}, tmp_path / "results.gpkg")
    read = gpd.read_file(tmp_path / "results.gpkg", layer="sites")
    assert list(read["fid"]) == ["x", "y"]
    assert list(read["Name_2"]) == ["P", "Q"]


def test_empty_layers_and_other_layers_are_written(tmp_path):
    table = layers()["isochrones"]
    write_geopackage({"isochrones": table.iloc[:0], "other": table}, tmp_path / "results.gpkg")
    assert len(gpd.read_file(tmp_path / "results.gpkg", layer="isochrones")) == 0
    assert len(gpd.read_file(tmp_path / "results.gpkg", layer="other")) == 2


# ---- hostile texts ----


def test_a_geopackage_holds_every_text_as_it_is(tmp_path):
    names = list(HOSTILE)
    at = [Point(k, 0) for k in range(len(names))]
    sites = gpd.GeoDataFrame({"name": names, "status": "candidate", "note": names}, geometry=at, crs="EPSG:32632")
    sites = sites.set_axis(pd.Index(names, name="site")).assign(**{"x'); DROP TABLE sites;--\"": 1})
    write_geopackage({"sites": sites, "cells": layers()["cells"]}, tmp_path / "a.gpkg")
    read = gpd.read_file(tmp_path / "a.gpkg", layer="sites")
    assert list(read["name"]) == list(read["note"]) == list(read["site"]) == names
    assert len(gpd.read_file(tmp_path / "a.gpkg", layer="cells")) == 3
    with sqlite3.connect(tmp_path / "a.gpkg") as file:
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.close()


@pytest.mark.parametrize("mode", [text for text in HOSTILE if "\\" not in text])
def test_a_hostile_mode_is_a_value_in_a_style(tmp_path, mode):
    table = layers()["isochrones"].assign(mode=mode)
    assert rules("isochrones", table, tmp_path) == [1, 1]


def test_a_backslash_is_doubled_in_an_expression_of_qgis():
    table = layers()["isochrones"].assign(mode="a\\'b")
    assert "'a\\\\''b'" in layer_style("isochrones", table, load_words("en", "map", "layers"))


def test_a_csv_of_hostile_texts_has_one_row_a_text(tmp_path):
    write_table(pd.DataFrame({"name": list(HOSTILE)}), tmp_path / "a.csv")
    read = unguarded_table(pd.read_csv(tmp_path / "a.csv", lineterminator="\n"))
    assert list(read["name"]) == list(HOSTILE)


# ---- QGIS styles ----

# What QGIS 3.28 reads of a style: the elements, and the names that each kind of drawing knows.
KNOWN = {
    "SimpleMarker": {"name", "color", "outline_color", "outline_width", "size"},
    "SimpleLine": {"line_color", "line_style", "line_width"},
    "SimpleFill": {"color", "style", "outline_color", "outline_width", "outline_style"},
}
KIND_OF = {"SimpleMarker": "marker", "SimpleLine": "line", "SimpleFill": "fill"}
SHAPES = {"circle", "square", "diamond", "cross2"}
LINES = {"solid", "dash", "no", "b_diagonal"}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_style_is_what_qgis_expects(layer):
    from xml.etree import ElementTree

    line = gpd.GeoDataFrame({"kind": ["rail"]}, geometry=[LineString([(0, 0), (1, 1)])], crs="EPSG:32632")
    table = {"railways": line, "streets": line, "places": layers()["sites"]}.get(layer, layers().get(layer))
    table = layers()["isochrones"].assign(level=2) if table is None else table
    qml = layer_style(layer, table, load_words("en", "map", "layers"))
    assert qml.startswith("<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n<qgis ")
    root = ElementTree.fromstring(qml.split("\n", 1)[1])
    (renderer,) = root.findall("renderer-v2")
    assert renderer.get("type") == "RuleRenderer"
    symbols = {symbol.get("name"): symbol for symbol in renderer.find("symbols")}
    assert [rule.get("symbol") for rule in renderer.find("rules")] == list(symbols)
    keys = [rule.get("key") for rule in renderer.iter("rule")]
    assert len(set(keys)) == len(keys)
    for symbol in symbols.values():
        (drawing,) = symbol.findall("layer")
        options = {option.get("name"): option.get("value") for option in drawing.iter("Option") if option.get("name")}
        assert symbol.get("type") == KIND_OF[drawing.get("class")]
        assert set(options) <= KNOWN[drawing.get("class")]
        assert {value for name, value in options.items() if name.endswith("style")} <= LINES
        assert all(re.fullmatch(r"(\d+,){3}\d+", value) for name, value in options.items() if name.endswith("color"))
        assert options.get("name", "circle") in SHAPES
    labels = {"places": '"name"', "transit_lines": '"name"', "sites": '"name"', "choice": ORDERED}
    assert root.get("labelsEnabled") == str(int(layer in labels))
    assert [text.get("fieldName") for text in root.iter("text-style")] == [
        labels[each] for each in [layer] if each in labels
    ]


@given(
    st.lists(st.one_of(st.floats(width=32), st.floats(), st.integers(-(2**53), 2**53).map(float)), max_size=20),
    st.sampled_from([np.float64, np.float32]),
)
def test_numbers_are_written_as_one_by_one(values, kind):
    with np.errstate(over="ignore"):
        table = pd.DataFrame({"number": np.array(values, dtype=kind)})
    assert csv_text(table) == csv_text(table.astype(object))
    whole = table[np.abs(table["number"]) < 2**31].astype(np.int64)
    assert csv_text(whole) == csv_text(whole.astype(object))


@given(
    st.one_of(
        st.tuples(st.just("int64"), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9)),
        st.tuples(st.just("uint64"), st.lists(st.integers(0, 2**64 - 1), max_size=9)),
        st.tuples(
            st.sampled_from(["Int64", "object"]), st.lists(st.none() | st.integers(2**62, 2**63 - 1), max_size=9)
        ),
    )
)
def test_whole_numbers_keep_every_digit(given_values):
    kind, values = given_values
    table = pd.DataFrame({"point": pd.Series(values, dtype=kind), "site": "a"})
    said = ["" if value is None else str(value) for value in values]
    assert csv_text(table) == "".join(f"{line}\n" for line in ["point,site", *(f"{text},a" for text in said)])
    assert [row["point"] for row in json.loads(scores_json(table.set_index("site")))] == values
    words = load_words("en")
    assert [words.spoken(value).replace(",", "") for value in table["point"]] == [
        text or words.spoken(None) for text in said
    ]


def test_a_layer_keeps_every_digit(tmp_path):
    numbers = [2**53 + 1, -(2**63), 2**63 - 1]
    for count in (1, MANY):
        table = pd.concat([layers()["cells"].iloc[:1]] * 3 * count, ignore_index=True).assign(number=numbers * count)
        write_geopackage({"cells": table}, tmp_path / f"{count}.gpkg")
        assert list(gpd.read_file(tmp_path / f"{count}.gpkg", layer="cells")["number"]) == numbers * count
