"""The faults that pydantic finds, as the `errors` of the contract: where each is, and one sentence on what to send
instead.

`pointer` is an RFC 6901 JSON Pointer into the body (`/items/3/description`, "" for the body as a whole). For a query
parameter `pointer` reads `?limit`, for a header `If-Match:`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from service.rules.errors import Pointer, ValidationFailed
from service.web import text

_MAX_FAULTS = 100
"""How many faults one refusal lists."""

_Fault = Mapping[str, Any]

_SENTENCES: Mapping[str, str] = {
    "missing": "Add this field: it is required.",
    "string_type": "Send text (a JSON string).",
    "string_unicode": "Send valid Unicode: there is half a surrogate pair in this text.",
    "string_too_short": "Send at least {min_length} character(s).",
    "string_too_long": "Send at most {max_length} characters.",
    "enum": "Send one of {expected}.",
    "literal_error": "Send {expected}.",
    "int_type": "Send a whole number, without quotes.",
    "int_parsing": "Send a whole number.",
    "int_from_float": "Send a whole number.",
    "float_type": "Send a number, without quotes.",
    "float_parsing": "Send a number.",
    "finite_number": "Send a finite number.",
    "bool_type": "Send true or false, without quotes.",
    "bool_parsing": "Send true or false.",
    "greater_than_equal": "Send {ge} or more.",
    "less_than_equal": "Send {le} or less.",
    "greater_than": "Send more than {gt}.",
    "less_than": "Send less than {lt}.",
    "list_type": "Send a JSON array.",
    "tuple_type": "Send a JSON array.",
    "dict_type": "Send a JSON object.",
    "model_type": "Send a JSON object.",
    "model_attributes_type": "Send a JSON object.",
    "too_long": "Send at most {max_length} items.",
    "too_short": "Send at least {min_length} item(s).",
    "timezone_aware": "Add the offset from UTC, such as +08:00 or Z (in a URL, + is %2B).",
}


def validation_failed(error: ValidationError, model: Any = None, at: str = "") -> ValidationFailed:
    """The refusal of an object that FastAPI did not validate. `at`: the pointer to the object, such as `/items/3`."""
    faults = error.errors(include_url=False, include_input=False)
    return refused([({**fault, "loc": ("body", *fault["loc"])}, model) for fault in faults[:_MAX_FAULTS]], at)


def refused(faults: Sequence[tuple[_Fault, Any]], at: str = "") -> ValidationFailed:
    """One `ValidationFailed` for all `faults`. Each fault comes with the annotation of the place (`loc[0]`) that it was
    found in, such as the model of the body."""
    return of_pointers([Pointer(_pointer(fault["loc"], at), _sentence(fault, model)) for fault, model in faults])


def of_pointers(errors: Sequence[Pointer]) -> ValidationFailed:
    """One `ValidationFailed` for all `errors`, of which it lists the first hundred."""
    listed = errors[:_MAX_FAULTS]
    if len(errors) == 1:
        return ValidationFailed(f"{errors[0].pointer or 'The body'}: {errors[0].detail}", errors=listed)
    return ValidationFailed(f"{len(errors)} things are wrong, nothing was done: correct each of errors.", errors=listed)


def _pointer(loc: Sequence[str | int], at: str) -> str:
    place, *parts = loc
    steps = [str(part).replace("~", "~0").replace("/", "~1") for part in parts]
    if place == "query":
        return "?" + "/".join(steps)
    if place in ("header", "cookie"):
        return "/".join(steps) + ":"
    return at + "".join(f"/{step}" for step in steps)


def _sentence(fault: _Fault, model: Any) -> str:
    kind, context = fault["type"], fault.get("ctx") or {}
    special = _SPECIAL.get(kind)
    if special:
        return special(fault, model)
    if kind in _SENTENCES:
        return _SENTENCES[kind].format_map({name: _short(value) for name, value in context.items()})
    sentence: str = fault["msg"]
    return sentence if sentence.endswith(".") else f"{sentence}."


def _short(value: Any) -> Any:
    """The value as a sentence shows it: 90 rather than 90.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unknown(fault: _Fault, model: Any) -> str:
    return unknown_name(str(fault["loc"][-1]), sorted(_fields(model, fault["loc"][1:-1])))


def unknown_name(name: str, known: Sequence[str]) -> str:
    """The sentence for a name that nothing has, where the names `known` exist."""
    close = difflib.get_close_matches(name[:64], known, n=1)
    meant = f" Did you mean {close[0]}?" if close else ""
    return f"Remove this: nothing has this name here.{meant}" + (f" Known: {', '.join(known)}." if known else "")


def _missing(fault: _Fault, model: Any) -> str:
    if fault["loc"] != ("body",):
        return _SENTENCES["missing"]
    known = _fields(model, ())
    return "Send a JSON object" + (f" with {', '.join(known)}." if known else ".")


def _shape(fault: _Fault, _model: Any) -> str:
    pattern = fault["ctx"]["pattern"]
    return text.SHAPES.get(pattern, f"Send text that matches {pattern}.")


def _own_sentence(fault: _Fault, _model: Any) -> str:
    """The sentence that a validator of this service raised, without the words that pydantic puts before it."""
    return str(fault["ctx"]["error"]) if "error" in (fault.get("ctx") or {}) else str(fault["msg"])


_SPECIAL: Mapping[str, Callable[[_Fault, Any], str]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "string_pattern_mismatch": _shape,
    "value_error": _own_sentence,
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
