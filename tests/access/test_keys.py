"""Making and revoking keys: what is kept, what is refused, what the log is told."""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from service import ids
from service.access import keys
from service.access.keyring import digest_of
from service.access.keys import Created
from service.access.new_keys import NewKey
from service.rules import world as worlds
from service.rules.errors import Conflict, NotFound, Rule, SihuError, UnknownUnit, ValidationFailed
from service.rules.model import By, KeyQuota
from service.rules.words import Role
from service.store.access import keys as stored
from service.store.access.tables import access_key
from service.store.database import Database
from service.store.log.tables import event
from tests.access.worlds import CLOSED, NOW, STREET, world

pytestmark = pytest.mark.anyio
OPS = By("ops", "ops-1")
A_UNIT = NewKey(Role.UNIT, unit=STREET)
A_REPORTER = NewKey(Role.REPORTER, area="440402001002")


async def made(database: Database, request: NewKey) -> Created:
    return await keys.create(database, world(), NOW, request, OPS)


async def events(database: Database) -> list[Any]:
    async with database.read() as connection:
        return list(await connection.execute(select(event).order_by(event.c.batch_id)))


@pytest.mark.clause(
    "API2:2023", "ASVS 6.3.1", "ASVS 11.2.3", "ASVS 11.5.1", "GB/T 22239 8.1.4.1 a", "GB/T 22239 8.1.4.8 b"
)
async def test_a_key_is_256_random_bits_and_only_its_digest_is_kept(database: Database) -> None:
    created = await made(database, A_UNIT)
    assert re.fullmatch(r"sihu_[A-Za-z0-9_-]{43}", created.text)
    async with database.read() as connection:
        row = (await connection.execute(select(access_key))).one()
    assert row.digest == hashlib.sha256(created.text.encode()).digest()
    assert created.text not in str(row)
    assert (row.role, row.unit, row.subject, row.created_at) == ("unit", STREET, STREET, NOW)


@pytest.mark.clause("GB/T 22239 8.1.4.1 a")
async def test_a_key_works_for_a_year_unless_told_otherwise(database: Database) -> None:
    assert (await made(database, A_UNIT)).key.expires_at == NOW + timedelta(days=365)
    end = NOW + timedelta(days=3000)
    assert (await made(database, replace(A_UNIT, expires_at=end))).key.expires_at == end


async def test_ends_count_from_the_newest_time_stored(database: Database) -> None:
    """The service has a virtual clock far ahead of this host's: a key of a year works for a year there."""
    ahead = NOW + timedelta(days=4000)
    await keys.create(database, world(), ahead, A_REPORTER, OPS)
    assert (await made(database, A_REPORTER)).key.expires_at == ahead + timedelta(days=365)
    with pytest.raises(ValidationFailed) as refused:
        await made(database, replace(A_REPORTER, expires_at=ahead))
    assert refused.value.errors[0].pointer == "/expires_at"


async def test_the_first_characters_of_a_key_are_kept(database: Database) -> None:
    created = await made(database, A_UNIT)
    assert created.key.prefix == created.text[5:11]
    assert (await keys.page(database, 1))[0] == created.key


async def test_two_keys_are_never_the_same(database: Database) -> None:
    first, second = await made(database, A_UNIT), await made(database, A_UNIT)
    assert first.text != second.text and first.key.id < second.key.id


async def test_a_unit_key_is_named_after_its_unit_so_that_a_new_key_keeps_the_name(database: Database) -> None:
    first, second = await made(database, A_UNIT), await made(database, A_UNIT)
    assert first.key.subject == second.key.subject == STREET


async def test_a_key_without_a_unit_gets_a_name_of_its_own(database: Database) -> None:
    first, second = await made(database, A_REPORTER), await made(database, A_REPORTER)
    assert re.fullmatch(r"reporter-[0-9a-f]{12}", first.key.subject)
    assert first.key.subject != second.key.subject
    assert (await made(database, NewKey(Role.OPS))).key.subject.startswith("ops-")


async def test_several_keys_may_stand_behind_one_subject(database: Database) -> None:
    first = await made(database, replace(A_REPORTER, subject="worker-7"))
    moved = await made(database, NewKey(Role.REPORTER, area="440402002", subject="worker-7"))
    assert first.key.subject == moved.key.subject == "worker-7"


