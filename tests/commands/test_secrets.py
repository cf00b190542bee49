"""`sihu secrets rotate` and what `sihu doctor` and `sihu serve` say of the keys."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from service.access.secret_keys import KeySource, agreed
from service.access.secrets import new_key
from service.commands.database import on_database
from service.store.access import secrets
from service.store.database import Database
from tests.access.test_secret_keys import CLOCK, put
from tests.commands.running import Run


@pytest.fixture(autouse=True)
def keys_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIHU_SECRET_KEY")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".sihu" / "secret.key"


def seal(url: str, file: Path, *numbers: int) -> str:
    async def work(database: Database) -> str:
        box = await agreed(database, KeySource(file), CLOCK)
        await put(database, box, *numbers)
        return box.first

    return asyncio.run(on_database(url, work))


def in_use(url: str) -> set[str]:
    async def work(database: Database) -> set[str]:
        async with database.read() as connection:
            return await secrets.in_use(connection)

    return asyncio.run(on_database(url, work))


def of_keys(run: Run, url: str) -> str:
    """The line of the doctor about the keys."""
    [line] = [line for line in run(url, "doctor")[1] if "secret" in line]
    return line


def test_a_rotation_says_what_it_did(run: Run, database_url: str, file: Path) -> None:
    old = seal(database_url, file, *range(12))
    code, lines, faults = run(database_url, "secrets", "rotate")
    [new] = in_use(database_url)
    said = (
        f"Key {new} is new and encrypts from now on; 12 values encrypted anew. Keep the older keys for older backups."
    )
    assert (code, lines, faults) == (0, [said], []) and new != old
    assert len(file.read_text().split()) == 2


def test_a_rotation_without_the_key_is_refused(run: Run, database_url: str, file: Path) -> None:
    old = seal(database_url, file, 1)
    file.unlink()
    code, lines, faults = run(database_url, "secrets", "rotate")
    assert (code, lines) == (1, []) and old in faults[0] and "copy secret.key" in faults[0]
    assert not file.exists()


def test_the_doctor_knows_the_state_of_the_keys(run: Run, database_url: str, file: Path) -> None:
    assert of_keys(run, database_url) == f"ok   there is no secret key yet: `sihu serve` makes {file}"
    old = seal(database_url, file, 1)
    assert of_keys(run, database_url) == f"ok   personal data is encrypted by the secret key {old}, of {file}"
    file.write_text(f"{new_key().text}\n{file.read_text()}")
    assert of_keys(run, database_url).startswith("warn personal data is still encrypted by older secret keys")
    file.write_text(new_key().text)
    assert of_keys(run, database_url).startswith(f"BAD  {file} does not hold the secret keys {old}")
    file.chmod(0o640)
    assert of_keys(run, database_url) == f"BAD  {file} may be read by others than its owner: chmod 600 {file}"
    file.unlink()
    assert of_keys(run, database_url).startswith(f"BAD  {file} is missing, and the database knows the secret key {old}")


def test_serve_does_not_start_with_a_wrong_key(run: Run, database_url: str, file: Path) -> None:
    old = seal(database_url, file, 1)
    file.write_text(new_key().text)
    code, _, faults = run(database_url, "serve", "--port", "0")
    assert code == 1 and old in faults[-1]


def test_a_setting_that_is_no_key_is_not_repeated(run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_SECRET_KEY", "c2VjcmV0")
    code, _, faults = run(database_url, "secrets", "rotate")
    assert code == 2
    assert faults == [
        "sihu: SIHU_SECRET_KEY should be keys of 32 bytes in base64, such as `openssl rand -base64 32` makes"
    ]
    assert os.environ["SIHU_SECRET_KEY"] not in faults[0]
