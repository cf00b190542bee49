"""The faults that pydantic finds, as the `errors` of the contract: where each is, which rule it breaks, and one
sentence on what to send instead.

`pointer` is an RFC 6901 JSON Pointer into the body (`/items/3/description`, "" for the body as a whole). For a query
parameter `pointer` reads `?limit`, for a header `If-Match:`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from service.rules.errors import Pointer, Rule, ValidationFailed
from service.rules.sentences import Sentence
from service.web import breaches, text
from service.web.breaches import MISSING, Breach

_MAX_FAULTS = 100
"""How many faults one refusal lists."""

_Fault = Mapping[str, Any]


def validation_failed(error: ValidationError, model: Any = None, at: str = "") -> ValidationFailed:
    """The refusal of an object that FastAPI did not validate. `at`: the pointer to the object, such as `/items/3`."""
    faults = error.errors(include_url=False, include_input=False)
    return refused([({**fault, "loc": ("body", *fault["loc"])}, model) for fault in faults[:_MAX_FAULTS]], at)


def refused(faults: Sequence[tuple[_Fault, Any]], at: str = "") -> ValidationFailed:
    """One `ValidationFailed` for all `faults`. Each fault comes with the annotation of the place (`loc[0]`) that it was
    found in, such as the model of the body."""
    return of_pointers([_pointer(fault, model, at) for fault, model in faults])


def of_pointers(errors: Sequence[Pointer]) -> ValidationFailed:
    """One `ValidationFailed` for all `errors`, of which it lists the first hundred."""
    listed = errors[:_MAX_FAULTS]
    if len(errors) > 1:
        detail = Sentence("{count} things are wrong, nothing was done: correct each of errors.", count=len(errors))
        return ValidationFailed(detail, errors=listed)
    place, detail = errors[0].pointer.rstrip(":"), errors[0].detail
    if place:
        return ValidationFailed(Sentence("{place}: {detail}", place=place, detail=detail), errors=listed)
    return ValidationFailed(Sentence("The body: {detail}", detail=detail), errors=listed)


def _pointer(fault: _Fault, model: Any, at: str) -> Pointer:
    special = _SPECIAL.get(fault["type"])
    breach = special(fault, model) if special else breaches.of(fault["type"], fault.get("ctx") or {})
    return Pointer(_place(fault["loc"], at), *breach)


def _place(loc: Sequence[str | int], at: str) -> str:
    place, *parts = loc
    steps = [str(part).replace("~", "~0").replace("/", "~1") for part in parts]
    if place == "query":
        return "?" + "/".join(steps)
    if place in ("header", "cookie"):
        return "/".join(steps) + ":"
    return at + "".join(f"/{step}" for step in steps)


def _unknown(fault: _Fault, model: Any) -> Breach:
    return unknown_name(str(fault["loc"][-1]), sorted(_fields(model, fault["loc"][1:-1])))


def unknown_name(name: str, known: Sequence[str]) -> Breach:
    """The breach of a name that nothing has, where the names `known` exist."""
    bounds = {"allowed": known}
    if not known:
        return Breach(Sentence("Remove this: nothing has this name here."), Rule.UNKNOWN_FIELD)
    close = difflib.get_close_matches(name[:64], known, n=1)
    if not close:
        detail = Sentence("Remove this: nothing has this name here. Known: {known}.", known=known)
        return Breach(detail, Rule.UNKNOWN_FIELD, bounds)
    detail = Sentence(
        "Remove this: nothing has this name here. Did you mean {meant}? Known: {known}.", meant=close[0], known=known
    )
    return Breach(detail, Rule.UNKNOWN_FIELD, bounds)


def _choice(fault: _Fault, _model: Any) -> Breach:
    return breaches.not_one_of(str(fault["ctx"]["expected"]), fault.get("input"))


def _missing(fault: _Fault, model: Any) -> Breach:
    if fault["loc"] != ("body",):
        return MISSING
    known = _fields(model, ())
    if not known:
        return Breach(Sentence("Send a JSON object."), Rule.MISSING)
    return Breach(Sentence("Send a JSON object with {known}.", known=known), Rule.MISSING)


def _shape(fault: _Fault, _model: Any) -> Breach:
    pattern = fault["ctx"]["pattern"]
    detail = text.SHAPES.get(pattern) or Sentence("Send text that matches {pattern}.", pattern=pattern)
    return Breach(detail, Rule.PATTERN, {"pattern": pattern})


_SPECIAL: Mapping[str, Callable[[_Fault, Any], Breach]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "enum": _choice,
    "literal_error": _choice,
    "string_pattern_mismatch": _shape,
}


def _fields(annotation: Any, path: Iterable[str | int]) -> list[str]:
    """The names of the fields of the model at `path` below `annotation`; empty when no model is there."""
    models = _models(annotation)
    for part in path:
        if isinstance(part, str):
            found = [model.model_fields[part].annotation for model in models if part in model.model_fields]
            models = [inner for each in found for inner in _models(each)]
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]
