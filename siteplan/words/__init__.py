"""What a person reads, one file a language; its numbers, plurals, lists and dates as CLDR (the library Babel) has them.

A further language is one more file beside these, or in the folder that the variable SITEPLAN_WORDS names: `name`, how
it calls itself; `locale`, whose numbers and plurals it has; and the sections with the same texts as `en.yaml`. A text
may have several forms for a `{count}`: `one`, `few`, `other`, ... by the plural rules of the locale, or a number's own.
"""

import math
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from copy import copy, deepcopy
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from siteplan.errors import StudyError

if TYPE_CHECKING:
    from babel import Locale

__all__ = [
    "NONE",
    "Said",
    "Tongues",
    "Words",
    "all_words",
    "capital",
    "half_up",
    "languages",
    "load_words",
    "say",
    "word",
]

FOLDER = "SITEPLAN_WORDS"
FIRST = "en"  # the language whose texts every other one has
NONE = "–"  # what is missing
PLACE = re.compile(r"{(\w+)}")

Forms: TypeAlias = Mapping[str, str]
Said: TypeAlias = str | dict[str, str]  # one text, or one by language
Tongues: TypeAlias = dict[str, "Words"]  # by language


@dataclass(frozen=True)
class Words:
    """The texts of one language, and how numbers, lists and dates are written in it."""

    language: str
    name: str
    locale: str
    texts: Mapping[str, str | Forms]

    def __contains__(self, key: str) -> bool:
        return key in self.texts

    def __getitem__(self, key: str) -> str:
        said = self.texts[key]
        return said if isinstance(said, str) else said["other"]

    def get(self, key: str, other: str) -> str:
        """Give a text, or another where there is none of this key."""
        return self[key] if key in self.texts else other

    def text(self, key: str, /, **values: object) -> str:
        """Give a text with its values put in, numbers as a reader writes them; the form is chosen by `count`."""
        return self.fill(self.texts[key], **values)

    def fill(self, said: str | Forms, /, **values: object) -> str:
        """Put values into a text, or into the form of one, that is given as such."""
        if not isinstance(said, str):
            count: Any = values["count"]
            said = said.get(str(count)) or said.get(self._cldr.plural_form(count)) or said["other"]
        spoken = {name: self.spoken(value) for name, value in values.items()}
        return self._elided(said, spoken).format(**spoken)

    def _elided(self, said: str, spoken: Mapping[str, str]) -> str:
        """Shorten words before values that begin as the language says, as French does: au lieu d’Ancienne mairie."""
        if not self.get("elides", ""):
            return said

        def shortened(found: re.Match[str]) -> str:
            before, name = found.groups()
            short = re.match(self["elided"], spoken.get(name, ""), re.IGNORECASE)
            return f"{before[:-1]}’{{{name}}}" if short else found[0]

        return re.sub(rf"\b({self['elides']}) {{(\w+)}}", shortened, said, flags=re.IGNORECASE)

    def of(self, said: Said) -> str:
        """Give what was said in several languages in this one, or in the first of them."""
        return said if isinstance(said, str) else said.get(self.language) or next(iter(said.values()))

    # ---- numbers ----

    def spoken(self, value: object) -> str:
        """Write a number for a reader; text stays as it is, what is missing is a dash."""
        import pandas as pd

        if value is None or value is pd.NA or value is pd.NaT:
            return NONE
        if isinstance(value, bool) or not pd.api.types.is_number(value):
            return str(value)
        if pd.api.types.is_integer(value):  # with all its digits
            return self._written(Decimal(int(value)))
        return self.number(float(value))  # type: ignore[arg-type]

    def number(self, value: float, decimals: int | None = None) -> str:
        """Write a number; without `decimals` it is whole when large or whole, else it has one."""
        if not math.isfinite(value):
            return NONE
        if decimals is None:
            decimals = 0 if abs(value) >= 100 or value == round(value) else 1
        return self._written(Decimal(f"{value:.{decimals}f}"))

    def digits(self, value: float) -> str:
        """Write a small number with the three digits that count, a large one as `number` does."""
        return self._written(Decimal(f"{value:.3g}")) if abs(value) < 100 else self.number(value)

    def count(self, value: float) -> str:
        """Write a count of people: whole."""
        return self.number(half_up(value) if math.isfinite(value) else value)

    def signed(self, value: float) -> str:
        """Write a difference: whole, with its sign."""
        return ("+" if round(value) > 0 else "") + self.count(value)

    def percent(self, value: float, decimals: int | None = None) -> str:
        """Write a percentage."""
        return self["percent"].format(value=self.number(value, decimals))

    def share(self, part: float, whole: float = 1.0) -> str:
        """Write a share as a percentage; near none and near all with a decimal, so that neither is claimed lightly."""
        if not whole > 0 or not math.isfinite(part):
            return NONE
        percent = 100 * part / whole
        rounded = round(percent, 1) if 0 < percent < 1 or 99 < percent < 100 else round(percent)
        if 0 < percent < 100 and rounded in (0, 100):
            return f"<\u202f{self.percent(0.1)}" if rounded == 0 else f">\u202f{self.percent(99.9)}"
        return self.percent(rounded)

    def money(self, value: float, currency: str) -> str:
        """Write what something costs, never without what it is counted in: a sign, a code or, given none, units."""
        key = "money_none" if not currency else "money_code" if currency[0].isalpha() else "money_sign"
        return self[key].format(value=self.number(value), currency=currency)

    def priced(self, heading: str, currency: str) -> str:
        """Write a heading over costs, with what they are counted in."""
        return f"{heading} ({currency or self['money_unit']})"

    def at_most(self, share: float) -> str:
        """Write a share that something cannot exceed: rounded up, so that it stays true."""
        return self.percent(math.ceil(round(1000 * share, 6)) / 10)

    # ---- lists, dates, names ----

    def listed(self, texts: Iterable[str], most: int | None = None) -> str:
        """Write texts one after the other, the last after "and"; of more than `most`, how many more there are."""
        from babel.lists import format_list

        every = list(texts)
        if most is not None and len(every) > most:
            every = [*every[:most], self.text("more", count=len(every) - most)]
        return str(format_list(every, locale=self._cldr))

    def set_off(self, name: str) -> str:
        """Put a name into quotation marks where it has a comma, at which a list would fall apart."""
        return self["quoted"].format(text=name) if "," in name else name

    def date(self, day: str) -> str:
        """Write a day, given as `2026-03-10`; any other text stays as it is."""
        from babel.dates import format_date

        try:
            written = str(format_date(date.fromisoformat(day), "long", locale=self._cldr))
        except ValueError:
            return day
        return re.sub(r"^1(?= )", self.get("first_of_month", "1"), written)

    def mode(self, mode: str) -> str:
        """Say how one travels, such as "on foot"; a mode without such words is called by its name."""
        return self.get(f"mode_{mode}", mode)

    def group(self, name: str) -> str:
        """Say who is counted; a group without words of its own is called by its column."""
        return self.get(f"group_{name}", name.replace("_", " "))

    def with_modes(self, titles: Mapping[str, Mapping[str, str]]) -> "Words":
        """Add what modes of one's own are called, by mode and language."""
        own = {f"mode_{mode}": said[self.language] for mode, said in titles.items() if self.language in said}
        return replace(self, texts={**self.texts, **own})

    def as_data(self) -> dict[str, Any]:
        """Give the texts to a page that counts and writes numbers by itself."""
        return {**self.texts, "language": self.name, "locale": self.locale.replace("_", "-")}

    @cached_property
    def _cldr(self) -> "Locale":
        from babel import Locale

        return Locale.parse(self.locale)

    def _written(self, value: Decimal) -> str:
        """Write a number with the decimals that it has."""
        pattern = copy(self._cldr.decimal_formats[None])
        pattern.frac_prec = (max(0, -int(value.as_tuple().exponent)),) * 2
        return str(pattern.apply(value if value else abs(value), self._cldr))


