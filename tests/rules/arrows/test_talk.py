"""Comment and urge change nothing but the timeline."""

from __future__ import annotations

import pytest

from service.rules.model import Incident
from service.rules.words import Arrow, State
from tests.rules.builders import (
    act,
    an_incident,
    later,
)
from tests.rules.deciding import changed

C, A, R, X = State.CALLING, State.ANSWERED, State.RESOLVED, State.CLOSED


@pytest.mark.parametrize("arrow", [Arrow.COMMENT, Arrow.URGE])
def test_a_comment_and_an_urge_change_nothing_but_the_timeline(arrow: Arrow) -> None:
    incident: Incident = an_incident(C)
    decision = act(incident, "street", arrow, at=later(hours=3))
    assert decision.after == incident._replace(sequence=incident.sequence + 1)
    assert (changed(decision), decision.opened) == (None, None)
