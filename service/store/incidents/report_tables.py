"""What people wrote, stored once: the table of reports. Indexes that only lists and look-ups need are here, since a
report never changes but by a correction (then what it is listed by follows the incident, and what it had named stands
beside it), and by an erasure."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, CheckConstraint, Column, Double, Index, LargeBinary, Table, Text, Uuid, text

from service.store.metadata import GROWS, Code, Time, metadata
from service.store.sight import EMPLOYER, OF_A_WORKER

_NEWEST = text("reported_at DESC"), text("id DESC")

report = Table(
    "report",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("subject", Text, nullable=False, comment="who sent it"),
    Column("reporter", Text, nullable=False, comment="whose incident it is: on_behalf_of, else the subject"),
    Column("idempotency_key", Text),
    Column("body_hash", LargeBinary, nullable=False),
    Column("source_system", Text),
    Column("source_ref", Text),
    Column("district", Code, nullable=False),
    Column("grid_code", Code, nullable=False),
    Column("category", Code, nullable=False),
    Column("line", Code, nullable=False),
    Column("kind", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("description", Text, comment="null: erased"),
    Column("location", JSON, comment="as it was sent"),
    Column("lat", Double, comment="degrees WGS-84, whatever was sent"),
    Column("lon", Double),
    Column("location_mismatch", Boolean, nullable=False, server_default=text("false")),
    Column("attachments", JSON),
    Column("occurred_at", Time),
    Column("reported_at", Time, nullable=False),
    Column("urgency_asked", Text, comment="which its category does not allow"),
    Column("as_reported", JSON, comment="what it named, where it is listed by something else"),
    Column("salt", LargeBinary, comment="with the text it makes the first event's text_sha256; null: not yet"),
    Index("report_newest_idx", *_NEWEST),
    Index("report_place_idx", "grid_code", *_NEWEST),
    Index("report_reporter_idx", "reporter", *_NEWEST),
    Index("report_worker_idx", text(EMPLOYER), *_NEWEST, postgresql_where=text(OF_A_WORKER)),
    Index(
        "report_idempotency_key",
        "subject",
        "idempotency_key",
        unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL"),
    ),
    Index(
        "report_source_key",
        "source_system",
        "source_ref",
        unique=True,
        postgresql_where=text("source_system IS NOT NULL"),
    ),
    CheckConstraint("(source_system IS NULL) = (source_ref IS NULL)", name="source_pair"),
    postgresql_with=GROWS,
)
