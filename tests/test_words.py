"""The words a person reads: one file a language, the same texts in each, and nothing said but from there."""

import html
import re
from pathlib import Path

import geopandas as gpd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from shapely import box

import siteplan
from siteplan.errors import StudyError
from siteplan.output.palette import INKS
from siteplan.study import run
from siteplan.words import Words, all_words, languages, load_words
from tests.browser import browser, needs_chromium, open_page
from tests.town import BY_BUS, NORTH, lon, write_bus, write_town

FOLDER = Path(siteplan.__file__).parent
SECTIONS = ("map", "report", "scenario", "notes", "terminal")
# Texts that are named by a table, a key of the study or a class, and so never stand in the code as a whole.
DRAWN = re.compile(
    "(mode|group|counted|open|day|by|driver|aim|unit|worth|gain|value|condition|assume_direction|data|closed|cost|answer_cost|curve_knee|figure_curve"
    r"|answer|new|col|meant|told|gained|beyond|inputs|public|stress|title|about|measure|column|use|space)[_.]\w+|area\.communes|[A-Z]\w+"
)


def content(language: str) -> dict:
    return yaml.safe_load((FOLDER / "words" / f"{language}.yaml").read_text(encoding="utf-8"))


def forms(words: Words) -> dict[str, list[str]]:
    return {key: [said] if isinstance(said, str) else list(said.values()) for key, said in words.texts.items()}


def braced(language: str) -> dict:
    """Give the English texts with every one in brackets: a language of which nobody knows a word."""

    def wrapped(said):
        return f"⟦{said}⟧" if isinstance(said, str) else {form: f"⟦{text}⟧" for form, text in said.items()}

    sections = {name: part for name, part in content("en").items() if isinstance(part, dict)}
    made = {name: {key: wrapped(said) for key, said in part.items()} for name, part in sections.items()}
    return {"name": "⟦Made up⟧", "locale": "en_GB", **made}


@pytest.fixture
def made_up(tmp_path, monkeypatch) -> str:
    """Put a made-up language into a folder of one's own, and give its name."""
    (tmp_path / "words").mkdir()
    text = yaml.safe_dump(braced("en"), allow_unicode=True, sort_keys=False)
    (tmp_path / "words" / "zz.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("SITEPLAN_WORDS", str(tmp_path / "words"))
    return "zz"


def test_every_language_has_the_same_texts_with_the_same_values():
    for section in SECTIONS:
        english, *others = all_words(section).values()
        for words in others:
            assert words.texts.keys() == english.texts.keys()
            for key, said in forms(english).items():
                here, there = (set(re.findall(r"{\w+}", " ".join(each))) for each in (said, forms(words)[key]))
                assert here - {"{count}"} == there - {"{count}"}, key


def test_every_form_is_one_of_the_language():
    for words in all_words(*SECTIONS).values():
        for key, said in words.texts.items():
            if not isinstance(said, str):
                assert "other" in said, key
                numbers = {form for form in said if form.isdigit()}
                assert set(said) - numbers <= words._cldr.plural_form.tags | {"other"}, key


def test_every_text_is_used():
    files = [file for pattern in ("*.py", "*.js", "*.html") for file in FOLDER.rglob(pattern)]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    unused = [
        f"{section}.{key}"
        for section, texts in content("en").items()
        if isinstance(texts, dict)
        for key in texts
        if not DRAWN.fullmatch(key) and not re.search(rf"[\"'.]{re.escape(key)}\b", code)
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda made: made["map"].pop("speeds"), "map.speeds is missing"),
        (lambda made: made["map"].update(speed="x"), "map.speed is not a text of siteplan"),
        (lambda made: made["map"].update(speeds="{fast}"), "map.speeds has {fast}; expected {speeds}"),
    ],
)
def test_a_language_with_other_texts_is_refused(made_up, tmp_path, damage, said):
    made = braced("en")
    damage(made)
    (tmp_path / "words" / "zz.yaml").write_text(yaml.safe_dump(made, allow_unicode=True), encoding="utf-8")
    with pytest.raises(StudyError, match=re.escape(said)):
        load_words(made_up, "map")


def test_a_language_is_found_by_its_file(made_up):
    assert languages() == ["en", "fr", "zz"]
    assert load_words("zz", "map").text("lone", count=1, people=3) == "⟦3 by the one open site⟧"
    with pytest.raises(StudyError, match="'de' is not known; expected one of en, fr, zz"):
        load_words("de")


