"""Which media type a client rather has: CSV only when it is asked for by name."""

from __future__ import annotations

import pytest

from service.appraisal.accept import wants_csv


@pytest.mark.parametrize(
    ("accept", "csv_wanted"),
    [
        (None, False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, */*;q=0.1", True),
        ("text/csv;q=0.5, application/json", False),
        ("application/json;q=0.4, text/csv;q=0.5", True),
        ("text/csv;q=0", False),
        ("text/csv;q=0.000, */*", False),
        ("text/csv; q=nonsense", True),
        (",;,", False),
        ("text/csv," * 2000, False),
    ],
)
def test_csv_comes_only_when_asked_for(accept: str | None, csv_wanted: bool) -> None:
    assert wants_csv(accept) is csv_wanted
