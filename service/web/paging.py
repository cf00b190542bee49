"""Pages of a list: at most `limit` rows, and the signed cursor of the next page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.web.answers import Answer, answer, encode
from service.web.cursors import Cursors, kind_of
from service.web.text import Limit, PageCursor, Params

SortKey = tuple[str | int, ...]
"""The values by which a list is sorted; a cursor carries those of the last row of its page."""

_Row = TypeVar("_Row")
_Item = TypeVar("_Item")


class ItemPage(TypedDict, Generic[_Item]):
    """One page of a list. `next_cursor` leads to the next page; it is null on the last one."""

    items: list[_Item]
    next_cursor: str | None


class PageQuery(Params):
    """The query of a list: how many rows a page has, and the cursor at which it starts."""

    limit: Limit = 50
    cursor: PageCursor = None


def page(
    cursors: Cursors,
    path: str,
    subject: str,
    query: PageQuery,
    rows: Iterable[_Row],
    view: Callable[[_Row], _Item],
    sort_key: Callable[[_Row], SortKey],
) -> Answer[ItemPage[_Item]]:
    """Answer with one page of `rows`, which lie in memory and come in the order of `sort_key`, to the caller `subject`.
    `view` makes the JSON of one row.

    Raises:
        BadCursor: the cursor belongs to another path, subject or deployment, or to other filters.
    """
    kind = list_kind(path, query, subject)
    after = () if query.cursor is None else tuple(cursors.read(kind, query.cursor))
    found = [row for row in rows if sort_key(row) > after][: query.limit + 1]
    items = found[: query.limit]
    next_cursor = cursors.sign(kind, sort_key(items[-1])) if len(found) > query.limit else None
    return answer({"items": [view(row) for row in items], "next_cursor": next_cursor})


def list_kind(name: str, query: Params, subject: str) -> str:
    """The kind of the cursors of a list. Filters that nobody gave leave no trace in it, so that one which is new makes
    no old cursor useless."""
    given = query.model_dump(mode="json", exclude={"cursor", "limit"}, exclude_defaults=True)
    return kind_of(name, given, subject)


def encoded(items: bytes, next_cursor: str | None, headers: Mapping[str, str] | None = None) -> Answer[Any]:
    """Answer with a page whose items are JSON already."""
    content = b'{"items":%b,"next_cursor":%b}' % (items, encode(next_cursor))
    return Answer(content, headers=headers)
