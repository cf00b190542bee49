from __future__ import annotations

import pytest

from service.rules.errors import ValidationFailed
from service.web import headers


@pytest.mark.parametrize(
    ("value", "versions"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"3"', {"3"}),
        ('"3", "4"', {"3", "4"}),
        (' , "3",,"4" ,', {"3", "4"}),
        ('W/"3"', {"3"}),
        ('W/"3", "4"', {"3", "4"}),
        ('"3-gzip"', {"3-gzip"}),
        ('""', {""}),
        ('"a,b"', {"a,b"}),
    ],
)
def test_if_match_gives_the_versions_that_may_change(value: str | None, versions: set[str] | None) -> None:
    assert headers.parse_if_match(value) == versions


@pytest.mark.parametrize("value", ["", "3", '"3', "'3'", '"3" "4"', '*, "3"', 'w/"3"', '"a"b"', "," * 9, '"3",' * 2000])
def test_a_malformed_if_match_is_refused(value: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        headers.parse_if_match(value)
    assert caught.value.errors[0].pointer == "If-Match:"


@pytest.mark.parametrize(
    ("value", "unchanged"),
    [
        (None, False),
        ("*", True),
        ('W/"q7"', True),
        ('"q7"', True),
        ('"q6", W/"q7"', True),
        ('"q6"', False),
        ("q7", False),
        ("", False),
        ('"q6', False),
    ],
)
def test_if_none_match_compares_weakly(value: str | None, unchanged: bool) -> None:
    assert headers.is_unchanged(value, 'W/"q7"') is unchanged
