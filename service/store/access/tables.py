"""The table of keys, that of how much each subject has reported on a day, and that of refusals."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Integer,
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
    Column(
        "may_report_for",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="for the workers of a vendor, by name",
    ),
    CheckConstraint("role IN ('reporter','unit','auditor','ops','security')", name="role"),
    CheckConstraint("(role = 'unit') = (unit IS NOT NULL)", name="unit_of_role"),
    CheckConstraint("role = 'reporter' OR area IS NULL", name="area_of_role"),
)

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

refusal = Table(
    "refusal",
    metadata,
    Column("hour", Time, primary_key=True, comment="its beginning"),
    Column("subject", Text, primary_key=True, comment="empty: without a good key, or too many"),
    Column("address", Text, primary_key=True, comment="empty: too many to be told apart"),
    Column("code", Text, primary_key=True),
    Column("operation", Text, primary_key=True, comment="method and template of the route"),
    Column("count", BigInteger, nullable=False),
    Column("last_at", Time, nullable=False),
)
"""How often a request was refused; rows of hours long past are removed."""
