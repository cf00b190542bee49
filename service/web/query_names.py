"""The names of query parameters: which of them a route knows, and that each is given once (contract §3).

A name that a route does not know is refused, since a filter with a typo would silently filter nothing. A name that is
given twice is refused, since one of the two values would silently be lost; several values are separated by commas.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, get_origin
from urllib.parse import parse_qsl

from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Route

from service.rules.errors import Pointer, Rule
from service.rules.sentences import Sentence
from service.web import faults
from service.web.doors import Door
from service.web.text import Params

_ANY_QUERY = frozenset({"/metrics"})
"""Paths whose query is nobody's business here (contract §3)."""


class QueryNames(NamedTuple):
    """The query parameters of one route, and those of them that take several values. `refuses_others`: the route's own
    model refuses unknown names, together with wrong values."""

    known: frozenset[str]
    lists: frozenset[str]
    refuses_others: bool


def of(route: Route, door: Door | None) -> QueryNames | None:
    """The names that a route knows; None for a route that does not mind: `/metrics`, a route behind a door with an open
    query, and a page for people, whose links may carry what others add."""
    if not isinstance(route, APIRoute) or not route.include_in_schema:
        return None
    if route.path in _ANY_QUERY or (door is not None and door.open_query):
        return None
    parameters = list(_parameters(route.dependant))
    several = {name: get_origin(kind) is list for each in parameters for name, kind in _fields(each)}
    several |= dict(_by_hand(route.openapi_extra or {}))
    lists = frozenset(name for name, is_list in several.items() if is_list)
    return QueryNames(frozenset(several), lists, any(_model_of(each) for each in parameters))


@lru_cache(maxsize=1024)
def faults_of(names: QueryNames, query_string: bytes) -> tuple[Pointer, ...]:
    """What is wrong with the names of a query; kept, since clients repeat their queries all day."""
    given = Counter(name for name, _ in parse_qsl(query_string.decode("latin-1"), keep_blank_values=True))
    found = [Pointer(f"?{name}", _once(name, names), Rule.GIVEN_TWICE) for name, times in given.items() if times > 1]
    unknown = () if names.refuses_others and not found else (name for name in given if name not in names.known)
    found += [Pointer(f"?{name}", *faults.unknown_name(name, sorted(names.known))) for name in unknown]
    return tuple(found)


def _once(name: str, names: QueryNames) -> Sentence:
    if name in names.lists:
        return Sentence("Send this name once, and separate its values by commas.")
    return Sentence("Send this name once: it takes one value.")


def _parameters(dependant: Dependant) -> Iterator[ModelField]:
    yield from dependant.query_params
    for each in dependant.dependencies:
        yield from _parameters(each)


def _model_of(parameter: ModelField) -> type[Params] | None:
    annotation: Any = parameter.field_info.annotation
    return annotation if isinstance(annotation, type) and issubclass(annotation, Params) else None


def _fields(parameter: ModelField) -> Iterator[tuple[str, Any]]:
    """The names that one parameter of a handler stands for, each with its type."""
    model = _model_of(parameter)
    if model is None:
        yield parameter.alias, parameter.field_info.annotation
    else:
        yield from ((field.alias or name, field.annotation) for name, field in model.model_fields.items())


def _by_hand(extra: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """The parameters that a route reads by hand, from its part of the document, and whether each takes several
    values."""
    for parameter in extra.get("parameters", ()):
        if parameter["in"] == "query":
            yield parameter["name"], parameter["schema"].get("type") == "array"
