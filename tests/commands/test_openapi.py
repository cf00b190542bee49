"""`sihu openapi`: written below the current folder, and compared."""

from __future__ import annotations

import json

from service.commands.openapi import OPENAPI_FILE
from tests.commands.running import NOWHERE, Run


def test_the_document_is_missing_written_and_out_of_date(run: Run) -> None:
    """The command needs no database."""
    stale = [f"{OPENAPI_FILE} is not what the code says: run `make openapi` and commit it."]
    assert run(NOWHERE, "openapi", "--check") == (1, [], stale)
    assert not OPENAPI_FILE.exists(), "a check writes nothing"
    assert run(NOWHERE, "openapi") == (0, [], [])
    assert run(NOWHERE, "openapi", "--check") == (0, [], [])
    document = json.loads(OPENAPI_FILE.read_text(encoding="utf-8"))
    assert "/v1/incidents" in document["paths"]
    OPENAPI_FILE.write_text("{}", encoding="utf-8")
    assert run(NOWHERE, "openapi", "--check") == (1, [], stale)
