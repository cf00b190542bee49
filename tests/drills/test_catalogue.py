"""Every drill is described where people look it up."""

from __future__ import annotations

import subprocess
import sys

from tests.docs import pages
from tests.drills.catalogue import DRILLS


def test_the_page_lists_every_drill() -> None:
    assert pages.column(pages.DOCS / "drills.md", "What is drilled", "drill") == list(DRILLS)


def test_an_unknown_drill_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.drills", "nothing"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "there is no drill nothing" in done.stderr
