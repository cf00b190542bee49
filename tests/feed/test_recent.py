"""What a process remembers of the newest batches."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.feed import recent
from service.feed.recent import RecentPlaces
from service.store.log.marks import BEGINNING, LogPlace, short


def _batch(n: int) -> UUID:
    return UUID(int=n << 96)


def test_each_position_has_the_mark_of_its_batch() -> None:
    known = RecentPlaces()
    assert (known.end, known.mark_at(0), known.mark_at(1)) == (BEGINNING, None, None)
    known.add(LogPlace(2, "a"))
    known.add(LogPlace(3, "b"))
    assert [known.mark_at(position) for position in (1, 2, 3, 4)] == ["a", "a", "b", None]
    known.begin_at([LogPlace(7, "c"), LogPlace(9, "d")])
    assert [known.mark_at(position) for position in (3, 6, 7, 8, 9)] == [None, None, "c", "d", "d"]
    assert known.end == LogPlace(9, "d")


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "_MIN_BATCHES", 2)
    known = RecentPlaces()
    for n in range(1, 5):
        known.add(LogPlace(n, short(_batch(n))))
    assert [known.has(_batch(n)) for n in range(1, 6)] == [False, True, True, True, False]
    assert known.ends[0].position == 2
