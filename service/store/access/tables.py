"""The tables of keys, of the sessions of browsers, of the issuer, and of how much each subject has reported
on a day."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from service.store.metadata import Code, Time, metadata

access_key = Table(
    "access_key",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the key; the key is not kept"),
    Column("role", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("unit", Code),
    Column("area", Code),
    Column("name", Text),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time),
    Column("revoked_at", Time),
    Column("systems", ARRAY(Text), comment="in whose name it reports; null: none"),
    Column("quota_reports", Integer, comment="reports a day; null: as the policy says"),
    Column("quota_urgent", Integer, comment="urgent ones of these; null: as the policy says"),
    Column("prefix", Text, comment="the first 6 characters; null: of an older key"),
    Column("last_used_at", Time, comment="the beginning of that day, Asia/Shanghai"),
    Column("allow", ARRAY(Text), comment="from which networks; null: from all"),
    Column("wall", Boolean, comment="for a screen on a wall: it only reads; null: no"),
    CheckConstraint("role IN ('reporter','unit','auditor','ops','security')", name="role"),
    CheckConstraint("(role = 'unit') = (unit IS NOT NULL)", name="unit_of_role"),
    CheckConstraint("role = 'reporter' OR area IS NULL", name="area_of_role"),
)

access_session = Table(
    "access_session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the cookie; the cookie is not kept"),
    Column("key_id", Uuid, comment="the key it was begun with; null: a person of the issuer"),
    Column("role", Text, comment="of such a person, with the next three"),
    Column("subject", Text),
    Column("unit", Code),
    Column("area", Code),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("idle", Interval, comment="without a request it ends after so long; null: it does not"),
    Column("seen_at", Time, nullable=False, comment="the last request, as far as it is written"),
    Column("ended_at", Time, comment="signed out, or idle for too long"),
    CheckConstraint("(key_id IS NULL) = (role IS NOT NULL AND subject IS NOT NULL)", name="whose"),
    Index("access_session_ended_idx", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
    Index("access_session_expires_at_idx", "expires_at"),
)
"""A row for each session of a browser. One that has ended stays for a while, so that every process learns of it."""

sign_on = Table(
    "sign_on",
    metadata,
    Column("only", Boolean, primary_key=True, server_default=text("true")),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text),
    Column("audience", Text),
    Column("claims", Text, nullable=False),
    CheckConstraint('"only"', name="one_row"),
)
"""The issuer by which people sign on, as the process had it that started last; no row: none."""

report_quota = Table(
    "report_quota",
    metadata,
    Column("day", Date, primary_key=True, comment="of Asia/Shanghai"),
    Column("subject", Text, primary_key=True),
    Column("reports", Integer, nullable=False),
    Column("urgent", Integer, nullable=False, comment="how many of the reports"),
    # every report changes a row: with room beside it, the row moves within its page, and no index is written
    postgresql_with={"fillfactor": "50"},
)
"""A row for each subject that has reported on a day; rows of past days are removed."""
