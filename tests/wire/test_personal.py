"""The search for persons in every answer: what it knows again, what it leaves alone, and that it fails a test."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from service.rules.words import Role
from service.shown import aspect
from tests.house import House
from tests.wire.personal import SentPersons

CONTACT = {"name": "张三", "phone": "139 0000 0007", "address": "江南大道中 12 号 301"}
NUMBERS = ("13900000008", "11010519491231002X")
WORDS = f"请联系{NUMBERS[0]},证{NUMBERS[1]}"
PATH, XLSX = "/v1/incidents", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Content = str | bytes


@pytest.fixture
def sent() -> SentPersons:
    """One report with a contact and two numbers in its words."""
    found = SentPersons()
    found.note(PATH, json.dumps({"description": WORDS, "contact": CONTACT}).encode())
    return found


def leaks(
    sent: SentPersons, content: Content, role: Role | None = None, path: str = PATH, status: int = 200, kind: str = ""
) -> int:
    return len(sent.leaks(path, role, httpx.Response(status, headers={"Content-Type": kind}, content=content)))


def workbook(words: str) -> bytes:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/sharedStrings.xml", f"<t>{words}</t>")
    return book.getvalue()


@pytest.mark.parametrize("value", ["139 0000 0007", "13900000007", CONTACT["address"], json.dumps(CONTACT["address"])])
def test_a_contact_is_known_in_any_answer(sent: SentPersons, value: str) -> None:
    assert leaks(sent, f"见{value}。") == 1
    assert leaks(sent, workbook(value.strip('"')), kind=XLSX) == 1
    assert leaks(sent, value, path=f"{PATH}/1/reveal", status=403) == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_known_where_no_sight_is_full(sent: SentPersons, number: str) -> None:
    assert [leaks(sent, number, role) for role in Role] == [int(role in (Role.AUDITOR, Role.SECURITY)) for role in Role]
    assert leaks(sent, number) == 0, "it is not known who asked"


def test_what_is_masked_or_revealed_is_no_leak(sent: SentPersons) -> None:
    assert leaks(sent, "张* 139****0007 139****0008 110****002X", Role.AUDITOR) == 0
    assert leaks(sent, json.dumps([CONTACT, WORDS]), Role.AUDITOR, f"{PATH}/1/reveal") == 0


@pytest.mark.parametrize(
    "body",
    [
        {"contact": {"name": "欧阳修", "phone": "12345", "address": "路口"}},
        {"contact": None, "description": "110105194912310021,139000000089", "source": {"ref": NUMBERS[0]}},
        {"contact": "值班室", "into": "019ab0e2-5c00-7d3a-9a51-13900000008a"},
        ["13900000008", {"contact": 3}],
        {"items": {"contact": CONTACT}},
    ],
)
def test_what_stands_for_nobody_is_not_kept(body: Any) -> None:
    sent = SentPersons()
    sent.note(PATH, json.dumps(body).encode())
    assert leaks(sent, json.dumps([body, NUMBERS], ensure_ascii=False), Role.AUDITOR) == 0


def test_only_bodies_about_incidents_are_read(sent: SentPersons) -> None:
    sent.forget()
    sent.note(PATH, b'{"contact": {"phone": "13900000007"}')
    sent.note("/v1/keys", json.dumps({"contact": CONTACT}).encode())
    assert leaks(sent, json.dumps(CONTACT)) == 0
    sent.note(f"{PATH}/batch", json.dumps({"items": [{"contact": CONTACT}]}).encode())
    assert leaks(sent, json.dumps(CONTACT)) == 2


@pytest.mark.clause("API3:2023", "ASVS 14.2.4", "PIPL 51")
@pytest.mark.anyio
async def test_a_test_fails_that_receives_a_contact(house: House) -> None:
    """The hook itself, with a service that keeps a phone unmasked."""
    incident = await house.report(contact=CONTACT)
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE contact SET phone = '13900000007'"))
    with pytest.raises(AssertionError, match="shows of a contact: 13900000007"):
        await house.get("worker", f"{PATH}/{incident['id']}")


@pytest.mark.anyio
async def test_a_test_fails_that_receives_a_number(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hook itself, with a service that masks nothing."""
    incident = await house.report(description=WORDS)
    monkeypatch.setattr(aspect, "masked", str)
    assert WORDS in str(await house.get("worker", f"{PATH}/{incident['id']}"))
    with pytest.raises(AssertionError, match="shows to auditor"):
        await house.get("auditor", f"{PATH}/{incident['id']}")
