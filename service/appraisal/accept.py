"""Which of the media types of a figure a client prefers (RFC 9110 §12.5.1), as far as it matters here."""

from __future__ import annotations

import re
from enum import StrEnum

_Q = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_JSON = ("application/json", "application/*", "*/*")
_MAX_LENGTH = 4096


class FileType(StrEnum):
    """The media types of files for spreadsheets."""

    CSV = "text/csv"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def file_type(accept: str | None) -> FileType | None:
    """The file that an Accept header names, unless it prefers JSON to it; of two files the one that it rather has, and
    of two that it likes alike the first. None: JSON."""
    if accept is None or len(accept) > _MAX_LENGTH:
        return None
    weights = dict(_weight(each) for each in accept.split(","))
    json = next((weights[name] for name in _JSON if name in weights), 0.0)
    files = [FileType(name) for name, weight in weights.items() if name in _FILES and weight > 0 and weight >= json]
    return max(files, key=weights.__getitem__, default=None)


_FILES = frozenset(FileType)


def _weight(media_range: str) -> tuple[str, float]:
    name, *parameters = (part.strip().lower() for part in media_range.split(";"))
    found = (_Q.fullmatch(part.replace(" ", "")) for part in parameters)
    return name, next((float(each[1]) for each in found if each), 1.0)
