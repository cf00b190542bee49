"""What is shown of a contact to everybody."""

from __future__ import annotations

import pytest

from service.rules.contact import Contact, masked_phone


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13800000000", "138****0000"),
        ("+86 138-0000-0000", "138****0000"),
        ("１３８００００００００", "138****0000"),
        ("020-84420000", "020****0000"),
        ("84420000", "****0000"),
        ("8442 0000", "****0000"),
        ("12345", "****"),
    ],
)
def test_the_middle_of_a_number_is_hidden(phone: str, shown: str) -> None:
    assert masked_phone(phone) == shown


def test_a_contact_is_shown_without_its_address() -> None:
    assert Contact("张三", "13800000000", "江南大道中 12 号").masked == Contact("张*", "138****0000", None)
    assert Contact(None, None, "江南大道中 12 号").masked == Contact()
    assert Contact("欧阳娜娜").masked == Contact("欧*")
