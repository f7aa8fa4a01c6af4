"""Numbers as people write them: with a decimal point or a decimal comma, with or without marks between thousands."""

import re
from collections.abc import Iterable

__all__ = ["MISSING_TEXT", "THOUSANDS", "clean", "decimal_mark", "known_mark", "plain"]

# What people type for "no value"; ":" and ".." are the statistical offices' marks.
MISSING_TEXT = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "..", ":"})

SPACES = re.compile("(?<=\\d)[ \u00a0\u202f\u2009'\u2019](?=\\d{3}(?!\\d))")  # between thousands, in many countries
THOUSANDS = {".": ",", ",": "."}  # which mark stands between thousands beside a decimal mark
# Whole thousands in groups of three, which no number begins with 0; or no groups at all.
GROUPED = {one: re.compile(rf"[-+]?[1-9]\d{{0,2}}(?:\{two}\d{{3}})+(?:\{one}\d+)?") for one, two in THOUSANDS.items()}
SIMPLE = {one: re.compile(rf"[-+]?(?:\d+(?:\{one}\d*)?|\{one}\d+)(?:e[-+]?\d+)?") for one in THOUSANDS}


def clean(text: str) -> str:
    """Return a number's text in small letters, without the spaces and apostrophes between its thousands."""
    return SPACES.sub("", text.strip().lower())


def plain(text: str, mark: str) -> str:
    """Return a number's text with a decimal point and nothing between its thousands; other texts as they are."""
    if GROUPED[mark].fullmatch(text):
        return text.replace(THOUSANDS[mark], "").replace(mark, ".")
    return text.replace(mark, ".") if SIMPLE[mark].fullmatch(text) else text


def decimal_mark(texts: Iterable[str], told: str | None = None) -> str | None:
    """Tell which mark stands before the decimals of a column: "." or ","; None where both readings are possible.

    A column is read one way as a whole: 1.234 beside 1,5 is a thousand and more, 1.234 beside 0.5 is one and a bit, and
    1.234 beside 950 may be either. `told` is the mark of other columns of the same table (see `known_mark`): where it
    is the other one, groups of three are thousands; where it is this one, they are decimals if all numbers have three.
    """
    in_doubt, whole = "", 0
    for text in texts:
        if text.lstrip("+-").isdigit():
            whole = max(whole, len(text.lstrip("+-")))
            continue
        fits = [mark for mark in THOUSANDS if SIMPLE[mark].fullmatch(text) or GROUPED[mark].fullmatch(text)]
        if len(fits) == 1:
            return fits[0]
        if fits and not in_doubt and not {".", ","}.isdisjoint(text):  # 9e18 has no mark to doubt
            in_doubt = "." if "." in text else ","
    if not in_doubt:
        return "."
    if whole > 3:  # thousands are marked everywhere or nowhere
        return in_doubt
    return told if told != in_doubt or not whole else None


def known_mark(columns: Iterable[Iterable[str]]) -> str | None:
    """Tell which decimal mark a table uses, from columns that leave no doubt; None where none does or they differ."""
    found = {
        mark
        for texts in columns
        for text in map(clean, texts)
        if not text.isdigit()
        for mark in THOUSANDS
        if mark in text and SIMPLE[mark].fullmatch(text) and not GROUPED[THOUSANDS[mark]].fullmatch(text)
    }
    return found.pop() if len(found) == 1 else None
