"""One run of schemathesis against a service on the sample, with keys of three roles and incidents in several states."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx

from service.access import keys
from service.access.keys import Created
from service.access.new_keys import NewKey
from service.commands.database import now_and_world
from service.rules.model import By
from service.rules.words import Role
from service.store.database import Database
from tests.house import CATEGORY, CELL, COMMUNITY, START, STREET
from tests.wire.fuzz_hooks import ROLES

_CONFIG = Path(__file__).parent / "schemathesis.toml"
_FOR_EVER = datetime(2199, 1, 1, tzinfo=UTC)
_PEOPLE = {
    "OPS": NewKey(Role.OPS, subject="fuzz-ops", expires_at=_FOR_EVER),
    "REPORTER": NewKey(
        Role.REPORTER, area=STREET, subject="fuzz-reporter", expires_at=_FOR_EVER, systems=("grid-app",)
    ),
    "COMMUNITY": NewKey(Role.UNIT, unit=COMMUNITY, expires_at=_FOR_EVER),
}
_LIVES: Sequence[Sequence[tuple[str, str, Mapping[str, str]]]] = (
    (),
    (("COMMUNITY", "answer", {"measure": "今天下午清运"}),),
    (("COMMUNITY", "hold", {"until": "2026-12-20T00:00:00+08:00", "reason": "等待施工许可"}),),
    (("COMMUNITY", "raise", {"ground": "beyond_powers", "reason": "需要执法权"}),),
    (("COMMUNITY", "resolve", {"result": "已清运"}),),
    (("COMMUNITY", "resolve", {"result": "已清运"}), ("REPORTER", "accept", {})),
    (("COMMUNITY", "void", {"reason_code": "not_an_incident", "reason": "现场核实无此情况"}),),
)
"""What happened to the incidents that the run finds, one after the other."""


def make_keys(url: str) -> dict[str, Created]:
    """A key of each role, in a database with the sample."""

    async def make() -> dict[str, Created]:
        database = Database(url, pool_size=2)
        try:
            _, world = await now_and_world(database)
            by = By("ops", "tests")
            return {role: await keys.create(database, world, START, _PEOPLE[role], by) for role in ROLES}
        finally:
            await database.close()

    return asyncio.run(make())


def live(url: str, made: Mapping[str, Created]) -> list[str]:
    """The ids of incidents to which something has happened."""
    found = []
    with httpx.Client(base_url=url) as client:
        for acts in _LIVES:
            body = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}
            incident = client.post("/v1/incidents", json=body, headers=_sign_in(made["REPORTER"])).json()["id"]
            for who, verb, act in acts:
                answer = client.post(f"/v1/incidents/{incident}/{verb}", json=act, headers=_sign_in(made[who]))
                assert answer.status_code == 200, answer.text
            found.append(incident)
    return found


def _sign_in(key: Created) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.text}"}


def run(url: str, made: Mapping[str, Created], folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, with what it needs in `folder`; its exit code is 0 when nothing was found."""
    shutil.copy(_CONFIG, folder)
    (folder / "incidents.txt").write_text("".join(f'"{each}"\n' for each in live(url, made)))
    secrets = {f"FUZZ_{role}": key.text for role, key in made.items()}
    keep = {"FUZZ_KEEP": " ".join(str(key.key.id) for key in made.values())}
    return subprocess.run(
        [
            _beside_python("schemathesis"),
            "--config-file",
            _CONFIG.name,
            "run",
            f"{url}/openapi.json",
            "--no-color",
            *arguments,
        ],
        env={**os.environ, **secrets, **keep, "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def _beside_python(name: str) -> str:
    return str(Path(sys.executable).parent / name)
