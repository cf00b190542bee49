"""Which media type a client rather has: a file only when it is asked for by name."""

from __future__ import annotations

import pytest

from service.appraisal.accept import FileType, file_type

XLSX = FileType.XLSX.value


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, None),
        ("*/*", None),
        ("text/*", None),
        ("application/*", None),
        ("application/json", None),
        ("text/csv", FileType.CSV),
        ("TEXT/CSV; charset=utf-8", FileType.CSV),
        ("text/csv, */*;q=0.1", FileType.CSV),
        ("text/csv;q=0.5, application/json", None),
        ("application/json;q=0.4, text/csv;q=0.5", FileType.CSV),
        ("text/csv;q=0", None),
        ("text/csv;q=0.000, */*", None),
        ("text/csv; q=nonsense", FileType.CSV),
        (",;,", None),
        ("text/csv," * 2000, None),
        (XLSX, FileType.XLSX),
        (f"{XLSX};q=0.9, text/csv;q=0.8", FileType.XLSX),
        (f"text/csv, {XLSX};q=0.8, application/json;q=0.1", FileType.CSV),
        (f"{XLSX}, text/csv", FileType.XLSX),
        (f"text/csv, {XLSX}", FileType.CSV),
        (f"{XLSX};q=0, text/csv;q=0.1", FileType.CSV),
        (f"{XLSX};q=0.5, application/*;q=0.6", None),
        ("application/vnd.ms-excel", None),
    ],
)
def test_a_file_comes_only_when_asked_for(accept: str | None, kind: FileType | None) -> None:
    assert file_type(accept) is kind
