"""What the READMEs show to be pasted runs as it stands, in bash and in zsh, each block against a live server.

The server is the one of `make run`: the demo, on an embedded PostgreSQL in a folder of its own.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from service.web import story
from tests.processes.running import serving
from tests.test_docs import README, ROOT, TWIN

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"(?:[^\"\\]|\\.)*\"")


class Block(NamedTuple):
    """A shell block of a README: its file and its number there, and its lines."""

    name: str
    text: str


def _blocks() -> list[Block]:
    found: list[Block] = []
    for document in (README, TWIN):
        shells = [text for kind, text in _BLOCK.findall(document.read_text(encoding="utf-8")) if kind != "mermaid"]
        found += [Block(f"{document.name}:{number}", text) for number, text in enumerate(shells)]
    return found


BLOCKS = _blocks()
PASTED = {block.text: block for block in BLOCKS if not block.text.startswith("make ")}
"""What runs against the server; both READMEs have the same blocks, and each runs once."""
STORY = "\n".join([*story.lines(), *story.climbing_lines()])
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]


class Terminal(NamedTuple):
    """A terminal in the folder of the repository, beside that in which `make run` runs."""

    folder: Path
    variables: dict[str, str]

    def paste(self, shell: str, text: str) -> list[str]:
        """Run the lines. Returns what they print; a line that fails fails the test."""
        done = subprocess.run(
            [shell, "-euo", "pipefail"],
            input=text,
            cwd=self.folder,
            env={**os.environ, "DATABASE_URL": "", "PYTHONPATH": str(ROOT), **self.variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        return done.stdout.splitlines()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("clone")
    sihu = folder / ".venv" / "bin" / "sihu"
    sihu.parent.mkdir(parents=True)
    sihu.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service.commands.parser "$@"\n')
    sihu.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIHU_DATA_DIR", str(folder / ".sihu"))
        with serving("", folder / "log", "--demo") as running:
            running.wait_until("/readyz", 200, seconds=90)
            running.wait_for("reported 上报")
            printed = running.log.read_text()
            yield Terminal(folder, dict(re.findall(r"^export ([A-Z]+)=(\S+)$", printed, re.MULTILINE)))
            running.stop()


def test_both_readmes_have_blocks_to_paste() -> None:
    assert len(BLOCKS) == 2 * len({block.text for block in BLOCKS}) >= 12


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("block", PASTED.values(), ids=lambda block: block.name)
def test_a_block_runs_as_it_stands(terminal: Terminal, block: Block, shell: str) -> None:
    """No line fails, and none is answered with a problem."""
    text = block.text.replace("S-001", f"S-{SHELLS.index(shell)}")  # a duty is proposed once, each shell proposes one
    for line in terminal.paste(shell, text):
        if line.startswith("{"):
            assert "instance" not in json.loads(line), line


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_story_runs_as_it_is_printed(terminal: Terminal, shell: str) -> None:
    lines = terminal.paste(shell, STORY)
    events = [line.split()[1] for line in lines if " sihu." in line]
    assert events[:3] == ["sihu.incident.reported", "sihu.call.opened", "sihu.call.answered"]
    assert "sihu.incident.closed" in events
    assert events.count("sihu.incident.reported") == 2  # the story's, and the one that nobody answers
    assert '"instance"' not in "".join(lines)


@pytest.mark.parametrize("block", [*BLOCKS, Block("story", STORY)], ids=lambda block: block.name)
def test_a_block_reads_the_same_in_zsh(block: Block) -> None:
    """What zsh takes differently at its prompt: comments, `=word`, patterns without a match, history."""
    outside = _QUOTED.sub("''", re.sub(r"\$\([^()]*\)", "", block.text))
    assert "#" not in outside, "zsh runs comments"
    assert not re.search(r"(^|\s)=\w", outside), "zsh looks up =word as a program"
    assert not re.search(r"[?*\[\]~^]", re.sub(r"\$[?*]", "", outside)), "zsh refuses a pattern that matches no file"
    assert not re.search(r"![\w-]", block.text), "the history is read between double quotes, too"
    assert not re.search(r"\b(path|status|argv|cdpath)=", outside), "zsh has variables of its own by this name"
    assert not re.search(r"\$\w+:", outside), "zsh takes what follows the colon for a modifier"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_names_what_make_knows(block: Block) -> None:
    targets = re.findall(r"^make (\w+)", block.text, re.MULTILINE)
    for target in targets:
        subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, check=True)


@pytest.mark.parametrize("document", [README, TWIN], ids=lambda path: path.name)
def test_every_make_target_that_is_named_exists(document: Path) -> None:
    targets = set(re.findall(r"`make (?:[A-Z]+=\S+ )?([a-z]+)`", document.read_text(encoding="utf-8")))
    known = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"run", "test", "demo", "check"} <= targets <= known
