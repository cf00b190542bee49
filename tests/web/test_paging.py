"""Pages of a list in memory: every row once, and a cursor fits only the list that it came from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.rules.errors import BadCursor
from service.web import paging
from service.web.cursors import Cursors
from service.web.paging import PageQuery, SortKey

CURSORS = Cursors(b"0123456789abcdef")


class FilteredQuery(PageQuery):
    area: str | None = None


def _page(rows: list[str], query: PageQuery, path: str = "/v1/x", subject: str = "anna") -> Any:
    answer = paging.page(CURSORS, path, subject, query, rows, lambda row: {"code": row}, _key)
    return json.loads(bytes(answer.body))


def _key(row: str) -> SortKey:
    return (row,)


@given(rows=st.lists(st.text("abcd", max_size=3), unique=True).map(sorted), limit=st.integers(1, 5))
def test_every_row_is_on_one_page(rows: list[str], limit: int) -> None:
    found: list[str] = []
    query = PageQuery(limit=limit)
    while True:
        content = _page(rows, query)
        assert len(content["items"]) <= limit
        found += [each["code"] for each in content["items"]]
        if content["next_cursor"] is None:
            break
        query = PageQuery(limit=limit, cursor=content["next_cursor"])
    assert found == rows


def test_the_last_page_has_no_cursor() -> None:
    assert _page(["a", "b"], PageQuery(limit=2)) == {"items": [{"code": "a"}, {"code": "b"}], "next_cursor": None}
    assert _page(["a", "b"], PageQuery(limit=1))["next_cursor"]
    assert _page([], PageQuery()) == {"items": [], "next_cursor": None}


def test_a_new_row_is_on_the_page_of_its_place() -> None:
    cursor = _page(["a", "c"], PageQuery(limit=1))["next_cursor"]
    items = _page(["a", "b", "c"], PageQuery(limit=5, cursor=cursor))["items"]
    assert [each["code"] for each in items] == ["b", "c"]


def test_a_cursor_from_elsewhere_is_refused() -> None:
    cursor = _page(["a", "b"], FilteredQuery(limit=1))["next_cursor"]
    assert _page(["a", "b"], FilteredQuery(limit=9, cursor=cursor))["items"] == [{"code": "b"}]
    with pytest.raises(BadCursor):
        _page(["a", "b"], FilteredQuery(limit=1, cursor=cursor), "/v1/y")
    with pytest.raises(BadCursor):
        _page(["a", "b"], FilteredQuery(limit=1, cursor=cursor), subject="bert")
    with pytest.raises(BadCursor):
        _page(["a", "b"], FilteredQuery(limit=1, cursor=""))
    with pytest.raises(BadCursor):
        _page(["a", "b"], FilteredQuery(limit=1, cursor=cursor, area="440105"))
