"""The shape of one page of a list, the same for every list."""

from __future__ import annotations

from typing import Generic, TypeVar

from typing_extensions import TypedDict

_Item = TypeVar("_Item")


class ItemPage(TypedDict, Generic[_Item]):
    """One page of a list. `next_cursor` leads to the next page; it is null on the last one."""

    items: list[_Item]
    next_cursor: str | None
