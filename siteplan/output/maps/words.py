"""The words of the maps, by language, and how numbers are written in them.

Another language is one more block of `words.json` with the same keys; the page then offers it.
"""

import json
import math
from collections.abc import Callable
from importlib.resources import files
from typing import TypeAlias

from siteplan.errors import StudyError

__all__ = ["Said", "Tongues", "Words", "all_words", "half_up", "load_words", "mode_name", "number", "say", "word"]

Words: TypeAlias = dict[str, str]
Tongues: TypeAlias = dict[str, Words]  # by language
Said: TypeAlias = str | dict[str, str]  # one text, or one by language


def all_words() -> Tongues:
    """Give the words of every language."""
    known: Tongues = json.loads(files(__package__).joinpath("words.json").read_text(encoding="utf-8"))
    return known


def load_words(language: str) -> Words:
    """Give the words of a language (`en` or `fr`); any other is a StudyError."""
    known = all_words()
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


def say(tongues: Tongues, text: Callable[[Words], str]) -> Said:
    """Say a text in every language; what is the same in all is said once."""
    said = {language: text(words) for language, words in tongues.items()}
    return said if len(set(said.values())) > 1 else next(iter(said.values()))


def word(tongues: Tongues, name: str) -> Said:
    """Give one word in every language."""
    return say(tongues, lambda words: words[name])
