from __future__ import annotations

from typing import Any

import pytest

from tests.wire.refusals import is_listed


def _invalid(*errors: tuple[str, str]) -> dict[str, Any]:
    found = [{"pointer": pointer, "rule": rule, "detail": "Mend it."} for pointer, rule in errors]
    return {"code": "validation_failed", "errors": found}


def _hidden(character: str) -> dict[str, Any]:
    problem = _invalid(("/subject", "hidden_character"))
    problem["errors"][0]["detail"] = f"Remove the invisible character {character}: this names somebody or something."
    return problem


@pytest.mark.parametrize(
    ("problem", "listed"),
    [
        ({"code": "not_yours"}, True),
        ({"code": "bad_json"}, False),
        ({"code": "invalid"}, False),
        ({"code": "internal_error"}, False),
        (_invalid(("/valid_to", "not_in_future")), True),
        (_invalid(("/until", "out_of_range")), True),
        (_hidden("U+E04BB"), True),
        (_hidden("U+200B"), False),
        (_invalid(("/score", "out_of_range")), False),
        (_invalid(("/valid_to", "not_in_future"), ("/title", "too_long")), False),
    ],
)
def test_a_valid_request_is_refused_for_few_reasons(problem: dict[str, Any], listed: bool) -> None:
    assert is_listed(problem) is listed
