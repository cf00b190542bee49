"""The shape of every list."""

from __future__ import annotations

from typing import Generic, TypeVar

from typing_extensions import TypedDict

_Item = TypeVar("_Item")


class ItemPage(TypedDict, Generic[_Item]):
    """One page of a list. `next_cursor` leads to the next page; None: there is none."""

    items: list[_Item]
    next_cursor: str | None
