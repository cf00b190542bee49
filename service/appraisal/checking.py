"""The figures of a month, counted once from the calls and once from the log alone: the two must agree."""

from __future__ import annotations

from collections.abc import Iterator

from service.rules.figures import ledger
from service.rules.figures.definition import CallFacts, Grouping, Measure, Period, Tallies, Tally, group_of, tallies
from service.rules.sight import EVERYTHING
from service.rules.world import World
from service.store.database import Database
from service.store.figures import histories
from service.store.figures import tallies as appraisal


async def differences(database: Database, period: Period, world: World) -> list[str]:
    """One line for every figure in which calls and log differ, in every grouping. Both are read in one snapshot."""
    found: list[str] = []
    async with database.read() as connection:
        logged: list[CallFacts] = []
        async for history in histories.histories(connection, period):
            logged += ledger.calls_of(history)
        for grouping in Grouping:
            counted = await appraisal.tallies(connection, period, grouping, EVERYTHING)
            rebuilt = tallies(logged, period, lambda call, by=grouping: group_of(by, call, world))  # type: ignore[misc]
            found += [f"by {grouping}, {line}" for line in _compared(counted, rebuilt)]
    return found


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
