"""One name is one thing, however it is typed: subjects, sources, and the body behind an Idempotency-Key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

NFC, NFD = "caf\u00e9", "cafe\u0301"


def body(**fields: Any) -> dict[str, Any]:
    return {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积", **fields}


@pytest.mark.parametrize(
    "ref", [" 1", "1\u3000", "1\u00a0", "1\u200b", "\ufeff1", "1\u202e2", "1\t", "1\n", "1\u2028", "\u3164"]
)
async def test_a_reference_that_only_looks_like_another_is_refused(house: House, ref: str) -> None:
    for source, pointer in (
        ({"system": "wx", "ref": ref}, "/source/ref"),
        ({"system": ref, "ref": "1"}, "/source/system"),
    ):
        answer = await house.send("worker", "POST", "/v1/incidents", body(source=source))
        assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, [pointer])
    for who, path, name in (("ops", "/v1/incidents", "on_behalf_of"), ("ops", "/v1/keys", "subject")):
        sent = body(on_behalf_of=ref) if name == "on_behalf_of" else {"role": "auditor", "subject": ref}
        answer = await house.send(who, "POST", path, sent)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")


async def test_one_source_in_two_spellings_is_one_incident(house: House) -> None:
    made = {"role": "reporter", "area": CELL, "systems": [NFD]}
    key = {"Authorization": f"Bearer {(await house.send('ops', 'POST', '/v1/keys', made)).json()['key']}"}
    sources = ({"system": NFC, "ref": NFD}, {"system": NFD, "ref": NFC})
    first, again = [
        await house.send("worker", "POST", "/v1/incidents", body(source=each), headers=key) for each in sources
    ]
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["source"] == {"system": NFC, "ref": NFC}


async def test_a_subject_in_two_spellings_is_one_subject(house: House) -> None:
    made = [await house.send("ops", "POST", "/v1/keys", {"role": "auditor", "subject": each}) for each in (NFC, NFD)]
    assert [each.json()["subject"] for each in made] == [NFC, NFC]
    refused = await house.send("ops", "POST", "/v1/keys", {"role": "ops", "subject": NFD})
    assert refused.status_code == 409
    reported = await house.send("ops", "POST", "/v1/incidents", body(on_behalf_of=NFD))
    assert reported.status_code == 201


async def test_a_body_in_another_spelling_replays(house: House) -> None:
    first = await house.report(key="k-1", description=f"{NFD}\r\n二楼")
    key = {"Idempotency-Key": "k-1"}
    again = await house.send("worker", "POST", "/v1/incidents", body(description=f"{NFC}\n二楼"), headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"], again.json()["id"]) == (201, "true", first["id"])
    assert first["description"] == f"{NFC}\n二楼"
    path = f"/v1/incidents/{first['id']}/answer"
    for measure, replayed in ((NFD, None), (NFC, "true")):
        done = await house.send("community", "POST", path, {"measure": measure}, headers={"Idempotency-Key": "k-2"})
        assert (done.status_code, done.headers.get("idempotency-replayed")) == (200, replayed)


@pytest.mark.parametrize(
    "text", ["\u200b", "\ufeff\u2060", "\u3164", "好\u0007好", "好\u202e好", "好\ufffe好", "好\u0085好"]
)
async def test_words_that_lie_are_refused_wherever_they_are_written(house: House, text: str) -> None:
    incident = await house.report()
    answer = await house.send("worker", "POST", "/v1/incidents", body(description=text))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/description")
    for who, verb, field in (
        ("community", "answer", "measure"),
        ("worker", "comment", "text"),
        ("worker", "withdraw", "reason"),
    ):
        problem = await house.refused(who, incident, verb, **{field: text})
        assert (problem["code"], problem["errors"][0]["pointer"]) == ("validation_failed", f"/{field}")
    lines = {"lines.csv": f'code,name\nurban,"{text}"\n'}
    refused = await house.send("ops", "POST", "/v1/registry/import", lines, dry_run=True)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/lines.csv")
