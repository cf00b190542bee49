from __future__ import annotations

from typing import Any

import pytest

from tests.wire.refusals import is_listed


def _invalid(*errors: tuple[str, str]) -> dict[str, Any]:
    return {"code": "validation_failed", "errors": [{"pointer": pointer, "rule": rule} for pointer, rule in errors]}


@pytest.mark.parametrize(
    ("problem", "listed"),
    [
        ({"code": "not_yours"}, True),
        ({"code": "bad_json"}, False),
        ({"code": "invalid"}, False),
        ({"code": "internal_error"}, False),
        (_invalid(("/valid_to", "not_in_future")), True),
        (_invalid(("/until", "out_of_range")), True),
        (_invalid(("/score", "out_of_range")), False),
        (_invalid(("/valid_to", "not_in_future"), ("/title", "too_long")), False),
    ],
)
def test_a_valid_request_is_refused_for_few_reasons(problem: dict[str, Any], listed: bool) -> None:
    assert is_listed(problem) is listed
