"""`sihu keys create|list|find|rotate|revoke`."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from service.commands import keys
from service.commands.database import on_database
from service.rules.model import KeyQuota
from service.rules.words import Role
from service.rules.worktime import ZONE
from service.store.access import keys as stored
from service.store.database import Database
from tests.commands.running import Run

STREET = "440105003"
NOBODY = "01900000-0000-7000-8000-000000000000"


def test_a_new_key_is_all_that_is_printed(run: Run, haizhu_url: str) -> None:
    code, (key,), faults = run(haizhu_url, "keys", "create", "--role", "unit", "--unit", STREET)
    assert (code, faults) == (0, [])
    assert key.startswith("sihu_")
    assert len(key) == 48


def test_a_key_may_be_for_a_wall(run: Run, haizhu_url: str) -> None:
    assert run(haizhu_url, "keys", "create", "--role", "unit", "--unit", STREET, "--wall")[0] == 0
    code, _, faults = run(haizhu_url, "keys", "create", "--role", "ops", "--wall")
    assert (code, "Leave out wall" in faults[0]) == (1, True)


def test_the_list_shows_newest_first_and_no_key(run: Run, haizhu_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_PAGE", 2)
    made = []
    for role, scope in (("reporter", ("--area", STREET)), ("unit", ("--unit", STREET)), ("auditor", ()), ("ops", ())):
        made += run(haizhu_url, "keys", "create", "--role", role, *scope, "--subject", f"the-{role}")[1]
    code, lines, _ = run(haizhu_url, "keys", "list")
    assert code == 0
    end = (datetime.now(ZONE) + timedelta(days=365)).date().isoformat()
    state = ["never", "used", "valid", "until", end]
    assert [line.split()[1:] for line in lines] == [
        [made[3][5:11], "ops", "the-ops", "-", *state],
        [made[2][5:11], "auditor", "the-auditor", "-", *state],
        [made[1][5:11], "unit", "the-unit", STREET, *state],
        [made[0][5:11], "reporter", "the-reporter", STREET, *state],
    ]
    assert not any(key in line for key in made for line in lines)
    for option, value in (("--unit", STREET), ("--role", "unit"), ("--subject", "the-unit")):
        assert run(haizhu_url, "keys", "list", option, value)[1] == [lines[2]]


def test_the_list_shows_what_is_past(run: Run, haizhu_url: str) -> None:
    run(haizhu_url, "keys", "create", "--role", "ops", "--expires-at", "2199-01-01T00:00:00+08:00")
    assert run(haizhu_url, "keys", "list")[1][0].endswith("never used       valid until 2199-01-01")
    past = "UPDATE access_key SET {} = '2026-11-02T16:30:00Z'"

    async def put(database: Database, column: str) -> None:
        async with database.begin() as tx:
            await tx.execute(text(past.format(column)))

    for column, ending in (
        ("last_used_at", "used 2026-11-03  valid until 2199-01-01"),
        ("expires_at", "ended 2026-11-03"),
        ("revoked_at", "revoked 2026-11-03"),
    ):
        asyncio.run(on_database(haizhu_url, partial(put, column=column)))
        assert run(haizhu_url, "keys", "list")[1][0].endswith(f"  {ending}")


def test_a_key_carries_systems_and_quotas(run: Run, haizhu_url: str) -> None:
    words = ("keys", "create", "--role", "reporter", "--area", STREET)
    options: tuple[str, ...] = ("--system", "hotline", "--system", "12345", "--system", "hotline")
    options += ("--quota-reports", "5000", "--allow", "10.1.2.3", "--allow", "10.20.0.0/16", "--may-report-for")
    assert run(haizhu_url, *words, *options)[0] == 0
    assert run(haizhu_url, *words, "--quota-urgent", "0")[0] == 0

    async def carried(database: Database) -> list[tuple[Any, ...]]:
        async with database.read() as connection:
            shown = await stored.newest(connection, limit=2)
            return [(key.systems, key.quota, key.allow, key.may_report_for) for key in shown]

    found = asyncio.run(on_database(haizhu_url, carried))
    of_hotline = (("hotline", "12345"), KeyQuota(5000, None), ("10.1.2.3/32", "10.20.0.0/16"), True)
    assert found == [((), KeyQuota(None, 0), (), False), of_hotline]


def test_a_revoked_key_stays_in_the_list(run: Run, haizhu_url: str) -> None:
    run(haizhu_url, "keys", "create", "--role", "ops")
    key_id = run(haizhu_url, "keys", "list")[1][0].split()[0]
    assert run(haizhu_url, "keys", "revoke", key_id) == (0, [f"Key {UUID(key_id)} is revoked."], [])
    assert run(haizhu_url, "keys", "list")[1][0].split()[-2] == "revoked"


def test_a_key_is_replaced(run: Run, haizhu_url: str) -> None:
    (old,) = run(haizhu_url, "keys", "create", "--role", "unit", "--unit", STREET, "--name", "night desk")[1]
    key_id = run(haizhu_url, "keys", "list")[1][0].split()[0]
    code, (new,), faults = run(haizhu_url, "keys", "rotate", key_id, "--overlap", "86400")
    assert (code, faults, len(new)) == (0, [], 48)
    lines = run(haizhu_url, "keys", "list")[1]
    assert [line.split()[1] for line in lines] == [new[5:11], old[5:11]]
    tomorrow = (datetime.now(ZONE) + timedelta(days=1)).date().isoformat()
    assert lines[1].endswith(f"valid until {tomorrow}")


def test_a_key_is_found_and_never_printed(run: Run, haizhu_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (key,) = run(haizhu_url, "keys", "create", "--role", "unit", "--unit", STREET, "--name", "night desk")[1]
    run(haizhu_url, "keys", "create", "--role", "auditor", "--subject", "reader")
    (line,) = run(haizhu_url, "keys", "list", "--unit", STREET)[1]
    for words in (key, key[5:11], key[:12], STREET, "NIGHT"):
        assert run(haizhu_url, "keys", "find", words) == (0, [line], [])
    monkeypatch.setattr("sys.stdin", StringIO(f"{key}\n"))
    assert run(haizhu_url, "keys", "find", "-") == (0, [line], [])
    stranger = key[:-4] + "0000"
    assert run(haizhu_url, "keys", "find", "sihu_")[:2] == (1, []), "which all keys begin with"
    code, lines, faults = run(haizhu_url, "keys", "find", stranger)
    assert (code, lines, faults) == (1, [], ["sihu: No key is that, or has it in its unit, subject or name."])


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("create", "--role", "reporter"), "--area: "),
        (("create", "--role", "unit", "--unit", "nobody"), "--unit: Unit nobody is not in force: see GET /v1/units."),
        (("create", "--role", "ops", "--area", STREET), "--area: "),
        (("create", "--role", "ops", "--subject", " r1"), "--subject: Remove the blanks at the ends"),
        (("create", "--role", "ops", "--subject", "r1\u200b"), "--subject: Remove the invisible character U+200B"),
        (("create", "--role", "ops", "--subject", "r\udcff"), "--subject: Send valid Unicode"),
        (("create", "--role", "ops", "--name", "night\u2028desk"), "--name: Remove the line break or tab (U+2028)"),
        (("create", "--role", "ops", "--system", "a", "--system", "b "), "--system: Remove the blanks at the ends"),
        (("create", "--role", "ops", "--quota-reports", "-1"), "--quota-reports: "),
        (("create", "--role", "ops", "--quota-urgent", "1000001"), "--quota-urgent: "),
        (
            ("create", "--role", "ops", "--allow", "10.0.0.1", "--allow", "10.0.0.1/8"),
            "--allow: Send a network with",
        ),
        (("create", "--role", "ops", "--may-report-for"), "--may-report-for: Leave out may_report_for"),
        (("create", "--role", "ops", "--subject", "a/b"), "--subject: Send a subject without a slash"),
        (("create", "--role", "ops", "--expires-at", "soon"), "--expires-at: "),
        (("create", "--role", "ops", "--expires-at", "2026-01-01T00:00:00Z"), "--expires-at: Send a time after"),
        (("find", " "), "There is nothing to look for"),
        (("rotate", "1"), "1 is not a key's id: see `sihu keys list`."),
        (("rotate", NOBODY), f"No key has the id {NOBODY}: GET /v1/keys and `sihu keys list` show them all."),
        (("rotate", NOBODY, "--overlap", "-1"), "--overlap: Send 0 to 7776000 seconds"),
        (("revoke", "1"), "1 is not a key's id: see `sihu keys list`."),
        (("revoke", NOBODY), f"No key has the id {NOBODY}"),
    ],
)
def test_a_refused_key_is_one_clear_line(run: Run, haizhu_url: str, arguments: tuple[str, ...], part: str) -> None:
    code, lines, faults = run(haizhu_url, "keys", *arguments)
    assert (code, lines, len(faults)) == (1, [], 1)
    assert faults[0].startswith("sihu: ")
    assert part in faults[0]


def test_every_role_can_be_chosen(run: Run, haizhu_url: str) -> None:
    code, _, faults = run(haizhu_url, "keys", "create", "--role", "king")
    assert code == 2
    assert all(role in faults[-1] for role in Role)