@pytest.mark.clause("GB/T 22239 8.1.4.1 a")
@pytest.mark.parametrize("revoked", [False, True])
async def test_a_subject_stays_with_its_role_and_unit_even_after_its_key_is_revoked(
    database: Database, revoked: bool
) -> None:
    first = await made(database, replace(A_REPORTER, subject="worker-7"))
    if revoked:
        await keys.revoke(database, world(), NOW, first.key.id, OPS)
    with pytest.raises(Conflict, match="already stands for role reporter") as refused:
        await made(database, NewKey(Role.AUDITOR, subject="worker-7"))
    assert refused.value.errors[0].pointer == "/subject"


async def test_a_key_whose_subject_is_a_number_works_on(database: Database) -> None:
    older = await made(database, replace(A_REPORTER, subject="worker-7"))
    async with database.begin() as tx:
        await tx.execute(text("UPDATE access_key SET subject = '13800138000'"))
    rotated = await keys.rotate(database, world(), NOW, older.key.id, 60, OPS)
    assert rotated.created.key.subject == "13800138000"
    for subject in ("13800138000", "1380 013 8000", "110105491231002"):
        with pytest.raises(ValidationFailed) as refused:
            await made(database, replace(A_REPORTER, subject=subject))
        assert refused.value.errors[0].rule is Rule.PERSONS_NUMBER


async def test_no_worker_can_have_the_subject_of_an_older_key(database: Database) -> None:
    """Subjects with a slash are from before there were workers. Their keys work on and are replaced as any other."""
    older = await made(database, replace(A_REPORTER, subject="vendor-7"))
    async with database.begin() as tx:
        await tx.execute(text("UPDATE access_key SET subject = 'vendor/7'"))
    vendor = replace(A_REPORTER, subject="vendor", may_report_for=True)
    for revoked in (False, True):
        if revoked:
            await keys.revoke(database, world(), NOW, older.key.id, OPS)
        with pytest.raises(Conflict, match="A key has the subject vendor/7") as refused:
            await made(database, vendor)
        assert refused.value.errors[0].pointer == "/subject"
        plain = await made(database, replace(A_REPORTER, subject="vendor"))
        assert plain.key.may_report_for is False
        if not revoked:
            rotated = await keys.rotate(database, world(), NOW, older.key.id, 60, OPS)
            assert rotated.created.key.subject == "vendor/7"
    assert (await made(database, replace(vendor, subject="vendo"))).key.may_report_for is True


async def test_the_name_of_a_unit_cannot_be_taken_by_a_person(database: Database) -> None:
    await made(database, A_UNIT)
    with pytest.raises(Conflict, match=f"already stands for unit {STREET}"):
        await made(database, replace(A_REPORTER, subject=STREET))


async def test_of_two_roles_that_ask_for_one_subject_at_once_one_gets_it(database: Database) -> None:
    asked = [NewKey(role, subject="same") for role in (Role.OPS, Role.AUDITOR) for _ in range(4)]
    answers = await asyncio.gather(*(made(database, request) for request in asked), return_exceptions=True)
    roles = {answer.key.role for answer in answers if isinstance(answer, Created)}
    assert len(roles) == 1
    assert sum(isinstance(answer, Conflict) for answer in answers) == 4


