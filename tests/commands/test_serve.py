"""`sihu serve`: the demo, the engine alone, and the collector. Signals and lost databases are in tests/processes."""

from __future__ import annotations

import gc
import re
import stat
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import httpx
import pytest

from service.commands import parser, sample
from service.commands.serve import settle_memory
from service.settings import Settings, variable_of
from tests.processes.running import command, serving

KEY_LINE = re.compile(r"^export ([A-Z]+)=(sihu_\S+)$", re.MULTILINE)


def test_the_demo_migrates_imports_and_shows_a_climbing_call(
    bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A newcomer sees the first escalation on the terminal, and may start again: the keys are not printed twice."""
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path))
    with serving(bare_url, tmp_path / "log", "--demo") as running:
        running.wait_until("/readyz", 200, seconds=60)
        (file,) = tmp_path.glob("demo-keys-*.sh")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        keys_by_name = dict(KEY_LINE.findall(file.read_text()))
        headers = {"Authorization": f"Bearer {keys_by_name['STREET']}"}
        assert httpx.get(f"{running.url}/v1/queues/{sample.STREET}", headers=headers).status_code == 200
        running.wait_for("did not answer 超时未应", seconds=60)
        running.stop()
    printed = (tmp_path / "log").read_text()
    assert "Traceback" not in printed
    assert dict(KEY_LINE.findall(printed)) == keys_by_name
    assert f"export SIHU={running.url}\n" in printed
    assert "PostgreSQL" in printed and " at " in printed and "engine on" in printed
    with serving(bare_url, tmp_path / "again", "--demo") as running:
        running.wait_until("/readyz", 200)
        running.stop()
    printed = (tmp_path / "again").read_text()
    assert f". {file}\n" in printed
    assert not any(key in printed for key in keys_by_name.values())


@pytest.mark.parametrize("options", [("--engine", "off"), ("--virtual-clock",)])
def test_without_a_running_clock_no_climbing_call_is_promised(
    bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path))
    with serving(bare_url, tmp_path / "log", "--demo", *options) as running:
        running.wait_until("/readyz", 200, seconds=60)
        running.stop()
    printed = (tmp_path / "log").read_text()
    assert "export WORKER=" in printed
    assert "climb" not in printed.partition("Paste")[0]


@pytest.mark.parametrize(
    ("registry", "options", "part"),
    [
        ("haizhu_url", (), "engine on\n"),
        ("haizhu_url", ("--engine", "off"), "engine off\n"),
        ("haizhu_url", ("--virtual-clock",), "engine on · virtual clock\n"),
        ("database_url", (), "engine on · registry empty: sihu registry import DIR\n"),
    ],
)
def test_a_server_says_in_a_line_what_it_serves(
    request: pytest.FixtureRequest, tmp_path: Path, registry: str, options: tuple[str, ...], part: str
) -> None:
    url: str = request.getfixturevalue(registry)
    with serving(url, tmp_path / "log", *options, port=0) as running:
        running.wait_for("engine")
        running.stop()
    line = (tmp_path / "log").read_text().partition("\n")[0] + "\n"
    found = re.match(r"sihu serves at http://127\.0\.0\.1:(\d+) · PostgreSQL \d+, database sihu_\w+ at [^·]+ · ", line)
    assert found and int(found[1]) > 0
    assert line.endswith(part)


def test_a_database_out_of_reach_is_waited_for(tmp_path: Path) -> None:
    with serving("postgresql://somebody:secret@127.0.0.1:1/nothing", tmp_path / "log") as running:
        running.wait_until("/healthz", 200)
        running.stop()
    line = (tmp_path / "log").read_text().partition("\n")[0]
    assert "database nothing at 127.0.0.1:1, which cannot be reached yet (" in line
    assert "secret" not in (tmp_path / "log").read_text()


def test_the_help_lists_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser.main(["serve", "--help"])
    lines = capsys.readouterr().out.splitlines()
    for name, field in Settings.model_fields.items():
        (line,) = [each for each in lines if each.startswith(f"  {variable_of(name)} (")]
        assert line.endswith(str(field.description))
    assert "  SIHU_PORT (8000): The port to listen on; 0 takes any free one." in lines


def test_an_engine_alone_serves_only_its_health(haizhu_url: str, tmp_path: Path) -> None:
    key = command("keys", "create", "--role", "ops", url=haizhu_url).stdout.strip()
    with serving(haizhu_url, tmp_path / "log", "--engine", "only") as running:
        running.wait_until("/readyz", 200)
        assert httpx.get(f"{running.url}/metrics").status_code == 200
        # not by the client that holds every answer against the document: that one describes what the API serves
        request = urllib.request.Request(f"{running.url}/v1/incidents", headers={"Authorization": f"Bearer {key}"})
        with pytest.raises(HTTPError, match="404"):
            urllib.request.urlopen(request, timeout=10)


def test_settled_memory_is_looked_at_less_often() -> None:
    settle_memory()
    assert gc.get_threshold()[0] == 100_000
    assert gc.get_freeze_count() > 0
