"""Faults that a person puts into a database at rest, each with the name under which the oracle has to find it."""

from __future__ import annotations

_SOME_EVENT = "(SELECT batch_id, ord FROM event WHERE incident_id IS NOT NULL AND idempotency_key IS NULL LIMIT 1)"
_RETYPED = "UPDATE event SET type = 'x' WHERE type = 'sihu.{}'"

LOOSE = """DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conname FROM pg_constraint
        WHERE conrelid = '{table}'::regclass AND contype IN ('c', 'p', 'u', 'f') LOOP
        EXECUTE format('ALTER TABLE {table} DROP CONSTRAINT %I CASCADE', c.conname); END LOOP;
    FOR c IN SELECT indexrelid::regclass::text AS name FROM pg_index
        WHERE indrelid = '{table}'::regclass AND indisunique LOOP
        EXECUTE 'DROP INDEX ' || c.name; END LOOP; END $$"""
"""Takes the constraints off a table, which would refuse a fault."""

FAULTS: dict[str, tuple[str, str]] = {
    # --- what was acknowledged, and what was refused ---
    "lost": ("report lost", "DELETE FROM report WHERE idempotency_key = '{report}'"),
    "doubled": (
        "report doubled",
        "CREATE TEMP TABLE r AS SELECT * FROM report WHERE idempotency_key = '{report}';"
        "DROP INDEX report_idempotency_key; UPDATE r SET id = gen_random_uuid(); INSERT INTO report SELECT * FROM r",
    ),
    "another's": (
        "report answered with another incident",
        "{loose_reports}; UPDATE report SET id = gen_random_uuid() WHERE idempotency_key = '{report}'",
    ),
    "nobody's": (
        "report that nobody sent",
        "UPDATE report SET idempotency_key = 'x' WHERE idempotency_key = '{report}'",
    ),
    "act lost": ("act lost", "UPDATE event SET idempotency_key = NULL WHERE idempotency_key = '{act}'"),
    "act doubled": (
        "act doubled",
        "DROP INDEX event_from_0_idempotency_key;"
        f"UPDATE event SET idempotency_key = '{{act}}' WHERE (batch_id, ord) IN {_SOME_EVENT}",
    ),
    "refused and done": (
        "act refused and done",
        f"UPDATE event SET idempotency_key = '{{refused}}' WHERE (batch_id, ord) IN {_SOME_EVENT}",
    ),
    # --- calls ---
    "a call twice": (
        "a call twice",
        "{loose_calls}; INSERT INTO call SELECT * FROM call WHERE outcome = 'no_answer' LIMIT 1",
    ),
    "a round twice": ("a round twice", "{loose_calls}; UPDATE call SET level = 1, round = 1 WHERE seq = 2"),
    "a wrong round": ("a wrong round", "{loose_calls}; UPDATE call SET round = 9 WHERE seq = 2"),
    "a missing call": ("calls with a gap", "DELETE FROM call WHERE seq = 1 AND outcome = 'no_answer'"),
    "an extra call": ("an incident that names another last call", "UPDATE incident SET seq = seq + 1"),
    "two open calls": (
        "not one open call",
        "{loose_calls}; UPDATE call SET outcome = NULL, ended_at = NULL WHERE outcome = 'no_answer'",
    ),
    "an early open call": (
        "an open call that is not the last",
        "{loose_calls}; UPDATE call SET outcome = NULL WHERE outcome = 'no_answer'",
    ),
    "no open call": ("not one open call", "DELETE FROM call WHERE outcome IS NULL"),
    "early": ("fired early", "UPDATE call SET ended_at = answer_by - interval '1 ms' WHERE outcome = 'no_answer'"),
    "late": (
        "a lateness that is not that of its deadline",
        "UPDATE call SET late_s = -1 WHERE outcome = 'no_answer'",
    ),
    "a longer box": ("a deadline that is not the box", "UPDATE call SET answer_by = answer_by + interval '1 s'"),
    # --- incidents ---
    "without its words": ("an incident without its report", "DELETE FROM report WHERE idempotency_key = '{report}'"),
    "without standing": (
        "a report without its incident",
        "DELETE FROM incident WHERE id = (SELECT id FROM report WHERE idempotency_key = '{report}')",
    ),
    "no deadline": (
        "an open incident without deadline, owner or wake-up",
        "{loose_incidents}; UPDATE incident SET due_at = NULL WHERE state = 'calling'",
    ),
    "no policy": ("a policy that is not there", "{loose_incidents}; UPDATE incident SET policy_version = 99"),
    "put aside": ("an incident put aside", "UPDATE incident SET faults = 3 WHERE state = 'calling'"),
    "a queue of others": ("a queue that is not the table", "UPDATE incident SET unit = 'x' WHERE state = 'calling'"),
    # --- events ---
    "an event gone": ("events with a gap", "DELETE FROM event WHERE sequence = 1"),
    "an event forgotten": ("an event seen twice or not in the database", "DELETE FROM event WHERE sequence = 1"),
    "an event too many": ("an incident that counts other events", "UPDATE incident SET sequence = sequence + 1"),
    "a stray event": (
        "an event without its incident",
        "UPDATE event SET incident_id = gen_random_uuid() WHERE sequence = 1",
    ),
    "no report in the log": ("not one reported event", _RETYPED.format("incident.reported")),
    "no miss in the log": ("other missed events than missed calls", _RETYPED.format("call.missed")),
    "no answer in the log": ("other answered events than answered calls", _RETYPED.format("call.answered")),
    "no call in the log": ("other opened events than calls", _RETYPED.format("call.opened")),
    "no position": (
        "an event without a position",
        "UPDATE log_batch SET last_position = NULL WHERE id = (SELECT max(id) FROM log_batch)",
    ),
    "a gap": (
        "positions with a gap",
        "UPDATE log_batch SET last_position = -last_position WHERE id = (SELECT max(id) FROM log_batch)",
    ),
    "a short batch": (
        "a batch that counts other events",
        "DELETE FROM event WHERE batch_id = (SELECT max(batch_id) FROM event) AND ord = 1",
    ),
    "a log backwards": (
        "events of an incident out of order",
        "UPDATE log_batch SET last_position = -last_position",
    ),
}