@pytest.mark.clause("ASVS 2.2.3", "GB/T 22239 8.1.4.2 a")
@pytest.mark.parametrize(
    ("request_", "error", "pointers"),
    [
        (NewKey(Role.UNIT), ValidationFailed, ["/unit"]),
        (NewKey(Role.UNIT, unit="nobody"), UnknownUnit, ["/unit"]),
        (NewKey(Role.UNIT, unit=CLOSED), UnknownUnit, ["/unit"]),
        (NewKey(Role.UNIT, unit=STREET, area="440402"), ValidationFailed, ["/area"]),
        (NewKey(Role.REPORTER), ValidationFailed, ["/area"]),
        (NewKey(Role.REPORTER, unit=STREET), ValidationFailed, ["/unit", "/area"]),
        (NewKey(Role.REPORTER, area="44040"), ValidationFailed, ["/area"]),
        (NewKey(Role.REPORTER, area="4404020010020030"), ValidationFailed, ["/area"]),
        (NewKey(Role.REPORTER, area="44040200x"), ValidationFailed, ["/area"]),
        (NewKey(Role.REPORTER, area="४४०४०२"), ValidationFailed, ["/area"]),
        (NewKey(Role.REPORTER, area="440403001"), ValidationFailed, ["/area"]),
        (NewKey(Role.AUDITOR, area="440402"), ValidationFailed, ["/area"]),
        (NewKey(Role.OPS, unit=STREET), ValidationFailed, ["/unit"]),
        (NewKey(Role.OPS, subject="night\x1fdesk"), ValidationFailed, ["/subject"]),
        (NewKey(Role.OPS, subject="night/desk"), ValidationFailed, ["/subject"]),
        (NewKey(Role.OPS, subject="张三13800138000"), ValidationFailed, ["/subject"]),
        (NewKey(Role.OPS, may_report_for=True), ValidationFailed, ["/may_report_for"]),
        (NewKey(Role.OPS, expires_at=NOW), ValidationFailed, ["/expires_at"]),
        (NewKey(Role.UNIT, expires_at=NOW - timedelta(days=1)), ValidationFailed, ["/unit", "/expires_at"]),
    ],
)
async def test_a_key_with_a_scope_that_does_not_fit_is_refused_and_nothing_is_kept(
    database: Database, request_: NewKey, error: type[SihuError], pointers: list[str]
) -> None:
    with pytest.raises(error) as refused:
        await made(database, request_)
    assert sorted(fault.pointer for fault in refused.value.errors) == sorted(pointers)
    assert await keys.page(database, 10) == []
    assert await events(database) == []


async def test_before_a_registry_is_imported_only_keys_without_a_scope_can_be_made(database: Database) -> None:
    nothing = world(district="")
    with pytest.raises(ValidationFailed, match="sihu registry import"):
        await keys.create(database, nothing, NOW, A_REPORTER, OPS)
    created = await keys.create(database, nothing, NOW, NewKey(Role.OPS), OPS)
    assert created.key.role is Role.OPS


@pytest.mark.clause("GB/T 22239 8.1.4.3 a")
async def test_the_log_is_told_who_made_which_key_and_never_the_key(database: Database) -> None:
    created = await made(database, replace(A_UNIT, name="night desk", systems=("s",), quota=KeyQuota(7)))
    told = (await events(database))[0]
    assert (told.type, told.at, told.area, list(told.audience)) == ("sihu.key.created", NOW, "440402", [])
    assert told.incident_id is None
    assert told.data["by"] == {"kind": "ops", "subject": "ops-1"}
    assert UUID(told.data["key"]["id"]) == created.key.id
    assert (told.data["key"]["name"], told.data["key"]["role"]) == ("night desk", "unit")
    assert (told.data["key"]["systems"], told.data["key"]["quota"]) == (["s"], {"reports": 7, "urgent": None})
    assert created.text not in str(told) and "digest" not in str(told.data)
    assert created.committed.reload == ("keys",)


async def test_revoking_twice_is_revoking_once(database: Database) -> None:
    created = await made(database, A_UNIT)
    later = NOW + timedelta(minutes=1)
    first = await keys.revoke(database, world(), later, created.key.id, OPS)
    again = await keys.revoke(database, world(), later + timedelta(minutes=1), created.key.id, OPS)
    assert first.key.revoked_at == again.key.revoked_at == later
    assert first.committed is not None and first.committed.reload == ("keys",)
    assert again.committed is None
    assert [told.type for told in await events(database)] == ["sihu.key.created", "sihu.key.revoked"]


async def test_an_id_that_never_was_a_key_cannot_be_revoked(database: Database) -> None:
    with pytest.raises(NotFound):
        await keys.revoke(database, world(), NOW, ids.new_id(NOW), OPS)


async def test_pages_go_from_newest_to_oldest_without_a_gap_or_a_repeat(database: Database) -> None:
    created = [(await made(database, A_REPORTER)).key for _ in range(5)]
    seen = list(await keys.page(database, 2))
    while True:
        following = await keys.page(database, 2, (seen[-1].created_at, seen[-1].id))
        if not following:
            break
        seen.extend(following)
    assert seen == created[::-1]


