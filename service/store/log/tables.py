"""The tables of the log: one row for each transaction, its events, their texts, and the last change of every queue."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from service.store.metadata import GROWS, Code, Time, metadata


def _batch_columns() -> tuple[Column[Any], ...]:
    return (
        Column("events", Integer, nullable=False, comment="events this transaction wrote"),
        Column("last_position", BigInteger, comment="position of its last event; null until sealed"),
        Column("queues", ARRAY(Text), nullable=False, comment="'unit:state' of every queue it touched"),
        Column("wake_at", Time, comment="the nearest deadline it set"),
        Column("reload", ARRAY(Text), nullable=False, comment="what every process must read again: world, keys"),
        Column(
            "mark",
            Uuid,
            server_default=text("gen_random_uuid()"),
            comment="tells it from a batch that gets its number after a loss",
        ),
    )


log_batch = Table(
    "log_batch",
    metadata,
    Column("id", BigInteger, primary_key=True),
    *_batch_columns(),
    Index("log_batch_unnumbered_idx", "id", postgresql_where=text("last_position IS NULL")),
    CheckConstraint("events > 0", name="not_empty"),
    postgresql_partition_by="RANGE (id)",
)
"""The batches in stretches of ids, each a partition. `stretches` makes them, with the unique indexes of each: a unique
index of all of them would have to begin with the id. Storage settings, too, are those of each partition."""

TALK = text("type IN ('sihu.incident.commented', 'sihu.incident.urged')")
"""Comments and urges: a query says this word for word, or the planner would not use `event_talk_idx`."""


def _event_columns() -> tuple[Column[Any], ...]:
    return (
        Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
        Column("ord", Integer, primary_key=True, comment="1-based place in its batch"),
        Column("incident_id", Uuid),
        Column("sequence", Integer, comment="counts one incident's events from 1"),
        Column("type", Text, nullable=False),
        Column("at", Time, nullable=False),
        Column("area", Code, nullable=False, comment="grid code; the district for events without an incident"),
        Column("unit", Code),
        Column("audience", ARRAY(Text), nullable=False, comment="units, and '@subject' of the reporter, as of then"),
        Column("data", JSON, nullable=False),
        Column("subject", Text, comment="with idempotency_key: who sent the action"),
        Column("idempotency_key", Text),
        Column("body_hash", LargeBinary),
        Column("text_sha256", LargeBinary, comment="of its salted text; null: it has no words and no person"),
    )


event = Table(
    "event",
    metadata,
    *_event_columns(),
    Index("event_talk_idx", "subject", "at", postgresql_where=TALK),
    # events come in the order of time, so the stretches of a BRIN hold little time each, and it is a few pages small
    Index("event_at_idx", "at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    postgresql_partition_by="RANGE (batch_id)",
)
"""The events in the same stretches as their batches."""

log_batch_archive = Table(
    "log_batch_archive",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    *_batch_columns(),
    postgresql_partition_by="RANGE (id)",
)
event_archive = Table(
    "event_archive",
    metadata,
    *_event_columns(),
    postgresql_partition_by="RANGE (batch_id)",
)
"""The stretches that the feed does not keep any longer. Whoever needs old events, such as the timeline of an old
incident, reads them here. Nothing is written but by `old_words`, once, as an event from before has its words in
`data`, and null in the place of such words that are erased before that."""

event_text = Table(
    "event_text",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("note", Text, comment="the words of whoever acted"),
    Column("subject", Text, comment="who acted"),
    Column("salt", LargeBinary, nullable=False, comment="with the text it makes the event's text_sha256"),
    postgresql_with=GROWS,
)
"""The texts of events, which lie beside the log so that they can be erased, with their salt. An event without words and
person has none, nor has the report of an incident, whose text is its row of `report`."""

words_moved = Table(
    "words_moved",
    metadata,
    Column("only", Boolean, primary_key=True, server_default=text("true")),
    Column("up_to", BigInteger, nullable=False, comment="no event up to this position has words in its data"),
    CheckConstraint('"only"', name="one_row"),
)
"""How far `old_words` has come in the log. Migration 0046 makes the one row."""

log_history = Table(
    "log_history",
    metadata,
    Column("n", Integer, Identity(), primary_key=True),
    Column("mark", Uuid, nullable=False, server_default=text("gen_random_uuid()")),
    Column("server", Text, nullable=False, comment="which copy of the tables, on which server and timeline"),
    Column("begins_after", BigInteger, comment="the last position it shares with the history before; null: not known"),
    Column("at", Time, nullable=False),
    Column(
        "announced",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="an event of the log says that it was taken back",
    ),
)
"""The histories of this log: a restore or a failover may lose the newest events, and another history begins, which
shares with the one before only what was not lost."""

queue_mark = Table(
    "queue_mark",
    metadata,
    Column("unit", Code, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("position", BigInteger, nullable=False, comment="last change of this queue: what its ETag is made of"),
    postgresql_with={"fillfactor": "50"},
)
