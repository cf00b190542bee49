"""The table of keys."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    LargeBinary,
    Table,
    Text,
    Uuid,
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
    CheckConstraint("role IN ('reporter','unit','auditor','ops')", name="role"),
    CheckConstraint("(role = 'unit') = (unit IS NOT NULL)", name="unit_of_role"),
    CheckConstraint("role = 'reporter' OR area IS NULL", name="area_of_role"),
)
