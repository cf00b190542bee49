"""The oracle: what has to hold in the database at rest, whatever was done to the service. All of it in SQL of its own.

Each query lists what is wrong; an empty list is what is right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.drills.ledger import Entry, Ledger
from tests.drills.reader import Seen

_SHOWN = 3
"""How many of a kind are shown; the others are counted."""

QUERIES = {
    "a call twice": "SELECT incident_id, seq FROM call GROUP BY 1, 2 HAVING count(*) > 1",
    "a round twice": "SELECT incident_id, level, round FROM call GROUP BY 1, 2, 3 HAVING count(*) > 1",
    "calls with a gap": "SELECT incident_id FROM call GROUP BY 1 HAVING min(seq) <> 1 OR max(seq) <> count(*)",
    "a wrong round": """
        SELECT incident_id, seq FROM (
            SELECT *, row_number() OVER (PARTITION BY incident_id, level ORDER BY seq) AS nth FROM call
        ) AS c WHERE round <> nth""",
    "an incident that names another last call": """
        SELECT i.id FROM incident AS i LEFT JOIN (SELECT incident_id, max(seq) AS last FROM call GROUP BY 1) AS c
        ON c.incident_id = i.id WHERE c.last IS DISTINCT FROM i.seq""",
    "an incident without its report": "SELECT id FROM incident WHERE id NOT IN (SELECT id FROM report)",
    "a report without its incident": "SELECT id FROM report WHERE id NOT IN (SELECT id FROM incident)",
    "not one open call": """
        SELECT i.id FROM incident AS i
        LEFT JOIN (SELECT incident_id, count(*) AS open FROM call WHERE outcome IS NULL GROUP BY 1) AS c
        ON c.incident_id = i.id
        WHERE coalesce(c.open, 0) <> CASE WHEN i.state IN ('calling', 'answered', 'on_hold') THEN 1 ELSE 0 END""",
    "an open call that is not the last": """
        SELECT c.incident_id, c.seq FROM call AS c JOIN incident AS i ON i.id = c.incident_id
        WHERE c.outcome IS NULL AND c.seq <> i.seq""",
    "an open incident without deadline, owner or wake-up": """
        SELECT id FROM incident WHERE state <> 'closed'
        AND (due_at IS NULL OR due_kind IS NULL OR wake_at IS NULL OR coalesce(unit, '') = '')""",
    "a policy that is not there": """
        SELECT id FROM incident AS i WHERE NOT EXISTS (
            SELECT FROM policy AS p WHERE p.code = i.policy_code AND p.version = i.policy_version)""",
    "an incident put aside": "SELECT id FROM incident WHERE state <> 'closed' AND faults > 0",
    "fired early": """
        SELECT incident_id, seq FROM call WHERE outcome = 'no_answer' AND ended_at < answer_by
        OR outcome = 'not_resolved' AND ended_at < resolve_by""",
    "a lateness that is not that of its deadline": """
        SELECT incident_id, seq, late_s FROM call WHERE outcome IN ('no_answer', 'not_resolved') AND (
            late_s IS NULL OR late_s < 0 OR abs(late_s - extract(epoch FROM ended_at
            - CASE outcome WHEN 'no_answer' THEN answer_by ELSE resolve_by END)) > 0.002)""",
    "events with a gap": """
        SELECT incident_id FROM event WHERE incident_id IS NOT NULL GROUP BY 1
        HAVING min(sequence) <> 1 OR max(sequence) <> count(*) OR count(DISTINCT sequence) <> count(*)""",
    "an incident that counts other events": """
        SELECT i.id FROM incident AS i LEFT JOIN (SELECT incident_id, count(*) AS many FROM event GROUP BY 1) AS e
        ON e.incident_id = i.id WHERE e.many IS DISTINCT FROM i.sequence""",
    "an event without its incident": """
        SELECT incident_id FROM event WHERE incident_id IS NOT NULL AND incident_id NOT IN (SELECT id FROM incident)""",
    "not one reported event": """
        SELECT i.id FROM incident AS i WHERE (
            SELECT count(*) FROM event AS e WHERE e.incident_id = i.id AND e.type = 'sihu.incident.reported') <> 1""",
    "other missed events than missed calls": """
        SELECT incident_id FROM (
            SELECT incident_id, 1 AS n FROM call WHERE outcome IN ('no_answer', 'not_resolved')
            UNION ALL SELECT incident_id, -1 FROM event WHERE type = 'sihu.call.missed'
        ) AS u GROUP BY 1 HAVING sum(n) <> 0""",
    "other answered events than answered calls": """
        SELECT incident_id FROM (
            SELECT incident_id, 1 AS n FROM call WHERE answered_at IS NOT NULL
            UNION ALL SELECT incident_id, -1 FROM event WHERE type = 'sihu.call.answered'
        ) AS u GROUP BY 1 HAVING sum(n) <> 0""",
    "other opened events than calls": """
        SELECT incident_id FROM (
            SELECT incident_id, 1 AS n FROM call UNION ALL SELECT incident_id, -1 FROM event
            WHERE type = 'sihu.call.opened'
        ) AS u GROUP BY 1 HAVING sum(n) <> 0""",
    "an event without a position": "SELECT id FROM log_batch WHERE last_position IS NULL",
    "positions with a gap": """
        SELECT id FROM (
            SELECT id, last_position, sum(events) OVER (ORDER BY last_position) AS counted FROM log_batch
        ) AS b WHERE last_position <> counted""",
    "a batch that counts other events": """
        SELECT b.id FROM log_batch AS b LEFT JOIN (
            SELECT batch_id, count(*) AS many, max(ord) AS last FROM event GROUP BY 1) AS e ON e.batch_id = b.id
        WHERE e.many IS DISTINCT FROM b.events OR e.last IS DISTINCT FROM b.events""",
    "events of an incident out of order": """
        SELECT incident_id, sequence FROM (
            SELECT e.incident_id, e.sequence, lag(e.sequence) OVER (
                PARTITION BY e.incident_id ORDER BY b.last_position, e.ord) AS before
            FROM event AS e JOIN log_batch AS b ON b.id = e.batch_id WHERE e.incident_id IS NOT NULL
        ) AS o WHERE before >= sequence""",
}
_BOXES = """
    SELECT incident_id, seq FROM call WHERE answer_by - opened_at <> make_interval(secs => ($1::int[])[level])
    OR resolve_by - answered_at <> make_interval(secs => ($2::int[])[level])"""
_EVENTS = """
    SELECT e.incident_id::text, e.sequence, e.type FROM event AS e JOIN log_batch AS b ON b.id = e.batch_id
    ORDER BY b.last_position, e.ord"""
_QUEUE = """
    SELECT id::text FROM incident
    WHERE (unit = $1 OR $1 = ANY(assisting)) AND state IN ('calling', 'answered', 'on_hold') ORDER BY due_at, id"""
OVERDUE = "SELECT count(*) FROM incident WHERE state <> 'closed' AND due_at < now() - interval '5 s'"


def violation(name: str, found: Sequence[object]) -> list[str]:
    """One line for all faults of a kind; none when there are none."""
    shown = ", ".join(str(each) for each in found[:_SHOWN])
    return [f"{name}: {len(found)} ({shown}{', …' if len(found) > _SHOWN else ''})"] if found else []


async def check_tables(connection: Any, answer_s: Sequence[int], resolve_s: Sequence[int]) -> list[str]:
    """What is wrong in the tables by themselves. The boxes are those of levels 1 to 4, in seconds."""
    found = []
    for name, query in QUERIES.items():
        found += violation(name, [tuple(map(str, row)) for row in await connection.fetch(query)])
    wrong = await connection.fetch(_BOXES, list(answer_s), list(resolve_s))
    return [*found, *violation("a deadline that is not the box", [tuple(map(str, row)) for row in wrong])]


async def check_ledger(connection: Any, ledger: Ledger, *, losses: bool = False) -> list[str]:
    """What the ledger and the tables disagree about: acknowledged is there exactly once, refused is not there, and
    nothing is there that nobody sent. With `losses` what is missing is no fault."""
    reports = await connection.fetch("SELECT idempotency_key, id::text FROM report")
    acts = await connection.fetch(
        "SELECT idempotency_key, incident_id::text FROM event WHERE idempotency_key IS NOT NULL"
    )
    return [
        *violation("never answered for good", [each.key for each in ledger.entries if each.status is None]),
        *_compare("report", ledger.of(reports=True), [tuple(row) for row in reports], losses=losses),
        *_compare("act", ledger.of(reports=False), [tuple(row) for row in acts], losses=losses),
    ]


def _compare(kind: str, entries: Iterable[Entry], rows: Sequence[tuple[str, str]], *, losses: bool) -> list[str]:
    stored: dict[str, list[str]] = {}
    for key, incident in rows:
        stored.setdefault(key, []).append(incident)
    by_key = {each.key: each for each in entries}
    done = [each for each in by_key.values() if each.is_done]
    return [
        *violation(f"{kind} lost", [] if losses else [each.key for each in done if each.key not in stored]),
        *violation(f"{kind} doubled", [key for key, found in stored.items() if len(found) > 1]),
        *violation(
            f"{kind} answered with another incident",
            [
                each.key
                for each in done
                if each.key in stored and stored[each.key] != [each.incident] * len(stored[each.key])
            ],
        ),
        *violation(
            f"{kind} refused and done", [each.key for each in by_key.values() if each.is_refused and each.key in stored]
        ),
        *violation(f"{kind} that nobody sent", [key for key in stored if key not in by_key]),
    ]


async def lost(connection: Any, ledger: Ledger) -> int:
    """How many acknowledged writes are not in the database."""
    rows = await connection.fetch("SELECT idempotency_key FROM report UNION ALL SELECT idempotency_key FROM event")
    stored = {row[0] for row in rows}
    return sum(each.is_done and each.key not in stored for each in ledger.entries)


async def check_feed(connection: Any, seen: Sequence[Seen], before: Sequence[Seen] = ()) -> list[str]:
    """Whether a reader has seen every event once, in the order of the positions. One that had to go back saw the first
    ones `before`."""
    stored = [Seen(*row) for row in await connection.fetch(_EVENTS)]
    seen = [*before[: max(0, len(stored) - len(seen))], *seen]
    missing, strange = Counter(stored) - Counter(seen), Counter(seen) - Counter(stored)
    found = [
        *violation("an event the reader did not see", list(missing.elements())),
        *violation("an event seen twice or not in the database", list(strange.elements())),
    ]
    if not found and stored != seen:
        first = next(place for place, (left, right) in enumerate(zip(stored, seen, strict=True)) if left != right)
        found += violation("events seen out of order", [f"from position {first + 1} on"])
    return found


async def queue_units(connection: Any) -> list[str]:
    """The units that have anything in their queue."""
    rows = await connection.fetch(
        "SELECT DISTINCT u FROM incident, unnest(array_append(assisting, unit)) AS u "
        "WHERE state IN ('calling', 'answered', 'on_hold') ORDER BY u"
    )
    return [row[0] for row in rows]


async def check_queues(connection: Any, pages: Mapping[str, Sequence[str]]) -> list[str]:
    """Whether each queue, read page by page, is what the table of incidents says."""
    found = []
    for unit, shown in pages.items():
        stored = [row[0] for row in await connection.fetch(_QUEUE, unit)]
        if list(shown) != stored:
            found.append(f"{unit}: {len(shown)} shown, {len(stored)} stored")
    return violation("a queue that is not the table", found)
