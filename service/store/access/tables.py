"""The tables of keys, of the sessions of browsers, of the issuer, of how much each subject has reported on a day, of
refusals, and of what is stored encrypted."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from service.store.metadata import GROWS, Code, Time, metadata

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
    Column(
        "may_report_for",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="for the workers of a vendor, by name",
    ),
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

secret_key = Table(
    "secret_key",
    metadata,
    Column("n", Integer, Identity(), primary_key=True),
    Column("id", Text, nullable=False, unique=True, comment="made from the key, which is not kept here"),
    Column("at", Time, nullable=False, comment="since when it seals"),
)
"""The names of the keys by which values were sealed, the newest last: whoever holds another key is told so."""

contact = Table(
    "contact",
    metadata,
    Column("incident_id", Uuid, primary_key=True),
    Column("district", Code, nullable=False),
    Column("sealed_by", Text, nullable=False, comment="id of the secret key"),
    Column("sealed", LargeBinary, nullable=False, comment="the contact as it was sent, encrypted"),
    Column("name", Text, comment="masked, as everybody sees it"),
    Column("phone", Text, comment="masked, as everybody sees it"),
    Index("contact_sealed_by_idx", "sealed_by", "incident_id"),
    postgresql_with=GROWS,
)
"""Whom to ask about a report. What is shown without a reason is stored masked, so that no page of incidents needs a
decryption."""

refusal = Table(
    "refusal",
    metadata,
    Column("hour", Time, primary_key=True, comment="its beginning"),
    Column("subject", Text, primary_key=True, comment="empty: without a good key, or too many"),
    Column("address", Text, primary_key=True, comment="empty: too many to be told apart"),
    Column("code", Code, primary_key=True),
    Column("operation", Text, primary_key=True, comment="method and template of the route"),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Time, nullable=False),
)
"""How often a request was refused; rows of hours long past are removed."""