# ---- files ----


def languages() -> list[str]:
    """List the languages that there is a file of."""
    return sorted(_files())


def all_words(*sections: str) -> Tongues:
    """Give some sections of the words of every language."""
    return {language: load_words(language, *sections) for language in languages()}


def load_words(language: str, *sections: str) -> Words:
    """Give some sections of the words of a language, beside what they have in common; the later section has precedence.

    Raises
    ------
    StudyError
        A language without a file, or a file whose texts are not those of the English one.
    """
    known = _files()
    if language not in known:
        raise StudyError(f"language {language!r} is not known; expected one of {', '.join(sorted(known))}")
    content = _content(known[language])
    if language != FIRST:
        _check(content, _content(known[FIRST]), str(known[language]))
    texts = {key: said for section in ("common", *sections) for key, said in content[section].items()}
    return Words(language, str(content["name"]), str(content["locale"]), texts)


def _files() -> dict[str, Traversable]:
    folders: list[Traversable] = [files(__package__)]
    if os.environ.get(FOLDER):
        folders.append(Path(os.environ[FOLDER]))
    return {
        file.name.removesuffix(".yaml"): file
        for folder in folders
        for file in folder.iterdir()
        if file.name.endswith(".yaml")
    }


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """Parse a file's text once; whoever asks takes a copy."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, loader)  # noqa: S506 (both are safe)


def _content(file: Traversable) -> dict[str, Any]:
    try:
        content = deepcopy(_parsed(file.read_text(encoding="utf-8")))
    except (yaml.YAMLError, ValueError) as error:
        raise StudyError(f"{file}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise StudyError(f"{file}: found no keys; say every text as en.yaml does")
    return content


def _check(content: Mapping[str, Any], first: Mapping[str, Any], where: str) -> None:
    """Refuse a file in which a text is missing, unknown, or has other values put in than the English one."""
    own, expected = dict(_placed(content)), dict(_placed(first))
    for key, places in expected.items():
        if key not in own:
            raise StudyError(f"{where}: {key} is missing; say it as en.yaml does")
        if own[key] - places or places - own[key] - {"count"}:
            raise StudyError(f"{where}: {key} has {_braced(own[key])}; expected {_braced(places)} as in en.yaml")
    unknown = sorted(own.keys() - expected.keys())
    if unknown:
        raise StudyError(f"{where}: {unknown[0]} is not a text of siteplan; take it out, or mend its name")


def _placed(content: Mapping[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Give each text's key and the values that are put in; a form may leave out the count."""
    for section, texts in content.items():
        for key, said in ({"": texts} if isinstance(texts, str) else texts).items():
            forms = [said] if isinstance(said, str) else said.values()
            yield f"{section}.{key}".rstrip("."), set(PLACE.findall(" ".join(forms)))


def _braced(places: Collection[str]) -> str:
    return ", ".join(f"{{{place}}}" for place in sorted(places)) or "no values"


# ---- for all languages at once, and for all numbers ----


def say(tongues: Tongues, text: Callable[[Words], str]) -> Said:
    """Say a text in every language; what is the same in all is said once."""
    said = {language: text(words) for language, words in tongues.items()}
    return said if len(set(said.values())) > 1 else next(iter(said.values()))


def word(tongues: Tongues, key: str) -> Said:
    """Give one text in every language."""
    return say(tongues, lambda words: words[key])


def capital(text: str) -> str:
    """Begin a text with a capital letter."""
    return text[:1].upper() + text[1:]


def half_up(value: float) -> int:
    """Round a count to a whole number as a reader expects: a half goes up."""
    return math.floor(value + 0.5)
