"""The contact of a report is sealed for its incident, and opened again."""

from __future__ import annotations

from uuid import UUID

import orjson

from service.access.secrets import SealedValue, SecretsBox
from service.rules.contact import Contact
from service.store.access.contacts import SealedContact
from service.store.access.secrets import CONTACTS


def sealed(box: SecretsBox, incident_id: UUID, grid_code: str, contact: Contact) -> SealedContact:
    """The row of a contact, with what is shown of it without a reason."""
    value = box.seal(orjson.dumps(contact._asdict()), CONTACTS.row(incident_id))
    shown = contact.masked
    return SealedContact(incident_id, grid_code, value.key_id, value.data, shown.name, shown.phone)


def opened(box: SecretsBox, incident_id: UUID, value: SealedValue) -> Contact:
    """The contact as it was sent. Raises `MissingKeyError` or `AlteredError`."""
    return Contact(**orjson.loads(box.open(value, CONTACTS.row(incident_id))))
