"""What a caller may hand in: public functions look at their arguments here, before anything is done with them.

The kinds are those of the signature, so a function says once what it takes. A wrong one gets a sentence, as a wrong key
of a study file does, in place of the error of whichever line would have met it first.
"""

import functools
import inspect
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Annotated, Any, Literal, ParamSpec, TypeVar, Union, get_args, get_origin

import geopandas as gpd
import numpy as np
import pandas as pd

from siteplan.errors import InputError, Key, SiteplanError, StudyError, listed
from siteplan.units import Limits, Unit

__all__ = ["as_limits", "asked_limits", "door", "renamed"]

P = ParamSpec("P")
R = TypeVar("R")

WORDS: Mapping[Any, str] = types.MappingProxyType({
    pd.DataFrame: "a table (DataFrame)",
    gpd.GeoDataFrame: "a table with places (GeoDataFrame)",
    pd.Series: "a column (Series)",
    np.ndarray: "numbers in a row (array)",
    str: "a text",
    float: "a number",
    int: "a whole number",
    bool: "True or False",
    Sequence: "a list",
    Collection: "a list",
    Iterable: "a list",
    Mapping: "a dictionary",
    tuple: "a tuple",
    Callable: "a function",
    types.NoneType: "None",
})  # fmt: skip
READERS: Mapping[str, str] = types.MappingProxyType({
    "streets": "read_streets",
    "sites": "read_sites",
    "cells": "read_population",
    "people": "place_people",
    "times": "travel_times or read_times",
    "before_times": "travel_times or read_times",
    "after_times": "travel_times or read_times",
    "communes": "read_area",
    "area": "read_area",
    "transit": "read_transit",
    "flows": "read_flows",
    "trips": "flow_trips or distance_trips",
    "found": "itinerary",
    "result": "run",
})  # fmt: skip


def door(**columns: Sequence[str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function refuse arguments of other kinds than its signature names, before it is called.

    Parameters
    ----------
    columns
        By the name of a parameter: the columns without which its table is of no use.

    Raises
    ------
    InputError
        In the function: a table or the like of another kind, without places, or without one of the columns.
    StudyError
        In the function: any other argument of another kind.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            for name, value in bound.arguments.items():
                annotation = signature.parameters[name].annotation
                if get_origin(annotation) is Annotated:
                    annotation, convert = get_args(annotation)
                    bound.arguments[name] = value = convert(value, name)
                _check(name, value, list(_kinds(annotation)), columns.get(name, ()))
            return function(*bound.args, **bound.kwargs)

        return checked

    return decorate


def as_limits(minutes: Limits) -> list[float]:
    """Return one limit or several as a list.

    Raises
    ------
    StudyError
        For limits by mode, where only one mode is asked for.
    """
    if isinstance(minutes, Mapping):
        raise StudyError(f"minutes: found limits by mode ({listed(minutes)}), expected a number, or several in a list")
    return [minutes] if isinstance(minutes, Real) else list(minutes)  # type: ignore[arg-type, list-item]


def asked_limits(
    minutes: Limits | None,
    metres: Limits | None,
    usual: float | Sequence[float] = (15, 20),
) -> tuple[Unit, Limits]:
    """Return the unit of the limits that are asked for, and the limits; where none is, the usual minutes."""
    if minutes is not None and metres is not None:
        raise StudyError("minutes and metres: found both; limits are the one or the other, so leave one of them out")
    if metres is not None:
        return "metres", metres
    return "minutes", usual if minutes is None else minutes


def renamed(**names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function take parameters by older names, too: the older name, and the present one."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            for older, name in names.items():
                if kwargs.get(older) is not None:
                    kwargs[name] = kwargs[older]
                kwargs.pop(older, None)
            return function(*args, **kwargs)

        return called

    return decorate


def _kinds(annotation: Any) -> Iterator[Any]:
    """Give the kinds that an annotation allows, one by one."""
    named = getattr(get_origin(annotation) or annotation, "__value__", None)  # a name for a kind, from Python 3.12 on
    if named is not None:
        annotation = named
    if get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation


def _check(name: str, value: Any, kinds: Sequence[Any], columns: Sequence[str]) -> None:
    """Refuse a value of none of the kinds, and a table that lacks something."""
    if not any(_is(value, kind) for kind in kinds):
        expected = " or ".join(dict.fromkeys(map(_word, kinds)))
        reader = f"; {READERS[name]} gives one" if name in READERS else ""
        raise _error(name, kinds, f": found {_found(value)}, expected {expected}{reader}")
    if isinstance(value, pd.DataFrame):
        lacking = [column for column in columns if column not in value.columns]
        if lacking:
            reader = f", as {READERS[name]} gives it" if name in READERS else ""
            found = listed(value.columns, most=10) or "none"
            raise InputError(f"{name}: no column {listed(lacking)} (found: {found}); expected a table with it{reader}")


def _error(name: str, kinds: Sequence[Any], text: str) -> SiteplanError:
    data = name in READERS or any(isinstance(kind, type) and issubclass(kind, pd.DataFrame) for kind in kinds)
    return InputError(name + text) if data else StudyError(Key(name), text)


def _is(value: Any, kind: Any) -> bool:
    """Return whether a value is of a kind, looking into lists of numbers and no further."""
    origin = get_origin(kind) or kind
    if origin is Any or isinstance(origin, TypeVar) or origin is inspect.Parameter.empty:
        return True
    if origin is Literal:
        return isinstance(value, str)  # which are known, the function says
    if origin in (float, int):
        return isinstance(value, Real if origin is float else Integral) and not isinstance(value, bool)
    if origin is np.ndarray:
        return isinstance(value, np.ndarray | pd.Series | list | tuple) and _numbers(value)
    if origin in (Sequence, Collection, Iterable):
        inside = get_args(kind)[0]
        few = isinstance(value, list | tuple) and inside in (float, int)
        return (
            isinstance(value, Iterable)
            and not isinstance(value, str | bytes | pd.DataFrame)
            and not (origin is Sequence and isinstance(value, Mapping))
            and (not few or all(_is(each, inside) for each in value))
        )
    if origin is Callable:
        return callable(value)
    if origin is gpd.GeoDataFrame:
        return isinstance(value, gpd.GeoDataFrame) and value.active_geometry_name is not None
    return value is None if origin in (None, types.NoneType) else isinstance(value, origin)


def _numbers(value: Any) -> bool:
    """Return whether a row of values can be read as numbers."""
    try:
        np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _word(kind: Any) -> str:
    """Say a kind in words."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if isinstance(origin, type) and issubclass(origin, PathLike):
        return "a path"
    return WORDS.get(origin, getattr(origin, "__name__", str(origin)))


def _found(value: Any) -> str:
    """Say what was found, in few words."""
    if isinstance(value, pd.DataFrame):
        without = " without places" if getattr(value, "active_geometry_name", None) is None else ""
        return f"a table{without} ({type(value).__name__} of {len(value):,} rows)"
    if value is None or isinstance(value, bool | Real):
        return str(value)
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return f"a {type(value).__name__}"
