"""Commands run on databases of their own, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.commands import parser
from tests.commands.running import Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs one command on a database, in a folder of its own: exit code, lines of stdout, lines of stderr."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIHU_PORT", "0")  # the usual one may be taken

    def command(url: str, *arguments: str) -> tuple[int, list[str], list[str]]:
        monkeypatch.setenv("DATABASE_URL", url)
        with pytest.raises(SystemExit) as ended:
            parser.main(arguments)
        assert isinstance(ended.value.code, int)
        printed = capsys.readouterr()
        return ended.value.code, printed.out.splitlines(), printed.err.splitlines()

    return command
