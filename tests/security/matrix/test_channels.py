"""Who reads what of an incident, and by which way: every channel of the document × everybody × every story."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest

from tests.house import House
from tests.security.matrix import acts, channels, reading, table
from tests.security.matrix.channels import Read
from tests.security.matrix.people import PEOPLE, key_of
from tests.security.matrix.stories import Told
from tests.security.requests import Sent

pytestmark = pytest.mark.anyio

UNSEEN = {403, 404, 409}
"""What is answered where a story is not to be read: to a role without the channel, to whom it does not exist, and for
the source of a report that the sender may not see."""


async def ask(house: House, who: str, read: Read, headers: Mapping[str, str] = {}) -> httpx.Response:
    """The answer to one request of a channel."""
    sent = Sent(read.path, read.method, read.path, read.body, read.query)
    answer = await acts.send(house, who, sent, {"Accept": read.accept, **headers})
    assert answer.status_code in UNSEEN or answer.is_success, (who, read.path, answer.text)
    return answer


def test_every_channel_of_the_document_has_a_row() -> None:
    assert channels.of_document() == set(table.CHANNELS)


@pytest.mark.clause("API1:2023", "API3:2023", "ASVS 8.2.2", "ASVS 8.2.3", "PIPL 51")
async def test_a_channel_shows_what_the_table_says(signed_on: House, told: list[Told]) -> None:
    wrong: list[str] = []
    shown: set[str] = set()
    for story in told:
        for who in table.STANDING:
            for read in channels.reads(who, story):
                answer = await ask(signed_on, who, read)
                text = reading.text_of(answer)
                if not answer.is_success:
                    text = text.replace(story.id, "")  # a problem says to which path it is the answer
                place = f"{story.name}: {who} {read.method} {read.path} {read.accept[-9:]}"
                found = answer.is_success and (story.id in read.path or reading.is_in(story, text))
                if read.holds not in (None, found):
                    wrong.append(f"{place} {'lacks' if read.holds else 'has'} it")
                wrong += [f"{place} {fault}" for each in told for fault in reading.faults(who, each, text)]
                if who == "ops":
                    digits = reading.digits_of(text)
                    shown |= {number for number in story.numbers if number in digits}
    assert sorted(set(wrong)) == []
    # all that was planted is read by somebody, or the search for it would prove nothing
    assert shown == {number for story in told for number in story.numbers}


async def test_whoever_assists_finds_it_in_its_own_queue(signed_on: House, told: list[Told]) -> None:
    for who in ("police", "station", "firm", "team", "other_leader"):
        queue = await signed_on.get(who, f"/v1/queues/{PEOPLE[who].unit}", limit=500)
        wanted = {
            each.id
            for each in told
            if table.sight_of(who, each.name) in "FS" and set("ua") & set(table.standing_of(who, each.name))
        }
        assert {row["id"] for row in queue["items"]} == wanted, who


async def test_a_contact_is_revealed_to_whom_the_table_says(signed_on: House, told: list[Told]) -> None:
    for story in told:
        for who in table.STANDING:
            path, body = f"/v1/incidents/{story.id}/reveal", {"reason": "回访"}
            answer = await signed_on.send(key_of(who), "POST", path, body)
            is_open = table.mark_of(who, story.name, "reveal") == "+"
            assert answer.is_success == is_open, (story.name, who, answer.text)
            assert [value in answer.text for value in story.contact.values()] == [is_open] * 3
