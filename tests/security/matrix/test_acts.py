"""Who may do what to an incident: every act of the document × everybody × every story."""

from __future__ import annotations

import pytest

from tests.house import House
from tests.security.matrix import acts, table
from tests.security.matrix.stories import Told

pytestmark = pytest.mark.anyio


def test_every_act_of_the_document_has_a_row() -> None:
    assert set(acts.verbs()) == set(table.ALLOWED)


@pytest.mark.clause("API1:2023", "API5:2023", "ASVS 8.2.2")
async def test_an_act_is_open_to_whom_the_table_says(signed_on: House, told: list[Told]) -> None:
    cells = [(story, who, verb) for story in told for who in table.STANDING for verb in acts.verbs()]
    bodies = acts.verbs()
    wrong = []
    for story, who, verb in cells:
        found, wanted = await acts.mark(signed_on, who, story, verb, bodies[verb]), table.mark_of(who, story.name, verb)
        if found != wanted:
            wrong.append(f"{story.name}: {who} {verb} is {found}, not {wanted}")
    assert wrong == []
    for story in told:  # nothing of all this changed anything
        view = await signed_on.get("ops", f"/v1/incidents/{story.id}")
        assert view["unit"]["code"] == story.unit
