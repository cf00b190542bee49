"""`sihu registry import DIR`."""

from __future__ import annotations

from pathlib import Path

from tests.commands.running import Run
from tests.registry import bundles


def _folder(files: dict[str, bytes]) -> str:
    folder = Path("bundle")
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return str(folder)


def test_an_import_is_tried_done_and_done_again(run: Run, database_url: str) -> None:
    folder = _folder(bundles.files())
    code, lines, faults = run(database_url, "registry", "import", folder, "--dry-run")
    assert (code, lines[-1], faults) == (0, "Dry run: nothing was written.", [])
    code, lines, _ = run(database_url, "registry", "import", folder)
    assert (code, lines[-1]) == (0, "Imported.")
    assert "units: 5 added, 0 changed, 0 unchanged" in lines, "the dry run wrote nothing"
    code, lines, _ = run(database_url, "registry", "import", folder)
    assert "units: 0 added, 0 changed, 5 unchanged" in lines


def test_every_fault_is_on_stderr_and_nothing_is_imported(run: Run, database_url: str) -> None:
    cells = "code,name,community\n440402001001001,网格,440402001009\nx,网格,440402001001\n"
    code, lines, faults = run(database_url, "registry", "import", _folder(bundles.files(cells=cells)))
    assert (code, lines) == (1, [])
    assert [line.split(":")[0] for line in faults[:-1]] == ["cells.csv"] * (len(faults) - 1)
    assert faults[-1] == f"{len(faults) - 1} faults; nothing was imported: correct each."
    assert run(database_url, "doctor")[0] == 1, "there is no registry"


def test_a_folder_that_is_not_there_is_one_line(run: Run, database_url: str) -> None:
    code, lines, faults = run(database_url, "registry", "import", "nowhere")
    assert (code, lines, len(faults)) == (1, [], 1)
    assert "nowhere" in faults[0]
