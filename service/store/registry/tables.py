"""The tables that say who answers, and by when: registry, proposed duties, policies, calendars, the deployment's row.

Rows of the registry have validity dates. A row that was ever in force is never deleted.
"""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from service.store.metadata import Code, Time, metadata

deployment = Table(
    "deployment",
    metadata,
    Column("only", Boolean, primary_key=True, server_default=text("true")),
    Column("world_version", BigInteger, nullable=False, server_default=text("1")),
    Column("cursor_secret", LargeBinary, nullable=False, comment="signs cursors; moves with a dump and restore"),
    Column("world_mark", Uuid, comment="random, new with each version of the world"),
    CheckConstraint('"only"', name="one_row"),
)

line = Table("line", metadata, Column("code", Code, primary_key=True), Column("name", Text, nullable=False))

unit = Table(
    "unit",
    metadata,
    Column("code", Code, primary_key=True),
    Column("valid_from", Time, primary_key=True),
    Column("valid_to", Time),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("level", SmallInteger),
    Column("parent", Code),
    Column("line_parent", Code),
    Column("covers", ARRAY(Text), nullable=False),
    Column("in_charge_of", ARRAY(Text), nullable=False),
    Column("answers_for", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="of a partner: prefixes"),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
    Index("unit_current_key", "code", unique=True, postgresql_where=text("valid_to IS NULL")),
)

cell = Table(
    "cell",
    metadata,
    Column("code", Code, primary_key=True),
    Column("valid_from", Time, primary_key=True),
    Column("valid_to", Time),
    Column("name", Text, nullable=False),
    Column("community", Code, nullable=False),
    Column("shape", JSON, comment="rings of [longitude, latitude], degrees WGS-84"),
    CheckConstraint("left(code, length(community)) = community", name="code_in_community"),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
    Index("cell_current_key", "code", unique=True, postgresql_where=text("valid_to IS NULL")),
)

category = Table(
    "category",
    metadata,
    Column("code", Code, primary_key=True),
    Column("valid_from", Time, primary_key=True),
    Column("valid_to", Time),
    Column("name", Text, nullable=False),
    Column("line", Code, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("parent", Code),
    Column("urgencies", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="allowed; empty: all"),
    Column("kinds", ARRAY(Text), nullable=False, server_default=text("'{}'"), comment="allowed; empty: all"),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
    Index("category_current_key", "code", unique=True, postgresql_where=text("valid_to IS NULL")),
)

duty = Table(
    "duty",
    metadata,
    Column("code", Code, primary_key=True),
    Column("valid_from", Time, primary_key=True),
    Column("valid_to", Time),
    Column("title", Text, nullable=False),
    Column("category", Code, nullable=False),
    Column("area", Code, nullable=False),
    Column("lead_unit", Code, nullable=False),
    Column("assisting", ARRAY(Text), nullable=False),
    Column("basis", Text, nullable=False),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="validity"),
    Index("duty_current_key", "code", unique=True, postgresql_where=text("valid_to IS NULL")),
)

duty_proposal = Table(
    "duty_proposal",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Code, nullable=False),
    Column("title", Text, nullable=False),
    Column("category", Code, nullable=False),
    Column("area", Code, nullable=False),
    Column("lead_unit", Code, nullable=False),
    Column("assisting", ARRAY(Text), nullable=False),
    Column("basis", Text, nullable=False),
    Column("valid_to", Time),
    Column("proposed_by", JSON, nullable=False),
    Column("proposed_at", Time, nullable=False),
    Column("approved_by", JSON),
    Column("approved_at", Time),
    Column("valid_from", Time, comment="from when the duty is in force, as approved"),
    Column("refused_by", JSON),
    Column("refused_at", Time),
    Column("refused_reason", Text),
    CheckConstraint(
        "(approved_at IS NULL) = (approved_by IS NULL) AND (approved_at IS NULL) = (valid_from IS NULL)",
        name="approved",
    ),
    CheckConstraint("valid_from >= approved_at", name="not_in_the_past"),
    CheckConstraint("valid_to > valid_from", name="validity"),
    CheckConstraint(
        "(refused_at IS NULL) = (refused_by IS NULL) AND (refused_at IS NULL) = (refused_reason IS NULL)",
        name="refused",
    ),
    CheckConstraint("approved_at IS NULL OR refused_at IS NULL", name="decided_once"),
    Index(
        "duty_proposal_open_key",
        "code",
        unique=True,
        postgresql_where=text("approved_at IS NULL AND refused_at IS NULL"),
    ),
)
"""Proposed duties, and who approved or refused them. A code has at most one open proposal; a decision is final."""

policy = Table(
    "policy",
    metadata,
    Column("code", Code, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("title", Text, nullable=False),
    Column("document", JSON, nullable=False, comment="its rules, as store/policies.py writes them"),
    Column("created_at", Time, nullable=False),
    Column("created_by", JSON, nullable=False),
)

policy_activation = Table(
    "policy_activation",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", Time, nullable=False, comment="incidents reported from then on are under it"),
    Column("code", Code, nullable=False),
    Column("version", Integer, nullable=False),
    Column("activated_at", Time, nullable=False),
    Column("activated_by", JSON, nullable=False),
    ForeignKeyConstraint(["code", "version"], ["policy.code", "policy.version"]),
)
"""The activation that counts is the last one whose `at` has come, ordered by `at` and then `id`: of two for the same
instant, the one that was stored later wins."""

calendar_day = Table(
    "calendar_day",
    metadata,
    Column("calendar", Code, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("workday", Boolean, nullable=False),
    Column("source", Text, nullable=False),
    Column("note", Text),
    Column("changed_at", Time, nullable=False),
)
"""The only source of working days at run time. A year is known once each of its days has a row."""
