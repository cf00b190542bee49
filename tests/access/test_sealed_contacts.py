"""A contact opens for its own incident."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.access import sealed_contacts
from service.access.secrets import AlteredError, SealedValue, SecretsBox, new_key
from service.rules.contact import Contact
from tests.house import CELL

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.mark.parametrize("contact", [Contact("张三", "13800000000", "江南大道中"), Contact(phone="12345")])
def test_a_contact_comes_back_as_it_was_sent(contact: Contact) -> None:
    box = SecretsBox([new_key()])
    row = sealed_contacts.sealed(box, ONE, CELL, contact)
    value = SealedValue(row.sealed_by, row.sealed)
    assert sealed_contacts.opened(box, ONE, value) == contact
    assert (row.name, row.phone) == contact.masked[:2]
    with pytest.raises(AlteredError):
        sealed_contacts.opened(box, OTHER, value)
