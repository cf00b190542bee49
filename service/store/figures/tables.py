"""The tables of the figures."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Table, Text

from service.store.metadata import Code, metadata

appraisal_month = Table(
    "appraisal_month",
    metadata,
    Column("period", Code, primary_key=True, comment="YYYY-MM in Asia/Shanghai"),
    Column("definition", Text, comment="before: it had begun when fair play came into the figures"),
    CheckConstraint("definition = 'before'", name="definition"),
)
"""What is known of a month beside its calls. A month without a row is like any other."""
