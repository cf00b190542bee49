"""`sihu openapi` writes the OpenAPI document, from which clients are generated."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from service import clock as clocks
from service.main import create_app
from service.settings import Settings

OPENAPI_FILE = Path("openapi/openapi.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the option of `sihu openapi`."""
    parser.add_argument("--check", action="store_true", help="only check whether the file is up to date")
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Write the document below the current folder. With `--check`, only compare the file: exit code 1 when it is out of
    date."""
    app = create_app(settings, clocks.of("now"))
    text = json.dumps(app.openapi(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    if arguments.check:
        if OPENAPI_FILE.exists() and OPENAPI_FILE.read_text(encoding="utf-8") == text:
            return 0
        print(f"{OPENAPI_FILE} is not what the code says: run `make openapi` and commit it.", file=sys.stderr)
        return 1
    OPENAPI_FILE.parent.mkdir(exist_ok=True)
    OPENAPI_FILE.write_text(text, encoding="utf-8")
    return 0
