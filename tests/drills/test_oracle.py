"""The oracle is awake: each fault that is put in by hand is found, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import NamedTuple
from uuid import uuid4

import pytest

from tests.drills import oracle
from tests.drills.cluster import Cluster
from tests.drills.drill import Drill, Stage, load, stage
from tests.drills.faults_by_hand import FAULTS, LOOSE
from tests.drills.ledger import Ledger, Reply
from tests.drills.reader import Seen
from tests.drills.site import STREET, Template

pytestmark = pytest.mark.slow


class Life(NamedTuple):
    """A short life of the service, at rest now."""

    cluster: Cluster
    drill: Drill

    def violations(self, *statements: str, seen: list[Seen] | None = None) -> list[str]:
        """What the oracle finds after these statements, which are undone."""
        return asyncio.run(self._violations(statements, seen))

    async def _violations(self, statements: tuple[str, ...], seen: list[Seen] | None) -> list[str]:
        connection = await self.cluster.connect()
        transaction = connection.transaction()
        await transaction.start()
        kept = self.drill.reader.seen
        try:
            for statement in statements:
                await connection.execute(statement)
            self.drill.reader.seen = kept if seen is None else seen
            return await self.drill.disagreements(connection)
        finally:
            self.drill.reader.seen = kept
            await transaction.rollback()
            await connection.close()

    def names(self) -> dict[str, str]:
        """What the statements of `FAULTS` name."""
        entries = self.drill.ledger.entries
        return {
            "report": next(each.key for each in entries if each.verb == "report" and each.is_done),
            "act": next(each.key for each in entries if each.verb != "report" and each.is_done),
            "refused": next(each.key for each in entries if each.verb != "report" and each.is_refused),
            **{f"loose_{table}s": LOOSE.format(table=table) for table in ("call", "incident", "report")},
        }


@pytest.fixture(scope="module")
def life(prepared: Template) -> Iterator[Life]:
    with asyncio.Runner() as runner:
        context = stage(prepared, "oracle", print)
        here = runner.run(context.__aenter__())
        try:
            drill = runner.run(_live(here))
            yield Life(here.cluster, drill)
        finally:
            runner.run(context.__aexit__(None, None, None))


async def _live(here: Stage) -> Drill:
    await here.serve(here.cluster.url())
    async with load(here, people=6, batchers=1) as drill:
        await here.cluster.until("SELECT count(*) > 50 FROM call WHERE outcome = 'no_answer'")
        drill.ledger.write("answer", STREET, {"measure": "x"}, str(uuid4()))
        await drill.writers.settle(drill.ledger.entries[-1])  # an incident that is not there: refused for good
        outcome = await drill.judge(here.cluster, here.folder)
    assert outcome.violations == []
    return drill


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_put_in_by_hand_is_found(life: Life, fault: str) -> None:
    expected, statement = FAULTS[fault]
    found = life.violations(statement.format_map(life.names()))
    assert any(each.startswith(f"{expected}: ") for each in found), found


def test_nothing_is_found_where_nothing_is_wrong(life: Life) -> None:
    assert life.violations() == []


def test_a_reader_that_missed_or_repeated_is_found(life: Life) -> None:
    seen = life.drill.reader.seen
    for wrong, expected in (
        (seen[:5] + seen[6:], "an event the reader did not see"),
        (seen + seen[-1:], "an event seen twice or not in the database"),
        ([seen[-1], *seen[1:-1], seen[0]], "events seen out of order"),
    ):
        assert [each.partition(":")[0] for each in life.violations(seen=wrong)] == [expected]


def test_each_query_has_a_fault_that_it_finds() -> None:
    assert set(oracle.QUERIES) <= {expected for expected, _ in FAULTS.values()}


def test_bad_answers_are_found() -> None:
    ledger = Ledger()
    ledger.replies += [
        Reply(0, 0.1, 500, "internal_error", True, 0),
        Reply(0, 0.1, 503, "unavailable", True, 0),
        Reply(0, 0.1, 503, "", False, 0),
        Reply(0, 0.1, 201, "", False, 0),
    ]
    assert ledger.faults() == ["1 answers of 500 internal_error", "1 errors without a problem document"]