def test_plurals_follow_the_language():
    english, french = (load_words(language, "map") for language in ("en", "fr"))
    assert [english.text("people_counted", count=count) for count in (0, 1, 2)] == ["0 people", "1 person", "2 people"]
    assert french.text("people_counted", count=0) == "0 habitant"
    assert french.text("sites_open", count=0) == "aucun site ouvert"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ancienne mairie", "d’Ancienne mairie"),
        ("École", "d’École"),
        ("Œuvre sociale", "d’Œuvre sociale"),
        ("Aérodrome", "d’Aérodrome"),
        ("hôtel de ville", "d’hôtel de ville"),  # a mute h
        ("Yvetot", "d’Yvetot"),
        ("Halle aux grains", "de Halle aux grains"),  # an aspirated h
        ("Yaoundé", "de Yaoundé"),
        ("Onze arpents", "de Onze arpents"),
        ("A", "de A"),
        ("A 12", "de A 12"),
        ("Maison de quartier", "de Maison de quartier"),
        ("« Ici, là »", "de « Ici, là »"),
    ],
)
def test_names_are_elided_as_french_does(name, said):
    words = load_words("fr", "report", "tradeoffs")
    assert words.text("as_good", site="S1", other=name, money="") == f"Tout aussi bien\u202f: S1 au lieu {said}."
    assert load_words("en", "report", "tradeoffs").text("as_good", site="S1", other=name, money="").endswith(f"{name}.")
    # A page reads the same expression: nothing in it is of Python alone.
    assert not re.search(r"\(\?[P<#]|\\[AZpx]", words["elided"])


def test_the_first_of_a_month_is_said_as_the_language_does():
    said = {
        language: [load_words(language).date(f"2026-03-{day}") for day in ("01", "11")] for language in ("en", "fr")
    }
    assert said == {"en": ["1 March 2026", "11 March 2026"], "fr": ["1er mars 2026", "11 mars 2026"]}


def test_lists_days_and_shares():
    english, french = load_words("en"), load_words("fr")
    assert english.listed(["a", "b", "c"]) == "a, b and c"
    assert french.listed(["a", "b"]) == "a et b"
    assert english.listed([]) == ""
    assert (english.date("2026-03-10"), french.date("2026-03-10")) == ("10 March 2026", "10 mars 2026")
    assert english.date("soon") == "soon"
    assert (english.share(1, 8), french.share(1, 1000)) == ("12%", "0,1\u202f%")
    assert french.digits(0.01234) == "0,0123"


@given(st.floats(-1e9, 1e9), st.sampled_from(["en", "fr"]))
def test_a_number_can_be_read_back(value, language):
    words = load_words(language)
    plain = words.number(value).replace(",", "" if language == "en" else ".").replace("\u202f", "")
    assert abs(float(plain) - value) <= (0.5 if abs(value) >= 100 else 0.05) + 1e-6


# ---- a language that nobody has a word of ----

RICH = f"""
language: zz
area: {{communes: communes.geojson}}
choose: {{objective: coverage, phases: [2, 3], mode: best, minutes: 8}}
fairness: {{catchment: {{steps: {{5: 1, 8: 0.5}}, group: workers}}}}
demand: {{uptake: [0.1, 0.5]}}
commuting: {{uptake: [0.1, 0.5], distances: [{{km_from: 0, km_to: 20, share: 1}}], modes: {{car: 0.8, bus: 0.2}}}}
robustness: {{count: 3, first: 1}}
scenarios:
  less: {{lines: [{{cut: W}}], sites: [{{close: A}}]}}
  more:
    people: [{{build: Vergers, people: 30, groups: {{workers: 10}}, place: [{lon(4)}, {NORTH}]}}]
    choose_again: true
output: {{threshold: 3}}
"""
# Every text that is seen, or read aloud.
SPOKEN = """() => {
  const said = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode())
    if (!walk.currentNode.parentElement.closest("script, style, [hidden]")) said.push(walk.currentNode.data);
  document.querySelectorAll("[aria-label], [title], [placeholder]").forEach((each) =>
    ["aria-label", "title", "placeholder"].forEach((name) => said.push(each.getAttribute(name) || "")));
  return said;
}"""
# Names of people and things, units, and the word that CLDR puts before the last of a list.
PROPER = """OpenStreetMap contributors ODbL Leaflet siteplan Python SHA kg CO km Vergers Hall Library Barn Mill
West East One street and workers less more csv EN FR ZZ English Français CO₂e m²""".split()


