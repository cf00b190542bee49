"""Reports as rows, and the look-ups that keep a repeated POST from becoming a second incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, JSON, Row, Text, bindparam, cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import texts
from service.rules.contact import Contact
from service.rules.model import Incident
from service.rules.words import DISTRICT_DIGITS, Kind, Urgency
from service.store import bulk
from service.store.bulk import NewRows
from service.store.incidents.report_tables import report
from service.store.log.event_texts import ReportText, new_salt


@dataclass(frozen=True, slots=True)
class Report:
    """The part of a report that the rules never read: text, location, source, contact. `body_hash`: of the parsed body;
    `older_hashes`: what it would be by secret keys from before. `kind` and `urgency` are those that it asks for. `salt`
    is that of its text."""

    subject: str
    body_hash: bytes
    description: str
    idempotency_key: str | None = None
    source: tuple[str, str] | None = None
    location: Mapping[str, Any] | None = None
    lat: float | None = None
    lon: float | None = None
    location_mismatch: bool = False
    attachments: tuple[str, ...] = ()
    occurred_at: datetime | None = None
    kind: Kind = Kind.INCIDENT
    urgency: Urgency | None = None
    contact: Contact | None = field(default=None, repr=False)
    older_hashes: tuple[bytes, ...] = ()
    salt: bytes = field(default_factory=new_salt, compare=False)

    def is_that_of(self, earlier: EarlierReport) -> bool:
        """Return whether it says the same as an earlier report under its key, as far as that can be known still."""
        return not earlier.body_hash or earlier.body_hash in (self.body_hash, *self.older_hashes)

    @property
    def text(self) -> ReportText:
        """The text of the report, which is that of the first events of its incident."""
        found = texts.of_report(
            description=self.description,
            location=self.location,
            occurred_at=self.occurred_at,
            source=self.source,
        )
        return ReportText(found, self.subject, self.salt)

    def urgency_asked(self, incident: Incident) -> Urgency | None:
        """Return the urgency that the report asks for, if its new incident runs with another one."""
        return None if self.urgency is incident.urgency else self.urgency


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """The incident that an Idempotency-Key or a source already names, with the hash of the body that made it; empty: it
    was erased with the texts."""

    id: UUID
    body_hash: bytes


def new_rows(reports: Sequence[tuple[Incident, Report, str]]) -> NewRows:
    """Return the rows of new reports, each with its line of work."""
    return report, bulk.columns_of([_row(*each) for each in reports])


def _row(incident: Incident, content: Report, line: str) -> dict[str, Any]:
    system, ref = content.source or (None, None)
    return {
        "id": incident.id,
        "subject": content.subject,
        "reporter": incident.reporter,
        "idempotency_key": content.idempotency_key,
        "body_hash": content.body_hash,
        "source_system": system,
        "source_ref": ref,
        "district": incident.grid_code[:DISTRICT_DIGITS],
        "grid_code": incident.grid_code,
        "category": incident.category,
        "line": line,
        "kind": incident.kind,
        "urgency": incident.urgency,
        "urgency_asked": content.urgency_asked(incident),
        "as_reported": None if content.kind is incident.kind else {"kind": content.kind},
        "description": content.description,
        "location": content.location,
        "lat": content.lat,
        "lon": content.lon,
        "location_mismatch": content.location_mismatch,
        "attachments": list(content.attachments) or None,
        "occurred_at": content.occurred_at,
        "reported_at": incident.reported_at,
        "salt": content.salt,
    }


def _pairs(first: str, second: str) -> Any:
    """Return `unnest($1, $2) AS v(first, second)`, so that one statement with one plan looks up any number of pairs."""
    binds = (bindparam("p_first", type_=ARRAY(Text)), bindparam("p_second", type_=ARRAY(Text)))
    return func.unnest(*binds).table_valued(first, second, name="v").render_derived()


# uses the index `report_idempotency_key`: one probe for each pair, however many reports there are
_KEYS = _pairs("subject", "idempotency_key")
_BY_KEY = select(report.c.id, report.c.body_hash, report.c.subject, report.c.idempotency_key).join_from(
    _KEYS, report, (report.c.subject == _KEYS.c.subject) & (report.c.idempotency_key == _KEYS.c.idempotency_key)
)
# uses the index `report_source_key` in the same way
_SOURCES = _pairs("source_system", "source_ref")
_BY_SOURCE = select(report.c.id, report.c.body_hash, report.c.source_system, report.c.source_ref).join_from(
    _SOURCES,
    report,
    (report.c.source_system == _SOURCES.c.source_system) & (report.c.source_ref == _SOURCES.c.source_ref),
)

NamePair = tuple[str, str]


async def known_by_key(tx: AsyncConnection, pairs: Sequence[NamePair]) -> dict[NamePair, EarlierReport]:
    """Return the earlier reports among these pairs of subject and Idempotency-Key, by pair."""
    rows = await _look_up(tx, _BY_KEY, pairs)
    return {(row.subject, row.idempotency_key): EarlierReport(row.id, row.body_hash) for row in rows}


async def known_by_source(tx: AsyncConnection, pairs: Sequence[NamePair]) -> dict[NamePair, EarlierReport]:
    """Return the earlier reports among these pairs of source system and source reference, by pair."""
    rows = await _look_up(tx, _BY_SOURCE, pairs)
    return {(row.source_system, row.source_ref): EarlierReport(row.id, row.body_hash) for row in rows}


async def _look_up(tx: AsyncConnection, statement: Any, pairs: Sequence[NamePair]) -> Sequence[Row[Any]]:
    if not pairs:
        return ()
    first, second = zip(*pairs, strict=True)
    return (await tx.execute(statement, {"p_first": list(first), "p_second": list(second)})).all()


_REPORTED = ("kind", "grid_code", "category", "urgency")
_AS_REPORTED: Any = cast(
    cast(func.json_build_object(*(part for name in _REPORTED for part in (name, report.c[name]))), JSONB).op("||")(
        func.coalesce(cast(report.c.as_reported, JSONB), cast({}, JSONB))
    ),
    JSON,
)
_FOLLOW = (
    update(report)
    .where(report.c.id == bindparam("incident"))
    .values(
        as_reported=_AS_REPORTED,
        **{name: bindparam(f"new_{name}") for name in (*_REPORTED, "line", "location_mismatch")},
    )
)


async def follow(tx: AsyncConnection, incident: Incident, line: str, location_mismatch: bool) -> None:
    """List a report by what its incident was corrected to, with what follows from that. What the report had named is
    kept beside it."""
    values = {f"new_{name}": getattr(incident, name) for name in _REPORTED}
    follows = {"new_line": line, "new_location_mismatch": location_mismatch}
    await tx.execute(_FOLLOW, {"incident": incident.id, **follows, **values})


def is_taken(error: SQLAlchemyError) -> bool:
    """Whether an insert failed because another process stored the same key or source at the same time."""
    if not isinstance(error, IntegrityError) or error.orig is None:
        return False
    # not its message, in which the values of the row stand as well: what people wrote
    return getattr(error.orig.__cause__, "constraint_name", None) in ("report_idempotency_key", "report_source_key")
