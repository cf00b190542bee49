"""Whether an answer, or an example of one in the OpenAPI document, has exactly the shape of its view."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter


def reshaped(content: Any, view: Any) -> Any:
    """Return JSON content as far as the typed dictionary `view` knows it: equal to `content` if nothing else is in it.

    Raises:
        ValidationError: a field of the view is missing, or has another type.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(view)
    return adapter.dump_python(adapter.validate_python(content), mode="json")
