"""The "Never" list of contract §2, asked of the database's own rows after weeks at random over HTTP.

Every check is one query, written from the contract and not from the code, that lists what must not be there.
"""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from tests.house import House
from tests.scenarios.random_days import Days

pytestmark = pytest.mark.anyio

STEPS = 1_200

NEVER = {
    "an open incident without a deadline or an owner": """
        SELECT number FROM incident WHERE state <> 'closed' AND (due_at IS NULL OR wake_at IS NULL OR unit IS NULL)""",
    "a deadline of another kind than the state's": """
        SELECT number FROM incident WHERE due_kind IS DISTINCT FROM CASE state
            WHEN 'calling' THEN 'answer' WHEN 'answered' THEN 'resolve'
            WHEN 'on_hold' THEN 'resume' WHEN 'resolved' THEN 'verify' END""",
    "a deadline that is not the call's": """
        SELECT number FROM incident JOIN call ON incident_id = id AND call.seq = incident.seq
        WHERE (state = 'calling' AND due_at <> answer_by) OR (state = 'answered' AND due_at <> resolve_by)""",
    "a closed incident with a deadline, or with a deadline that is provisional": """
        SELECT number FROM incident WHERE state = 'closed'
        AND (due_at IS NOT NULL OR wake_at IS NOT NULL OR provisional OR closed_at IS NULL OR closed_as IS NULL)""",
    "two open calls, or none where one has to be": """
        SELECT number FROM incident
        WHERE (SELECT count(*) FROM call WHERE incident_id = id AND outcome IS NULL)
            <> CASE WHEN state IN ('calling', 'answered', 'on_hold') THEN 1 ELSE 0 END""",
    "a call without an outcome once the next one opened": """
        SELECT number FROM incident JOIN call ON incident_id = id AND call.seq < incident.seq WHERE outcome IS NULL""",
    "calls that are not counted from 1, or rounds that are not": """
        SELECT incident_id, seq FROM (
            SELECT incident_id, seq, round, row_number() OVER (PARTITION BY incident_id ORDER BY seq) AS n,
                row_number() OVER (PARTITION BY incident_id, level ORDER BY seq) AS of_level FROM call
        ) AS counted WHERE seq <> n OR round <> of_level""",
    "an incident that is elsewhere than its last call": """
        SELECT number FROM incident WHERE (unit, level, seq)
            IS DISTINCT FROM (SELECT (unit, level, seq) FROM call WHERE incident_id = id ORDER BY seq DESC LIMIT 1)""",
    "counts of calls a level that are not those of the calls": """
        SELECT number FROM incident, generate_series(1, 4) AS at
        WHERE calls_at[at] <> (SELECT count(*) FROM call WHERE incident_id = id AND level = at)""",
    "a unit that was called or assists, and does not hear of it": """
        SELECT number FROM incident JOIN call ON incident_id = id
        WHERE NOT call.unit = ANY (audience) OR NOT call.assisting <@ audience""",
    "a lateness without a miss, or a miss without its lateness": """
        SELECT incident_id, seq FROM call
        WHERE (late_s IS NOT NULL) <> (outcome IS NOT NULL AND outcome IN ('no_answer', 'not_resolved'))
            OR late_s < 0""",
    "a miss that was answered, or an answer that was missed": """
        SELECT incident_id, seq FROM call
        WHERE (outcome = 'no_answer' AND answered_at IS NOT NULL)
            OR (outcome IN ('not_resolved', 'resolved') AND answered_at IS NULL)""",
    "a call that ended before it was answered or opened": """
        SELECT incident_id, seq FROM call
        WHERE NOT opened_at <= coalesce(answered_at, opened_at) OR NOT coalesce(answered_at, opened_at) <= ended_at""",
    "a binding call that was returned": "SELECT incident_id FROM call WHERE binding AND outcome = 'returned'",
    "more returns than the policy's, but to the leader": """
        SELECT id FROM incident WHERE returns <> (SELECT count(*) FROM call WHERE incident_id = id
            AND outcome = 'returned')""",
    "two open requests, or one on an incident that does not run": """
        SELECT number FROM incident WHERE (SELECT count(*) FROM request WHERE incident_id = id AND outcome IS NULL)
            > CASE WHEN state IN ('calling', 'answered') THEN 1 ELSE 0 END""",
    "an exemption without an appeal, or of a call that was not missed": """
        SELECT incident_id FROM call WHERE (exempt AND appeal IS NULL)
            OR (appeal IS NOT NULL AND outcome NOT IN ('no_answer', 'not_resolved'))""",
    "a merge into nothing, or into itself": """
        SELECT number FROM incident AS merged
        WHERE (merged_into IS NOT NULL) <> (closed_as IS NOT DISTINCT FROM 'merged') OR merged_into = id
            OR (merged_into IS NOT NULL AND NOT EXISTS (SELECT FROM incident WHERE id = merged.merged_into))""",
    "events that are not counted from 1 without a gap": """
        SELECT number FROM incident WHERE sequence <> (SELECT count(*) FROM event WHERE incident_id = id)
            OR sequence <> (SELECT max(sequence) FROM event WHERE incident_id = id)""",
    "a last event that shows the incident elsewhere than it is": """
        SELECT number FROM incident JOIN event ON incident_id = id AND event.sequence = incident.sequence
        WHERE (data -> 'incident' ->> 'state', data -> 'incident' ->> 'unit', (data -> 'incident' ->> 'level')::int)
            IS DISTINCT FROM (state, incident.unit, level::int)""",
    "a call that opened without an event, or an event of a call that did not open": """
        SELECT number FROM incident WHERE seq
            <> (SELECT count(*) FROM event WHERE incident_id = id AND type = 'sihu.call.opened')""",
    "positions with a gap": """
        SELECT id FROM (SELECT id, last_position, sum(events) OVER (ORDER BY id) AS counted FROM log_batch) AS log
        WHERE last_position <> counted""",
    "a number given twice": "SELECT number FROM incident GROUP BY number HAVING count(*) > 1",
    "a report without its incident, or an incident without its report": """
        SELECT coalesce(report.id, incident.id) FROM report FULL JOIN incident USING (id)
        WHERE report.id IS NULL OR incident.id IS NULL""",
    "a key that made two incidents": """
        SELECT subject, idempotency_key FROM report GROUP BY 1, 2
        HAVING count(*) > 1 AND idempotency_key IS NOT NULL""",
    "a row that could not be swept": "SELECT number FROM incident WHERE faults > 0",
}


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [2020, 2026])
async def test_nothing_that_must_never_be_is_on_the_rows(house: House, seed: int) -> None:
    """What was acknowledged is there as well, at the version that was answered or a later one."""
    days = Days(house, seed)
    await days.live(STEPS)
    await house.sealed()

    async with house.process.database.read() as connection:
        found = {name: (await connection.execute(text(query))).all() for name, query in NEVER.items()}
        rows = (await connection.execute(text("SELECT id, version FROM incident"))).all()
        happened = set(await connection.scalars(text("SELECT DISTINCT outcome FROM call WHERE outcome IS NOT NULL")))

    assert {name: each for name, each in found.items() if each} == {}
    stored = {row.id: row.version for row in rows}
    assert stored.keys() == {UUID(each) for each in days.known}
    assert all(stored[UUID(each)] >= incident["version"] for each, incident in days.known.items())
    everything = {"resolved", "raised", "no_answer", "not_resolved", "returned", "assigned", "closed"}
    assert happened == everything, "what never happened proves nothing"
