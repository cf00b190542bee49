from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.rules.codes import CodeList

_codes = st.text("ab-", max_size=4)


@given(st.lists(_codes, max_size=8), _codes)
def test_a_start_is_found_as_by_looking_at_all(codes: list[str], prefix: str) -> None:
    assert CodeList.of(codes).any_starts_with(prefix) is any(code.startswith(prefix) for code in codes)
