"""What makes two incidents candidates for a merge (`GET /v1/incidents/{id}/similar`): one definition for the list and
for arrow q."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

NEAR_M = 100.0
"""Metres that two points may lie apart: twice the 50 m used in practice (domain page §2.4), since phones are not
exact."""
MAX_APART = timedelta(days=30)


class Likeness(NamedTuple):
    """What another incident has in common with an incident that may be merged into it. `is_near`: it lies in the same
    cell, or in a cell of the same street within `NEAR_M` of the incident's point. `distance_m` is None when one of the
    two has no point. `apart` is the time between the two reports."""

    same_line: bool
    is_near: bool
    distance_m: float | None
    apart: timedelta

    @property
    def is_candidate(self) -> bool:
        """Whether the two may be the same matter."""
        is_close = self.distance_m is None or self.distance_m <= NEAR_M
        return self.same_line and self.is_near and is_close and self.apart <= MAX_APART
