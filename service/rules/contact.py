"""Whom to ask about a report: as it was sent, and as much of it as everybody may see who sees the incident."""

from __future__ import annotations

import re
from typing import NamedTuple

from service.rules.masking import MASK, masked, masked_name

_KEPT, _FEWEST = 4, 7
_NO_DIGIT = re.compile(r"\D")


class Contact(NamedTuple):
    """A person who can be asked about a report, or whoever is concerned; at least one of the three is there."""

    name: str | None = None
    phone: str | None = None
    address: str | None = None

    @property
    def masked(self) -> Contact:
        """What is shown without a reason: `张*`, `138****0000`, and no address."""
        return Contact(self.name and masked_name(self.name), self.phone and masked_phone(self.phone))


def masked_phone(phone: str) -> str:
    """The number with its middle hidden. Of a number that the rule of masking does not know, such as a landline without
    its area code, the last four digits stay, and of a short one nothing."""
    hidden = masked(phone)
    if hidden != phone:
        return hidden
    digits = _NO_DIGIT.sub("", phone)
    return f"{MASK}{digits[-_KEPT:]}" if len(digits) >= _FEWEST else MASK
