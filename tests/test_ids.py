"""Ids sort in the order they were made and carry the service's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from service import ids

NOON = datetime(2026, 11, 2, 12, 0, 0, 123_456, tzinfo=UTC)


def test_an_id_is_a_version_7_uuid_of_the_given_time() -> None:
    made = ids.new_id(NOON)
    assert (made.version, made.variant) == (7, RFC_4122)
    assert ids.time_of(made) == NOON.replace(microsecond=123_000)


def test_the_time_of_another_zone_is_the_same_instant() -> None:
    assert ids.time_of(ids.new_id(datetime.fromisoformat("2026-11-02T20:00:00+08:00"))) == NOON.replace(microsecond=0)


def test_a_hundred_thousand_ids_of_one_instant_are_unique_and_in_order() -> None:
    made = [ids.new_id(NOON) for _ in range(100_000)]
    assert len(set(made)) == len(made)
    assert made == sorted(made)
    assert [str(one) for one in made] == sorted(str(one) for one in made)
    assert {ids.time_of(one) for one in made} == {NOON.replace(microsecond=123_000)}


def test_an_id_of_a_later_millisecond_sorts_after() -> None:
    made = [ids.new_id(NOON + timedelta(milliseconds=step)) for step in range(1_000)]
    assert made == sorted(made)


def test_a_time_before_the_last_one_is_taken_as_it_is() -> None:
    later = ids.new_id(NOON + timedelta(days=1))
    earlier = ids.new_id(NOON)
    assert earlier < later
    assert ids.time_of(earlier) == NOON.replace(microsecond=123_000)


def test_the_counter_starts_anew_at_random_each_millisecond() -> None:
    seeds = {ids.new_id(NOON + timedelta(milliseconds=step)).int & ((1 << 62) - 1) for step in range(100)}
    assert len(seeds) == 100
