"""The secret keys of real processes: a second host, and a rotation while both serve."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.access.secrets import new_key
from tests.house import CATEGORY, CELL, STREET
from tests.processes.running import Running, command, serving

pytestmark = pytest.mark.slow

CONTACT = {"name": "张三", "phone": "13800000000", "address": "江南大道中 12 号"}


def _send(host: Running, key: str, path: str, body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{host.url}/v1/incidents{path}", json=body, headers=headers, timeout=10)


def _on(folder: Path) -> Any:
    """The environment of a host with a folder of its own."""
    return {"SIHU_DATA_DIR": str(folder), "SIHU_SECRET_KEY": ""}


def _key(url: str, *words: str) -> str:
    made = command("keys", "create", *words, url=url)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.mark.clause("ASVS 11.2.2")
def test_two_hosts_and_a_rotation_while_they_serve(haizhu_url: str, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    worker = _key(haizhu_url, "--role", "reporter", "--area", STREET)
    street = _key(haizhu_url, "--role", "unit", "--unit", STREET)
    with serving(haizhu_url, tmp_path / "a.log", **_on(first)) as one:
        one.wait_until("/readyz", 200)
        assert (first / "secret.key").stat().st_mode & 0o777 == 0o600

        with serving(haizhu_url, tmp_path / "b.log", **_on(second)) as refused:
            assert refused.process.wait(timeout=60) == 1
        assert "copy secret.key from the first host" in (tmp_path / "b.log").read_text()
        assert not (second / "secret.key").exists()

        second.mkdir()
        shutil.copy2(first / "secret.key", second)
        with serving(haizhu_url, tmp_path / "c.log", **_on(second)) as other:
            other.wait_until("/readyz", 200)
            body = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮", "contact": CONTACT}
            reveal = f"/{_send(one, worker, '', body).json()['id']}/reveal"
            assert _send(other, street, reveal, {"reason": "回访"}).json()["contact"] == CONTACT

            done = command("secrets", "rotate", url=haizhu_url, **_on(first))
            assert done.returncode == 0 and "1 value encrypted anew" in done.stdout, done.stderr
            assert _send(one, street, reveal, {"reason": "回访"}).json()["contact"] == CONTACT
            assert _send(other, street, reveal, {"reason": "回访"}).status_code == 503
            shutil.copy2(first / "secret.key", second)
            assert _send(other, street, reveal, {"reason": "回访"}).json()["contact"] == CONTACT
    log = "".join((tmp_path / name).read_text() for name in ("a.log", "b.log", "c.log"))
    assert not [value for value in CONTACT.values() if value in log]
    assert not [line for line in (first / "secret.key").read_text().split() if line in log]


@pytest.mark.clause("ASVS 13.3.2")
def test_no_process_starts_with_a_wrong_key(haizhu_url: str, tmp_path: Path) -> None:
    """It says in its last words which key the database knows and where it looked, or what is wrong with the file; no
    key is among them. With the right key in its own place it starts again."""
    folder, log = tmp_path / "data", tmp_path / "serve.log"
    file, right, wrong = folder / "secret.key", new_key(), new_key()

    def refused(expected: str, **environment: str) -> None:
        before = log.stat().st_size if log.exists() else 0
        with serving(haizhu_url, log, **{**_on(folder), **environment}) as host:
            assert host.process.wait(timeout=60) == 1
        said = log.read_text()[before:]
        assert expected in said and "Traceback" not in said
        assert not [key for key in (right.text, wrong.text) if key in said]

    worker = _key(haizhu_url, "--role", "reporter", "--area", STREET)
    with serving(haizhu_url, log, SIHU_SECRET_KEY=right.text) as host:
        host.wait_until("/readyz", 200)
        body = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮", "contact": CONTACT}
        assert _send(host, worker, "", body).status_code == 201
    refused(f"the secret key {right.id}, and SIHU_SECRET_KEY does not hold it", SIHU_SECRET_KEY=wrong.text)
    refused(f"the secret key {right.id}, and {file} does not hold it")
    assert not file.exists(), "no second key is made"
    folder.mkdir(exist_ok=True)
    file.write_text(f"{wrong.text}\n")
    file.chmod(0o600)
    refused(f"the secret key {right.id}, and {file} does not hold it")
    file.write_text(f"{right.text}\n")
    file.chmod(0o620)
    refused(f"chmod 600 {file}")
    file.chmod(0o600)
    with serving(haizhu_url, log, **_on(folder)) as host:
        host.wait_until("/readyz", 200)
