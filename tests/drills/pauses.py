"""PostgreSQL stands still, or its disk is full: nothing hides it, and nothing is lost."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drills.cluster import Cluster
from tests.drills.drill import Drill, Outcome, Say, Stage, load, stage
from tests.drills.networks import MAX_PROBE_S, demand_healed, demand_refusals
from tests.drills.probes import Probes
from tests.drills.site import Template

_BEFORE_S, _PAUSE_S, _FULL_S, _AFTER_S = 3.0, 20.0, 12.0, 4.0
_TABLES_MIB, _WAL_MIB = 400, 40
_SEEN_AFTER_S = 6.0
"""Within how long `/readyz` has to show that the disk is full."""
_WORDS = "No space left on device"


async def pause(template: Template, say: Say, times: int) -> Outcome:
    """SIGSTOP to all of PostgreSQL: no 500, a 503 within seconds, and probes that are answered all the time."""
    async with stage(template, "pause", say) as here:
        await here.serve(here.cluster.url(), here.cluster.url())
        async with load(here, people=20) as drill, Probes(here.servers) as probes:
            await asyncio.sleep(_BEFORE_S)
            began = time.monotonic()
            here.cluster.pause()
            try:
                await asyncio.sleep(_PAUSE_S)
            finally:
                here.cluster.resume()
            healed = await drill.writes_again(time.monotonic())
            await asyncio.sleep(_AFTER_S)
            probes.stop()
            outcome = await drill.judge(here.cluster, here.folder)
    demand_refusals(outcome, drill, began, _PAUSE_S)
    probes.demand(outcome, MAX_PROBE_S)
    demand_healed(outcome, healed)
    return outcome


async def disk(template: Template, say: Say, times: int) -> Outcome:
    """The disk of the tables is full for a while."""
    async with stage(template, "disk", say, start=False) as here:
        with _small_disk(here.folder / "disk", _TABLES_MIB) as room:
            if room is None:
                return Outcome(skipped="only root may mount a small disk")
            _move(here.cluster.data / "base", room / "base")
            return await _fill(here, room)


async def wal(template: Template, say: Say, times: int) -> Outcome:
    """The disk of the write-ahead log is full: PostgreSQL itself goes down, and is started again once there is room."""
    async with stage(template, "wal", say, start=False) as here:
        with _small_disk(here.folder / "disk", _WAL_MIB) as room:
            if room is None:
                return Outcome(skipped="only root may mount a small disk")
            _move(here.cluster.data / "pg_wal", room / "pg_wal")
            return await _fill(here, room, max_wal_size="8MB", min_wal_size="2MB", wal_recycle="off")


async def _fill(here: Stage, room: Path, **settings: str) -> Outcome:
    """Load on a disk that is full for a while."""
    try:
        here.cluster.start(**settings)
        await here.serve(here.cluster.url(), here.cluster.url())
        async with load(here) as drill, Probes(here.servers) as probes:
            await asyncio.sleep(_BEFORE_S)
            began = time.monotonic()
            _pile(room / "ballast")
            await asyncio.sleep(_FULL_S)
            is_down = not await _runs(here.cluster)
            (room / "ballast").unlink()
            if is_down:
                here.say("PostgreSQL is down, and is started again")
                here.cluster.stop("immediate")
                here.cluster.start()
            healed = await drill.writes_again(time.monotonic())
            await asyncio.sleep(_AFTER_S)
            probes.stop()
            outcome = await drill.judge(here.cluster, here.folder)
    finally:
        here.cluster.kill()
    outcome.figures["PostgreSQL went down"] = is_down
    demand_refusals(outcome, drill, began, _FULL_S)
    demand_healed(outcome, healed)
    _demand_seen(outcome, drill, probes, began)
    return outcome


def _demand_seen(outcome: Outcome, drill: Drill, probes: Probes, began: float) -> None:
    """Whether ops could see it: in the log, in the words of the database, and by `/readyz`."""
    during = [each for each in probes.answers if each.path == "/readyz" and began < each.at < began + _FULL_S]
    trouble = [each.at - began for each in during if not each.text.startswith('{"status":"ready"')]
    outcome.figures["/readyz shows it after s"] = round(min(trouble), 1) if trouble else "never"
    outcome.demand(bool(trouble) and min(trouble) <= _SEEN_AFTER_S, f"/readyz hides it for {_SEEN_AFTER_S:.0f} s")
    if not outcome.figures["PostgreSQL went down"]:
        silent = [server.log.name for server in drill.servers if _WORDS not in server.log.read_text()]
        outcome.demand(not silent, f"no line of {', '.join(silent)} says: {_WORDS}")
        outcome.demand(any(_WORDS in each.text for each in during), f"/readyz does not say: {_WORDS}")


async def _runs(cluster: Cluster) -> bool:
    try:
        return bool(await cluster.value("SELECT true"))
    except Exception:  # whatever it is, it does not serve
        return False


@contextmanager
def _small_disk(folder: Path, mib: int) -> Iterator[Path | None]:
    """A file system of its own in memory; None where it cannot be mounted."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0777", "drill", str(folder)], check=False)
    try:
        yield folder if done.returncode == 0 else None
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def _move(folder: Path, to: Path) -> None:
    """Move a folder of a server that is stopped, and leave a link in its place."""
    subprocess.run(["cp", "-a", str(folder), str(to)], check=True)
    shutil.rmtree(folder)
    folder.symlink_to(to)
    owner = folder.parent.stat()
    os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _pile(ballast: Path) -> None:
    """Fill what is left of a disk."""
    block = b"\0" * 65_536
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(block) == len(block):
                pass
        except OSError:
            return
