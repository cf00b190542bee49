"""Two nodes under Patroni with a synchronous standby: switchovers, and the death of the leader, under load.

Patroni, etcd and everything that they start run on 127.0.0.1, under PostgreSQL's account.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.drills.cluster import Cluster, account, new_folder, programs
from tests.drills.drill import Drill, Outcome, Say, Stage, load
from tests.drills.failovers import both, demand_writes
from tests.drills.site import Template, prepare
from tests.processes.running import free_port

_NEEDED = ("patroni", "patronictl", "etcd")
_LOAD_S, _UP_S, _TTL_S = 6.0, 60.0, 20


class _Node:
    """One node: its Patroni, and the PostgreSQL that Patroni runs."""

    def __init__(self, name: str, folder: Path, etcd_port: int) -> None:
        self.name = name
        self.cluster = Cluster(folder / name)
        self.rest_port = free_port()
        self.config = folder / f"{name}.json"
        self._log = folder / f"{name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.config.write_text(json.dumps(self._settings(folder, etcd_port)))  # JSON is YAML

    def _settings(self, folder: Path, etcd_port: int) -> dict[str, Any]:
        address = f"127.0.0.1:{self.cluster.port}"
        rest = f"127.0.0.1:{self.rest_port}"
        dcs = {"ttl": _TTL_S, "loop_wait": 2, "retry_timeout": 5, "synchronous_mode": True}
        parameters = {"max_connections": 300, "unix_socket_directories": str(folder), "wal_keep_size": "256MB"}
        return {
            "scope": "sihu",
            "name": self.name,
            "restapi": {"listen": rest, "connect_address": rest},
            "etcd3": {"host": f"127.0.0.1:{etcd_port}"},
            "bootstrap": {
                "dcs": {**dcs, "postgresql": {"use_pg_rewind": True, "parameters": parameters}},
                "initdb": [{"encoding": "UTF8"}, {"locale": "C"}, "data-checksums"],
            },
            "postgresql": {
                "listen": address,
                "connect_address": address,
                "data_dir": str(self.cluster.data),
                "bin_dir": str(programs()),
                "pg_hba": ["local all all trust", "host all,replication all 127.0.0.1/32 trust"],
                "authentication": {
                    "superuser": {"username": "sihu"},
                    "replication": {"username": "replicator"},
                },
            },
        }

    def start(self) -> None:
        self._process = _launch(self._log, "patroni", str(self.config))

    def kill(self) -> None:
        """Patroni and its PostgreSQL, at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        if self.cluster.is_running:
            self.cluster.kill()

    def remove(self) -> None:
        self.kill()
        self.cluster.remove()

    async def until(self, role: str) -> None:
        """Wait until the node is `primary`, or a `synchronous` standby."""
        end = time.monotonic() + _UP_S
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.rest_port}", timeout=5) as client:
            while time.monotonic() < end:
                try:
                    if (await client.get(f"/{role}")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(f"{self.name} is not {role} after {_UP_S:.0f} s: {self._log.read_text()[-500:]}")


def _launch(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env={"PATH": f"{programs()}:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(log.parent)},
            user=account(),
            start_new_session=True,
        )


async def patroni(template: Template, say: Say, times: int) -> Outcome:
    """Switchovers there and back, then the leader dies: nothing acknowledged is lost, and writes go on."""
    if missing := [each for each in _NEEDED if shutil.which(each, path="/usr/bin:/bin") is None]:
        return Outcome(skipped=f"{', '.join(missing)} not installed: apt-get install patroni etcd-server")
    async with _nodes(say) as (here, nodes):
        url = both(*(node.cluster.port for node in nodes))
        await here.serve(url, url)
        async with load(here) as drill:
            outcome = await _trouble(here, drill, nodes, times)
    return outcome


async def _trouble(here: Stage, drill: Drill, nodes: list[_Node], times: int) -> Outcome:
    leader, other = nodes
    again: dict[str, dict[int, float | None]] = {}
    for turn in range(1, times + 1):
        await asyncio.sleep(_LOAD_S)
        here.say(f"switchover {turn} of {times}")
        await asyncio.to_thread(_switch_over, leader, other)
        await other.until("primary")
        again[f"switchover {turn}"] = await drill.writes_again(time.monotonic())
        leader, other = other, leader
        await other.until("synchronous")
    await asyncio.sleep(_LOAD_S)
    here.say("the leader is killed")
    leader.kill()
    await other.until("primary")
    again["kill"] = await drill.writes_again(time.monotonic())
    leader.start()
    await leader.until("synchronous")
    outcome = await drill.judge(other.cluster, here.folder)
    for name, found in again.items():
        demand_writes(outcome, found, name)
    return outcome


def _switch_over(leader: _Node, candidate: _Node) -> None:
    arguments = ("switchover", "sihu", "--master", leader.name, "--candidate", candidate.name, "--force")
    done = subprocess.run(
        ["/usr/bin/patronictl", "-c", str(leader.config), *arguments],
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@asynccontextmanager
async def _nodes(say: Say) -> AsyncIterator[tuple[Stage, list[_Node]]]:
    """Two nodes with a prepared database, the leader first."""
    folder = new_folder()
    if (user := account()) is not None:
        os.chown(folder, user, -1)
    client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    listening = ("--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer)
    etcd = _launch(folder / "etcd.log", "etcd", "--data-dir", str(folder / "etcd"), *listening)
    nodes = [_Node(name, folder, int(client.rpartition(":")[2])) for name in ("a", "b")]
    here: Stage | None = None
    try:
        for node, role in zip(nodes, ("primary", "synchronous"), strict=True):
            node.start()
            await node.until(role)
        leader = nodes[0].cluster
        leader.create_database()
        say("both nodes run")
        here = Stage(folder, leader, await prepare(leader.url(), folder), say)
        yield here, nodes
    finally:
        for server in here.servers if here is not None else ():
            server.kill()
        for node in nodes:
            node.remove()
        os.kill(etcd.pid, signal.SIGKILL)
        etcd.wait()
        shutil.rmtree(folder, ignore_errors=True)
