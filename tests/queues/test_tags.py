"""A tag once given never comes back after a change, in whichever order batches are committed, told and numbered."""

from __future__ import annotations

import asyncio

import pytest

from service.queues.tags import DEFAULT_STATES, QueueTags
from service.rules.words import State

CALLING = frozenset({State.CALLING})


def test_a_commit_with_a_smaller_id_changes_the_tag_too() -> None:
    tags = QueueTags()
    tags.touch(["u:calling"], 5)
    first = tags.tag("u", CALLING)
    tags.touch(["u:answered"], 4)
    second = tags.tag("u", DEFAULT_STATES)
    tags.touch(["u:calling"], 3)
    assert len({first, second, tags.tag("u", DEFAULT_STATES), tags.tag("u", CALLING)}) == 3


def test_only_the_batch_itself_ends_its_mark() -> None:
    here, elsewhere = QueueTags(), QueueTags()
    elsewhere.advance(["u:calling"], 10, 7)
    given = elsewhere.tag("u", CALLING)
    here.touch(["u:calling"], 4)  # written after `given` was, by a transaction that began before batch 7
    here.advance(["u:calling"], 10, 7)
    assert here.tag("u", CALLING) != given
    here.advance(["u:calling"], 12, 4)
    elsewhere.advance(["u:calling"], 12, 4)
    assert here.tag("u", CALLING) == elsewhere.tag("u", CALLING) == 'W/"12"'


def test_a_state_that_is_not_asked_for_leaves_the_tag() -> None:
    tags = QueueTags()
    before = tags.tag("u", CALLING)
    tags.touch(["u:resolved", "v:calling"], 1)
    tags.advance(["u:resolved", "v:calling"], 1, 1)
    assert tags.tag("u", CALLING) == before


@pytest.mark.anyio
async def test_whoever_waits_is_woken_by_its_own_queue_alone() -> None:
    tags = QueueTags()
    tag = tags.tag("u", CALLING)
    waits = asyncio.create_task(tags.changed("u", CALLING, tag, 10))
    other = asyncio.create_task(tags.changed("v", CALLING, tag, 0.05))
    await asyncio.sleep(0)
    tags.touch(["u:answered"], 1)
    tags.touch(["u:calling"], 2)
    assert await waits
    assert not await other
