"""The query parameters of operations, as they are written in an address."""

from __future__ import annotations

from typing import Any


def separate_by_commas(operation: dict[str, Any]) -> None:
    """Say of each query parameter with several values that commas separate them. A name is given once, so a client must
    not repeat it, as it would without this."""
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query" and parameter["schema"].get("type") == "array":
            parameter["explode"] = False
