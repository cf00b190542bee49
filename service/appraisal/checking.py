"""The figures of a month, counted once from the calls and once from the log alone: the two must agree. Its seed must be
the one whose digest the log has, and so must the figures of a closed month; a month that the log has as closed must be
closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from service.rules.figures import ledger
from service.rules.figures.counting import MonthCount
from service.rules.figures.definition import CallFacts, Grouping, Measure, Period, Tallies, Tally, group_of
from service.rules.sight import EVERYTHING
from service.rules.words import EventType
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.figures import frozen, histories, months, records, seeds
from service.store.figures import tallies as appraisal


class CheckProgress(NamedTuple):
    """How far a check has come: the calls that it has found in the log, and those that are stored; None as long as
    they are counted."""

    logged: int = 0
    stored: int | None = None


async def differences(
    database: Database, period: Period, world: World, note: Callable[[CheckProgress], None] = lambda progress: None
) -> list[str]:
    """One line for every figure in which calls and log differ, in every grouping, and one for each way in which its
    seed or its close is not as the log has it. All is read in one snapshot."""
    async with database.read() as connection:
        counted = {each: await appraisal.tallies(connection, period, each, EVERYTHING) for each in Grouping}
        stored = counted[Grouping.LEVEL].total.counts[Measure.CALLS]
        logged = MonthCount(period, lambda call: _groups(call, world))
        async for history in histories.histories(connection, period):
            logged.add(ledger.calls_of(history))
            note(CheckProgress(logged.calls, stored))
        found = await _tampered(connection, period)
    for n, (grouping, by_calls) in enumerate(counted.items()):
        by_log = logged.tallies(lambda groups, n=n: groups[n])  # type: ignore[misc]
        found += [f"by {grouping}, {line}" for line in _compared(by_calls, by_log)]
    return found


async def _tampered(connection: Transaction, period: Period) -> list[str]:
    """What of the seed and of the close of a month is not as the log has it."""
    seed = await seeds.seed_of(connection, period)
    published = await records.records(connection, period, EventType.APPRAISAL_SEEDED)
    # a seed is made once, so what was published first is what counts
    digests = seed and seed.digest, published[0].data["digest"] if published else None
    found = _unlike({"seed digest": digests})
    closes = await records.records(connection, period, EventType.APPRAISAL_CLOSED)
    if len(closes) > 1:
        found.append(f"the log has more than one close of the month: {', '.join(str(each.at) for each in closes)}")
    closing = (await months.known(connection, period)).closing
    if closing is None:
        return [*found, *(f"the month is open by the rows, closed at {each.at} by the log" for each in closes[:1])]
    record = next((each.data for each in closes if each.at == closing.at), None)
    if record is None:
        return [*found, f"the log does not have that the month was closed at {closing.at}"]
    policy = None if closing.policy is None else {"code": closing.policy[0], "version": closing.policy[1]}
    of_close = {
        "frozen digest": (await frozen.digest(connection, period), record["digest"]),
        "noted digest": (closing.digest, record["digest"]),
        "frozen policy": (policy, record["policy"]),
        "seed": (seed and seed.seed, record["seed"]),
    }
    return [*found, *_unlike(of_close)]


def _unlike(both: Mapping[str, tuple[object, object]]) -> list[str]:
    """One line for each thing that the rows have otherwise than the log."""
    return [f"{name} is {row} by the rows, {log} by the log" for name, (row, log) in both.items() if row != log]


def _groups(call: CallFacts, world: World) -> tuple[str | None, ...]:
    """The code of a call's group in every grouping, so that all groupings are counted at once."""
    return tuple(group_of(grouping, call, world) for grouping in Grouping)


def _compared(counted: Tallies, rebuilt: Tallies) -> Iterator[str]:
    nothing = Tally(dict.fromkeys(Measure, 0))
    for code in sorted({*counted.groups, *rebuilt.groups}):
        both = counted.groups.get(code, nothing), rebuilt.groups.get(code, nothing)
        yield from (f"{code}: {line}" for line in _differing(*both))
    yield from (f"total: {line}" for line in _differing(counted.total, rebuilt.total))


def _differing(counted: Tally, rebuilt: Tally) -> Iterator[str]:
    by_calls, by_log = _flat(counted), _flat(rebuilt)
    for name in by_calls:
        if by_calls[name] != by_log[name]:
            yield f"{name} is {by_calls[name]} by the calls, {by_log[name]} by the log"


def _flat(tally: Tally) -> dict[str, object]:
    counts = {measure.value: n for measure, n in tally.counts.items()}
    return {**counts, **{name: value for name, value in tally._asdict().items() if name != "counts"}}
