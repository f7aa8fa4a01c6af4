"""The words of the maps, in English and French, and how numbers are written in them."""

import json
import math
from importlib.resources import files

from siteplan.errors import StudyError

__all__ = ["Words", "half_up", "load_words", "mode_name", "number"]

Words = dict[str, str]


def load_words(language: str) -> Words:
    """Give the words of a language (`en` or `fr`); any other is a StudyError."""
    known: dict[str, Words] = json.loads(files(__package__).joinpath("words.json").read_text(encoding="utf-8"))
    if language not in known:
        raise StudyError(f"language {language!r} is not known; expected one of {', '.join(known)}")
    return known[language]


def mode_name(mode: str, words: Words) -> str:
    """Say how one travels, such as "on foot"; a mode without such words is called by its name."""
    return words.get(f"mode_{mode}", mode)


def half_up(value: float) -> int:
    """Round a count to a whole number as a reader expects: a half goes up."""
    return math.floor(value + 0.5)


def number(value: float, words: Words) -> str:
    """Write a number for a reader: whole when large or whole, with its thousands apart; a dash when missing."""
    if not math.isfinite(value):
        return "–"
    decimals = 0 if abs(value) >= 100 or value == round(value) else 1
    english = f"{value:,.{decimals}f}"
    return english.translate({ord(","): words["thousands"], ord("."): words["decimal"]})