async def test_a_rotated_key_has_a_successor_with_its_rights(database: Database) -> None:
    wanted = replace(A_REPORTER, subject="worker-7", name="phone", systems=("s",), quota=KeyQuota(7, 1))
    wanted = replace(wanted, may_report_for=True)
    old = (await made(database, wanted)).key
    later = NOW + timedelta(days=100)
    rotated = await keys.rotate(database, world(), later, old.id, 3600, OPS)
    new = rotated.created.key
    assert (new.created_at, new.expires_at) == (later, later + timedelta(days=365))
    assert (new.id != old.id, new.prefix) == (True, rotated.created.text[5:11])
    rights = replace(old, id=new.id, created_at=new.created_at, expires_at=new.expires_at, prefix=new.prefix)
    assert new == rights
    kept = await keys.page(database, 10)
    assert kept == [new, replace(old, expires_at=later + timedelta(hours=1))]
    async with database.read() as connection:
        assert await stored.with_digest(connection, digest_of(rotated.created.text)) == [new]
    told = (await events(database))[-1]
    assert (new.may_report_for, told.data["key"]["may_report_for"]) == (True, True)
    assert (told.type, told.data["key"]["id"]) == ("sihu.key.rotated", str(new.id))
    assert told.data["replaced"] == {"id": str(old.id), "expires_at": "2027-02-10T10:00:00Z"}
    assert rotated.created.text not in str(told)
    assert rotated.created.committed.reload == ("keys",)


async def test_a_key_never_lives_longer_for_being_rotated(database: Database) -> None:
    end = NOW + timedelta(minutes=5)
    old = (await made(database, replace(A_UNIT, expires_at=end))).key
    rotated = await keys.rotate(database, world(), NOW, old.id, keys.OVERLAP_S, OPS)
    assert rotated.replaced_until == end
    again = await keys.rotate(database, world(), NOW, old.id, 0, OPS)
    assert again.replaced_until == NOW


@pytest.mark.parametrize("past", ["revoked", "ended", "unit gone"])
async def test_a_key_that_works_no_more_is_not_rotated(database: Database, past: str) -> None:
    old = (await made(database, replace(A_UNIT, expires_at=NOW + timedelta(hours=1)))).key
    at, where = NOW, world()
    if past == "revoked":
        await keys.revoke(database, where, NOW, old.id, OPS)
    elif past == "ended":
        at = NOW + timedelta(hours=1)
    else:
        where = world(district="")
        where = worlds.build(2, units=[where.unit(CLOSED, NOW - timedelta(days=1))])  # type: ignore[list-item]
    with pytest.raises(Conflict):
        await keys.rotate(database, where, at, old.id, 0, OPS)
    assert len(await keys.page(database, 10)) == 1


@pytest.mark.parametrize("overlap_s", [-1, keys.MAX_OVERLAP_S + 1])
async def test_an_overlap_has_bounds(database: Database, overlap_s: int) -> None:
    old = (await made(database, A_UNIT)).key
    with pytest.raises(ValidationFailed) as refused:
        await keys.rotate(database, world(), NOW, old.id, overlap_s, OPS)
    assert refused.value.errors[0].pointer == "/overlap_s"
    with pytest.raises(NotFound):
        await keys.rotate(database, world(), NOW, ids.new_id(NOW), 0, OPS)


async def test_keys_are_found_by_what_is_known_of_them(database: Database) -> None:
    unit = await made(database, A_UNIT)
    worker = await made(database, replace(A_REPORTER, subject="worker-7", name="100% Night_desk"))

    async def found(text: str) -> list[UUID]:
        return [key.id for key in await keys.search(database, text, 10)]

    assert await found(unit.text) == await found(unit.text[:20]) == await found(unit.text[5:11]) == [unit.key.id]
    assert await found(STREET) == [unit.key.id]
    assert await found("WORKER") == await found("100% night_") == [worker.key.id]
    assert await found("1%n") == await found("nobody") == await found(unit.text[:-1] + "?") == []
    assert await found("sihu_") == [], "which all keys begin with"
    assert len(await found("0")) == 2 and len(await keys.search(database, "0", 1)) == 1