@pytest.fixture
def made_up_result(made_up, tmp_path):
    sites = f"site,name,status,lon,lat,cost,capacity\nA,Hall,existing,{lon(0)},{NORTH},9,4\n"
    sites += f"B,Library,candidate,{lon(10)},{NORTH},5,3\nM,Mill,candidate,{lon(5)},{NORTH},,2\n"
    sites += f"C,Barn,candidate,{lon(3)},{NORTH},7,\n"
    study = write_town(tmp_path / "town", sites=sites, study=BY_BUS + RICH)
    write_bus(study.parent)
    halves = [box(lon(-1), NORTH - 0.01, lon(4.5), NORTH + 0.01), box(lon(4.5), NORTH - 0.01, lon(12), NORTH + 0.01)]
    communes = gpd.GeoDataFrame({"name": ["West", "East"]}, geometry=halves, crs=4326)
    communes.to_file(study.parent / "communes.geojson")
    return run(study).folder


def words_outside(text: str) -> set[str]:
    """List the words that are not within brackets."""
    while "⟦" in text:
        text, before = re.sub(r"⟦[^⟦⟧]*⟧", " ", text), text
        assert text != before, "a bracket without its other one"
    return set(re.findall(r"[^\W\d_]{2,}", text)) - set(PROPER)


@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_the_report_has_no_other_words(made_up_result):
    page = (made_up_result / "report.html").read_text(encoding="utf-8")
    page = re.sub(r'<(style|pre|ul class="warned").*?</(style|pre|ul)>', "", page, flags=re.DOTALL)
    page = re.sub(r'<section class="data".*?</section>', "", page, flags=re.DOTALL)  # names of files
    said = re.findall(r">([^<]+)<", page) + re.findall(r'aria-label="([^"]*)"', page)
    assert len(re.findall("<section", page)) >= 15
    assert words_outside(html.unescape("\n".join(said))) == set()


@needs_chromium
@pytest.mark.filterwarnings("ignore::siteplan.errors.SiteplanWarning")
def test_the_map_has_no_other_words(made_up_result):
    with browser() as chromium, open_page(chromium, made_up_result / "map.html") as seen:
        page = seen.page
        said = page.evaluate(SPOKEN)
        page.locator("#ranking tbody button").first.click()
        said += page.evaluate(SPOKEN)
        page.select_option("#against", index=1)
        said += page.evaluate(SPOKEN)
        page.locator("[lang=fr]").first.click()
        assert "⟦" not in "".join(page.evaluate(SPOKEN)).replace("⟦Made up⟧", "")
    assert seen.complaints == []
    assert words_outside("\n".join(said)) == set()


# ---- one palette ----


def test_every_colour_stands_in_the_palette():
    files = [file for pattern in ("*.py", "*.js", "*.css", "*.html") for file in FOLDER.rglob(pattern)]
    found = {file.name for file in files if re.search("#[0-9a-fA-F]{6}\\b", file.read_text(encoding="utf-8"))}
    assert found == {"palette.py"}


def test_every_variable_of_a_style_sheet_is_an_ink():
    sheets = "\n".join(file.read_text(encoding="utf-8") for file in FOLDER.rglob("*.css"))
    named = {"share", "sheet"}  # set where it is used
    assert set(re.findall(r"var\(--(\w+)", sheets)) <= INKS.keys() | named
    script = "\n".join(file.read_text(encoding="utf-8") for file in (FOLDER / "output" / "maps").glob("*.js"))
    assert set(re.findall(r"data\.colours\.(\w+)", script)) <= INKS.keys() | {"tints", "modes"}


def test_a_file_that_changes_is_read_again_and_no_reader_changes_it_for_others(made_up: str, tmp_path: Path) -> None:
    file = tmp_path / "words" / f"{made_up}.yaml"
    assert load_words(made_up, "terminal")["unit_metres"] != "ells"
    load_words(made_up, "terminal").texts["unit_metres"] = "fathoms"  # type: ignore[index]
    text = yaml.safe_load(file.read_text(encoding="utf-8"))
    text["common"]["unit_metres"] = "ells"
    text["terminal"]["costs"]["other"] = "{cost} {count}"
    file.write_text(yaml.safe_dump(text, allow_unicode=True), encoding="utf-8")
    now = load_words(made_up, "terminal")
    assert (now["unit_metres"], now["costs"]) == ("ells", "{cost} {count}")
    now.texts["costs"]["other"] = "nothing"  # type: ignore[index]
    assert load_words(made_up, "terminal")["costs"] == "{cost} {count}"
