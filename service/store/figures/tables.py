"""The tables of the figures."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, LargeBinary, Table, Text

from service.store.metadata import Code, Time, metadata

appraisal_month = Table(
    "appraisal_month",
    metadata,
    Column("period", Code, primary_key=True, comment="YYYY-MM in Asia/Shanghai"),
    Column("definition", Text, comment="before: it had begun when fair play came into the figures"),
    CheckConstraint("definition = 'before'", name="definition"),
)
"""What is known of a month beside its calls. A month without a row is like any other."""

appraisal_seed = Table(
    "appraisal_seed",
    metadata,
    Column("period", Code, primary_key=True, comment="YYYY-MM in Asia/Shanghai"),
    Column("seed", LargeBinary, nullable=False, comment="a secret until the month is closed"),
    Column("published_at", Time, nullable=False, comment="when its SHA-256 was put into the log"),
    CheckConstraint("octet_length(seed) = 32", name="seed"),
)
"""The seeds by which spot checks are drawn. A seed is never changed: its digest is known."""
