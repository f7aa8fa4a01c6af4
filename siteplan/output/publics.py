"""Who can go how, in words."""

from collections.abc import Iterable, Sequence

from siteplan.config import Public
from siteplan.output.coverage import public_name
from siteplan.words import Words

__all__ = ["publics_told"]


def publics_told(publics: Sequence[Public], modes: Iterable[str], words: Words) -> str:
    """Say which share of the people can use which modes; nothing where everybody can use all."""
    told, modes = [], list(modes)
    for public in publics:
        shares = [words.percent(100 * public.share_of("people"))]
        for group, share in public.share.items():
            if group != "people":
                shares.append(f"{words.group(group)} {words.percent(100 * share)}")
        able = words.listed(words.mode(mode) for mode in modes if public.uses(mode))
        name = public_name(public.name, public.title, words)
        told.append(words.text("public", name=name, shares=", ".join(shares), modes=able))
    return words.text("publics", publics=words["semicolon"].join(told)) if told else ""
