"""Pages of the calls behind a figure or a sign: the place where one begins, and the cursor of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from service.appraisal import views
from service.appraisal.shapes import CountedCall
from service.rules.sight import Viewer
from service.store.figures.tallies import CallPlace, place_of
from service.web.answers import Answer, answer
from service.web.cursors import Cursors
from service.web.paging import ItemPage


def place(cursors: Cursors, kind: str, cursor: str | None) -> CallPlace | None:
    """The place after which a page begins; None: at the first call. Raises `BadCursor` when it is another list's."""
    if cursor is None:
        return None
    opened_at, incident_id, seq = cursors.read(kind, cursor)
    return datetime.fromisoformat(opened_at), UUID(incident_id), seq


def page(
    cursors: Cursors,
    kind: str,
    viewer: Viewer,
    found: Sequence[Mapping[Any, Any]],
    limit: int,
    headers: Mapping[str, str] | None = None,
) -> Answer[ItemPage[CountedCall]]:
    """Answer with at most `limit` of the calls that were found, and with a cursor when there are more of them."""
    shown = found[:limit]
    cursor = cursors.sign(kind, [*place_of(shown[-1])]) if len(found) > limit else None
    return answer({"items": [views.call(viewer, each) for each in shown], "next_cursor": cursor}, headers=headers)
