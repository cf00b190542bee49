"""The cursors of the feed. A cursor names its history: a position, the mark of the batch there, and the history of the
log in which it was signed. The position comes first and stood alone once: such cursors are still read, and programs
from then read the position of these.

When the log was taken back, a cursor beyond the loss is refused with the last cursor that both histories share. That is
known if each loss since the cursor was signed has its row in `log_history`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from service.context import Context
from service.feed.tail import Tail
from service.rules.errors import CursorExpired, HistoryChanged
from service.rules.sentences import Sentence
from service.store.log import histories, marks
from service.store.log.histories import History
from service.store.log.marks import BEGINNING, LogPlace, LostPlaceError

_KIND = "events"


class FeedCursor(NamedTuple):
    """A place in the log, and the mark of the history in which the cursor was signed; None: not known."""

    place: LogPlace
    history: str | None = None


def read(context: Context, text: str) -> FeedCursor:
    """The cursor that was signed as `text`. Raises `BadCursor` or `Unavailable`."""
    values: list[Any] = context.cursors.read(_KIND, text)
    position, mark, history = [*values, None, None][:3]
    return FeedCursor(LogPlace(position, mark), history)


def sign(context: Context, place: LogPlace, history: str) -> str:
    """The cursor of a place, as text. `history` is the present one, or an earlier one: it was looked up before the
    place was read."""
    values = [0] if place.position == 0 else [*place, history]
    return context.cursors.sign(_KIND, values)


async def refusal(context: Context, cursor: FeedCursor, error: LostPlaceError) -> HistoryChanged | CursorExpired:
    """The refusal of a cursor whose place the log does not hold. Raises `Unavailable`."""
    history = context.part(Tail).history
    oldest = sign(context, BEGINNING, history)
    if not error.kept:
        return CursorExpired(
            Sentence("Events as old as these are not kept any more. Go on from `oldest`: what lies between is gone."),
            oldest=oldest,
        )
    async with context.database.read() as connection:
        stored = await histories.stored(connection)
        common = _common(cursor, stored)
        shared = sign(context, await marks.at(connection, common), history) if common is not None else None
    if cursor.history is not None and _is_news(cursor.history, stored):
        context.part(Tail).doubt(cursor.history)
    return HistoryChanged(_advice(shared), oldest=oldest, common=shared)


def _since(history: str | None, stored: tuple[History, ...]) -> tuple[History, ...] | None:
    """The histories that began after this one; None when it is not known."""
    for n, each in enumerate(stored, 1):
        if each.mark == history:
            return stored[n:]
    return None


def _common(cursor: FeedCursor, stored: tuple[History, ...]) -> int | None:
    """The last position that a reader shares with the present history; None when that is not known."""
    losses = [each.begins_after for each in _since(cursor.history, stored) or ()]
    known = [each for each in losses if each is not None]
    if not known or len(known) < len(losses) or min(known) >= cursor.place.position:
        return None
    return min(known)


def _is_news(history: str, stored: tuple[History, ...]) -> bool:
    """Whether the log does not say yet that something of this history was lost."""
    since = _since(history, stored)
    return since is not None and not any(each.announced for each in since)


def _advice(common: str | None) -> Sentence:
    if common is None:
        return Sentence(
            "The log was restored or has failed over, and what you read last is not in it. Go on from `oldest`: an "
            "event that you have read before has the same id."
        )
    return Sentence(
        "The log was restored or has failed over, and what you read last is not in it. Go on from `common`: take back "
        "what you read after it, other events came instead."
    )
