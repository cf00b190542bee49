"""The contacts of reports, each sealed, with what is shown of it beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.words import DISTRICT_DIGITS
from service.store import bulk
from service.store.access.tables import contact
from service.store.bulk import NewRows


@dataclass(frozen=True, slots=True)
class SealedContact:
    """A contact as it is stored. `name` and `phone` are masked; None: it has none."""

    incident_id: UUID
    grid_code: str
    sealed_by: str
    sealed: bytes
    name: str | None
    phone: str | None


def new_rows(contacts: Sequence[SealedContact]) -> NewRows:
    """Return the rows of new contacts, at least one."""
    names = {name: name for name in ("incident_id", "sealed_by", "sealed", "name", "phone")}
    districts = [each.grid_code[:DISTRICT_DIGITS] for each in contacts]
    return contact, {**bulk.page_of(names, contacts), "district": districts}


async def of_incident(connection: AsyncConnection, incident_id: UUID) -> tuple[str, bytes] | None:
    """Return the id of the key of an incident's contact, and its sealed value; None when it has no contact."""
    query = select(contact.c.sealed_by, contact.c.sealed).where(contact.c.incident_id == incident_id)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.sealed_by, row.sealed)
