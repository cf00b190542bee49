"""The tables of incidents with their calls and requests, and the constraints that the database itself checks.

The tables that change all the time have few indexes, since every escalation pays for each index of `incident`
(PostgreSQL can skip none of them when `wake_at` moves). `incident` has four (key, wake-up, queue, lists of what is
open), and small ones: by the time of the last change, of the closed ones that still have texts, and of the few to which
somebody was called from beyond the street, in which a unit assists, or which are put aside. `call` has three (key,
round, unit), and small ones: by month, of open, returned, closed, unusual and binding calls, and of those missed for
another unit.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    Interval,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from service.store.metadata import CHANGES, Code, Time, metadata

# --- where an incident stands -----------------------------------------------------------------------------------------

incident_number = Sequence("incident_number", metadata=metadata, start=1, increment=100)
"""A process takes 100 numbers at a time. Gaps are allowed, and a report needs no round trip for its number."""

BY_TIME = {"pages_per_range": "32", "autosummarize": "on"}
"""Storage parameters of a BRIN index. What is not summarised counts as what may hold anything."""
BEYOND_ITS_CELL = 'NOT audience <@ ARRAY["left"(grid_code, 9), "left"(grid_code, 12)]'
"""The incidents to which others than the street and the community of the cell were called, or in which others assist:
those units find them by a small index."""

incident = Table(
    "incident",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    Column("district", Code, nullable=False),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("unit", Code, nullable=False),
    Column("grid_code", Code, nullable=False),
    Column("category", Code, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("policy_code", Text, nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("reported_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("due_at", Time),
    Column("due_kind", Text),
    Column("wake_at", Time, comment="when the engine must look next: the deadline, or a retry after a fault"),
    Column("faults", SmallInteger, nullable=False, server_default=text("0"), comment="failed sweeps in a row"),
    Column("seq", SmallInteger, nullable=False, comment="seq of the last call"),
    Column("version", Integer, nullable=False),
    Column("sequence", Integer, nullable=False, comment="events so far"),
    Column("calls_at", ARRAY(SmallInteger), nullable=False, comment="calls so far at levels 1 to 4"),
    Column("rejects", SmallInteger, nullable=False, server_default=text("0")),
    Column("reopened_void", Boolean, nullable=False, server_default=text("false")),
    Column("audience", ARRAY(Text), nullable=False, comment="every unit ever called or assisting"),
    Column("closed_at", Time),
    Column("closed_as", Text),
    Column("reopen_until", Time),
    Column("warned", SmallInteger, nullable=False, server_default=text("0"), comment="warning marks passed in the box"),
    Column("provisional", Boolean, nullable=False, server_default=text("false")),
    Column("requests", SmallInteger, nullable=False, server_default=text("0"), comment="holds and extensions asked"),
    Column("returns", SmallInteger, nullable=False, server_default=text("0")),
    Column("assisting", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="those of the last call"),
    Column("rating", SmallInteger, comment="the reporter's, of the outcome as it stands: 1 to 5"),
    Column("merged_into", Uuid),
    Column("reporter_unit", Code, comment="the unit whose key reported it"),
    Column("rating_mean", SmallInteger, comment="hundredths of a star: the mean, where several reporters rated it"),
    Column("drawn", Boolean, nullable=False, server_default=text("false"), comment="for a spot check"),
    Column("confidential", Boolean, nullable=False, server_default=text("false"), comment="reported in confidence"),
    Column("erased_at", Time, comment="when texts and contact were erased last"),
    Column("has_texts", Boolean, nullable=False, server_default=text("true"), comment="that were not erased"),
    Index("incident_wake_idx", "wake_at", "id", postgresql_where=text("wake_at IS NOT NULL")),
    Index("incident_put_aside_idx", "due_at", postgresql_where=text("faults > 0")),
    Index("incident_queue_idx", "unit", "due_at", "id", postgresql_where=text("state <> 'closed'")),
    Index("incident_open_idx", text("reported_at DESC"), text("id DESC"), postgresql_where=text("state <> 'closed'")),
    Index("incident_drawn_idx", text("reported_at DESC"), text("id DESC"), postgresql_where=text("drawn")),
    Index(
        "incident_heard_idx",
        "audience",
        postgresql_using="gin",
        postgresql_where=text(f"state <> 'closed' AND {BEYOND_ITS_CELL}"),
    ),
    Index("incident_texts_idx", "closed_at", "id", postgresql_where=text("state = 'closed' AND has_texts")),
    Index("incident_updated_idx", "updated_at", postgresql_using="brin", postgresql_with=BY_TIME),
    Index(
        "incident_assisting_idx",
        "assisting",
        postgresql_using="gin",
        postgresql_where=text("state <> 'closed' AND assisting <> '{}'"),
    ),
    CheckConstraint("state IN ('calling','answered','on_hold','resolved','closed')", name="state"),
    CheckConstraint("level BETWEEN 1 AND 4", name="level"),
    CheckConstraint("(state = 'closed') = (due_at IS NULL)", name="open_has_deadline"),
    CheckConstraint(
        "due_kind IS NOT DISTINCT FROM CASE state WHEN 'calling' THEN 'answer' WHEN 'answered' THEN 'resolve' "
        "WHEN 'on_hold' THEN 'resume' WHEN 'resolved' THEN 'verify' END",
        name="deadline_of_state",
    ),
    CheckConstraint("state = 'closed' OR wake_at IS NOT NULL", name="open_wakes"),
    CheckConstraint("state <> 'closed' OR wake_at IS NULL", name="closed_sleeps"),
    CheckConstraint(
        "(state = 'closed') = (closed_at IS NOT NULL) AND (closed_at IS NULL) = (closed_as IS NULL)", name="closed"
    ),
    CheckConstraint("closed_as IN ('verified','unverified','withdrawn','void','merged')", name="closed_as"),
    CheckConstraint("reopen_until IS NULL OR state = 'closed'", name="reopen_when_closed"),
    CheckConstraint("(closed_as IS NOT DISTINCT FROM 'merged') = (merged_into IS NOT NULL)", name="merged"),
    CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    CheckConstraint("rating_mean IS NULL OR (rating IS NOT NULL AND rating_mean BETWEEN 100 AND 500)", name="mean"),
    postgresql_with={"fillfactor": "85", **CHANGES},
)

_MISSED_FOR_ANOTHER = text("accountable IS NOT NULL AND outcome = 'no_answer'")
_UNUSUAL = text(
    "late_exit OR exempt OR self_reported OR withdrawn_late OR extended OR answered_by_member OR held_s IS NOT NULL"
    " OR accountable_seq IS NOT NULL"
)
call = Table(
    "call",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("seq", SmallInteger, primary_key=True),
    Column("district", Code, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("round", SmallInteger, nullable=False),
    Column("unit", Code, nullable=False),
    Column("from_unit", Code),
    Column("cause", Text, nullable=False),
    Column("ground", Text),
    Column("reason", Text),
    Column("opened_at", Time, nullable=False),
    Column("answer_by", Time, nullable=False),
    Column("resolve_by", Time),
    Column("clock", Text, nullable=False),
    Column("answered_at", Time),
    Column("answer", JSON),
    Column("ended_at", Time),
    Column("ended_by", JSON),
    Column("outcome", Text),
    Column("result", Text),
    Column("end_code", Text),
    Column("end_reason", Text),
    Column("late_s", Double),
    Column("binding", Boolean, nullable=False, server_default=text("false")),
    Column("assisting", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("rating", SmallInteger),
    Column("attachments", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("grid_code", Code, nullable=False, comment="of its incident: figures are counted from calls alone"),
    Column("category", Code, nullable=False, comment="of its incident"),
    Column("end_duty", Code, comment="the duty a return cites"),
    Column("parts_done", JSON, comment="assisting units whose part is done: unit, at, comment"),
    Column("outcome_rating", SmallInteger, comment="the reporter's, of what came of it: 1 to 5"),
    Column("appeal", JSON, comment="what the unit says against having missed it, and what was decided"),
    Column("exempt", Boolean, nullable=False, server_default=text("false"), comment="missed, but not scored"),
    Column("answer_us", BigInteger, comment="microseconds until its answer, without what it was on hold"),
    Column("resolve_us", BigInteger, comment="microseconds until its resolution, without what it was on hold"),
    Column("urgency", Text, comment="with which it was opened; null: from before 0018, that of its incident"),
    Column("credit", Text, comment="what its resolution is worth: null until it is resolved"),
    Column("box_used", Integer, comment="percent of the running box when it ended, in its own clock"),
    Column("late_exit", Boolean, nullable=False, server_default=text("false"), comment="passed on after the late mark"),
    Column("self_reported", Boolean, nullable=False, server_default=text("false"), comment="by itself, above or below"),
    Column("own_report", Boolean, nullable=False, server_default=text("false"), comment="by itself or from below"),
    Column("accountable", Code, comment="the unit that first passed it on, while nobody has answered"),
    Column("accountable_seq", SmallInteger, comment="and its call"),
    Column("declined", ARRAY(Text), comment="those of assisting that do so no longer"),
    Column("answered_by_member", Boolean, nullable=False, server_default=text("false"), comment="by a partner"),
    Column("held_s", Integer, comment="seconds on hold"),
    Column("extended", Boolean, nullable=False, server_default=text("false"), comment="its deadline was moved"),
    Column("withdrawn_late", Boolean, nullable=False, server_default=text("false"), comment="after the late mark"),
    Column("answer_cap", Time, comment="the latest that answer_by may be"),
    Column("resolve_cap", Time, comment="the latest that resolve_by may be"),
    Column("outcome_mean", SmallInteger, comment="hundredths of a star: the mean, where several reporters rated it"),
    Column("outcome_ratings", JSON, comment="the reporters' ratings: subject, score; null: before 0027, one alone"),
    UniqueConstraint("incident_id", "level", "round"),
    Index("call_open_key", "incident_id", unique=True, postgresql_where=text("outcome IS NULL")),
    Index("call_unit_idx", "unit", "incident_id"),
    Index("call_opened_idx", "opened_at", postgresql_using="brin", postgresql_with=BY_TIME),
    Index("call_returned_idx", "opened_at", postgresql_where=text("outcome = 'returned'")),
    Index("call_accountable_idx", "opened_at", postgresql_where=_MISSED_FOR_ANOTHER),
    Index("call_unusual_idx", "opened_at", postgresql_where=_UNUSUAL),
    Index("call_closed_idx", "opened_at", postgresql_where=text("outcome = 'closed'")),
    Index("call_binding_idx", "incident_id", "unit", "seq", postgresql_where=text("binding")),
    CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
    CheckConstraint("(answered_at IS NULL) = (resolve_by IS NULL)", name="answered"),
    CheckConstraint(
        "(answered_at IS NULL) = (answer_us IS NULL)"
        " AND (outcome IS NOT DISTINCT FROM 'resolved') = (resolve_us IS NOT NULL)",
        name="took",
    ),
    CheckConstraint(
        "outcome IN ('resolved','raised','no_answer','not_resolved','returned','assigned','corrected','closed')",
        name="outcome",
    ),
    CheckConstraint("late_s IS NULL OR outcome IN ('no_answer','not_resolved')", name="late"),
    CheckConstraint("rating BETWEEN 1 AND 5 AND outcome_rating BETWEEN 1 AND 5", name="ratings"),
    CheckConstraint(
        "credit IN ('pending','verified','unverified','rejected','reopened')"
        " AND (credit IS NULL OR outcome IS NOT DISTINCT FROM 'resolved')",
        name="credit",
    ),
    CheckConstraint(
        "outcome_mean IS NULL OR (outcome_rating IS NOT NULL AND outcome_mean BETWEEN 100 AND 500)", name="mean"
    ),
    CheckConstraint("(accountable IS NULL) = (accountable_seq IS NULL)", name="accountable"),
    CheckConstraint("NOT exempt OR outcome IS NOT NULL", name="exempt"),
    postgresql_with={"fillfactor": "85", **CHANGES},
)

request = Table(
    "request",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("n", SmallInteger, primary_key=True),
    Column("district", Code, nullable=False),
    Column("kind", Text, nullable=False),
    Column("call", SmallInteger, nullable=False, comment="seq of the call it is about"),
    Column("until", Time, nullable=False),
    Column("reason", Text, comment="null: erased"),
    Column("asked_by", JSON, nullable=False),
    Column("asked_at", Time, nullable=False),
    Column("decided_by", JSON),
    Column("decided_at", Time),
    Column("decided_reason", Text),
    Column("outcome", Text),
    Column("box", Text, comment="which box it stopped or moved: answer or resolve"),
    Column("resumed_at", Time),
    Column("granted", Interval, comment="what an extension added to the box, in the call's own clock"),
    Column("approver", Code, comment="the unit that decides it; null: ops alone, or asked before 0025"),
    Index("request_approver_idx", "approver", "incident_id", postgresql_where=text("outcome IS NULL")),
    Index("request_open_key", "incident_id", unique=True, postgresql_where=text("outcome IS NULL")),
    CheckConstraint("kind IN ('hold','extend')", name="kind"),
    CheckConstraint("outcome IN ('approved','refused','lapsed')", name="outcome"),
    CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name="decided"),
    CheckConstraint("(outcome IS NOT DISTINCT FROM 'approved') = (box IS NOT NULL)", name="box"),
    CheckConstraint("resumed_at IS NULL OR kind = 'hold'", name="resumed"),
)
"""The requests of called units for a hold or an extension. An incident has at most one open request."""
