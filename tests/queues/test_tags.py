"""A tag once given never comes back after a change, in whichever order batches are committed, told and numbered."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from service.queues.tags import DEFAULT_STATES, QueueTags
from service.rules.words import State
from service.store.log.marks import LogPlace

CALLING = frozenset({State.CALLING})


def _batch(n: int) -> UUID:
    return UUID(int=n << 96)


def test_a_commit_with_a_smaller_id_changes_the_tag_too() -> None:
    tags = QueueTags()
    tags.touch(["u:calling"], _batch(5))
    first = tags.tag("u", CALLING)
    tags.touch(["u:answered"], _batch(4))
    second = tags.tag("u", DEFAULT_STATES)
    tags.touch(["u:calling"], _batch(3))
    assert len({first, second, tags.tag("u", DEFAULT_STATES), tags.tag("u", CALLING)}) == 3


def test_only_the_batch_itself_ends_its_mark() -> None:
    here, elsewhere = QueueTags(), QueueTags()
    elsewhere.advance(["u:calling"], LogPlace(10, "a"), _batch(7))
    given = elsewhere.tag("u", CALLING)
    here.touch(["u:calling"], _batch(4))  # written after `given` was, by a transaction that began before batch 7
    here.advance(["u:calling"], LogPlace(10, "a"), _batch(7))
    assert here.tag("u", CALLING) != given
    here.advance(["u:calling"], LogPlace(12, "b"), _batch(4))
    elsewhere.advance(["u:calling"], LogPlace(12, "b"), _batch(4))
    assert here.tag("u", CALLING) == elsewhere.tag("u", CALLING) == 'W/"12-b"'


def test_a_state_that_is_not_asked_for_leaves_the_tag() -> None:
    tags = QueueTags()
    before = tags.tag("u", CALLING)
    tags.touch(["u:resolved", "v:calling"], _batch(1))
    tags.advance(["u:resolved", "v:calling"], LogPlace(1, "a"), _batch(1))
    assert tags.tag("u", CALLING) == before


@pytest.mark.anyio
async def test_whoever_waits_is_woken_by_its_own_queue_alone() -> None:
    tags = QueueTags()
    tag = tags.tag("u", CALLING)
    waits = asyncio.create_task(tags.changed("u", CALLING, tag, 10))
    other = asyncio.create_task(tags.changed("v", CALLING, tag, 0.05))
    await asyncio.sleep(0)
    tags.touch(["u:answered"], _batch(1))
    tags.touch(["u:calling"], _batch(2))
    assert await waits
    assert not await other


def test_a_position_given_again_makes_another_tag() -> None:
    """A restore took the log back: the queue has changed at the same position, and is not the same."""
    tags = QueueTags()
    tags.advance(["u:calling"], LogPlace(3, "a"), _batch(1))
    lost = tags.tag("u", CALLING)
    tags.load({})
    tags.advance(["u:calling"], LogPlace(3, "b"), _batch(1))
    assert tags.tag("u", CALLING) != lost


def test_a_batch_that_was_lost_leaves_no_mark() -> None:
    tags = QueueTags()
    before = tags.tag("u", CALLING)
    tags.touch(["u:calling", "v:calling"], _batch(1))
    tags.drop([_batch(1)])
    assert tags.tag("u", CALLING) == before
