"""Which of the two media types a client prefers (RFC 9110 §12.5.1), as far as it matters here."""

from __future__ import annotations

import re

_Q = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
CSV = "text/csv"
_JSON = ("application/json", "application/*", "*/*")
_MAX_LENGTH = 4096


def wants_csv(accept: str | None) -> bool:
    """Whether an Accept header names CSV and does not prefer JSON to it."""
    if accept is None or len(accept) > _MAX_LENGTH:
        return False
    weights = dict(_weight(each) for each in accept.split(","))
    json = next((weights[name] for name in _JSON if name in weights), 0.0)
    return weights.get(CSV, 0.0) > 0 and weights[CSV] >= json


def _weight(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    found = (_Q.fullmatch(part.replace(" ", "")) for part in parameters)
    return name, next((float(each[1]) for each in found if each), 1.0)
