"""The tables of the figures."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from service.rules.figures.definition import PARTS, Measure
from service.store.metadata import Code, Time, metadata

appraisal_month = Table(
    "appraisal_month",
    metadata,
    Column("period", Code, primary_key=True, comment="YYYY-MM in Asia/Shanghai"),
    Column("definition", Text, comment="before: it had begun when fair play came into the figures"),
    Column("closed_at", Time, comment="from then on its figures are those of appraisal_frozen"),
    Column("policy_code", Code, comment="the policy that scores them; null: there was none"),
    Column("policy_version", Integer),
    Column("digest", Text, comment="SHA-256 of its rows of appraisal_frozen, in hexadecimal"),
    CheckConstraint("definition = 'before'", name="definition"),
    CheckConstraint(
        "(closed_at IS NULL) = (digest IS NULL) AND (policy_code IS NULL) = (policy_version IS NULL)"
        " AND (closed_at IS NOT NULL OR policy_code IS NULL)",
        name="closed",
    ),
)
"""What is known of a month beside its calls. A month without a row is like any other, and open."""

COUNTED = [measure for measure in Measure if measure not in PARTS]
"""The measures that have columns: all but the sums of others."""

appraisal_frozen = Table(
    "appraisal_frozen",
    metadata,
    Column("period", Code, ForeignKey(appraisal_month.c.period), primary_key=True),
    Column("unit", Code, primary_key=True, comment="of the calls"),
    Column("level", SmallInteger, primary_key=True),
    Column("community", Code, primary_key=True, comment="the first 12 digits of the cells"),
    Column("line", Code, primary_key=True, comment="of their categories, as the registry had it"),
    *(Column(measure.value, Integer, nullable=False, server_default=text("0")) for measure in COUNTED),
    Column("street_stars", Integer, nullable=False, server_default=text("0"), comment="of street_rated"),
    Column("reporter_hundredths", Integer, nullable=False, server_default=text("0"), comment="of reporter_rated"),
    Column("held_s", BigInteger, nullable=False, server_default=text("0"), comment="seconds on hold"),
    Column("answers", ARRAY(BigInteger), comment="microseconds until each answer; null: none"),
    Column("resolutions", ARRAY(BigInteger), comment="microseconds until each resolution; null: none"),
)
"""The figures of closed months. A row has all calls of one unit, level, community and line: as fine as any grouping and
any sight asks for, and no finer, so that a month of a million calls has some ten thousand rows. Rows are added up when
they are read; the durations are kept one by one, since percentiles do not add up."""

appraisal_seed = Table(
    "appraisal_seed",
    metadata,
    Column("period", Code, primary_key=True, comment="YYYY-MM in Asia/Shanghai"),
    Column("seed", LargeBinary, nullable=False, comment="a secret until the month is closed"),
    Column("published_at", Time, nullable=False, comment="when its SHA-256 was put into the log"),
    CheckConstraint("octet_length(seed) = 32", name="seed"),
)
"""The seeds by which spot checks are drawn. A seed is never changed: its digest is known."""
