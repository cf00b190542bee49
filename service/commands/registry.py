"""`sihu registry import DIR` imports the registry from a folder of CSV files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from service.commands.database import OPS, current_time, with_database
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.registry.bundle.report import ImportReport
from service.settings import Settings
from service.store.database import Database


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the commands of `sihu registry`."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    imports = commands.add_parser("import", help="import a bundle of CSV files and policy.yaml")
    imports.add_argument("directory", type=Path, metavar="DIR", help="the folder with units.csv and the others")
    imports.add_argument("--dry-run", action="store_true", help="only print what would change")
    imports.set_defaults(command=import_directory)


def import_directory(settings: Settings, arguments: argparse.Namespace) -> int:
    """Import the whole bundle and print what changed. When it has faults, print each on stderr and write nothing."""

    async def work(database: Database) -> ImportReport:
        now = await current_time(database)
        files = read_folder(arguments.directory)
        return await importing.import_bundle(database, files, now, OPS, dry_run=arguments.dry_run)

    report = with_database(settings, work)
    for line in report.lines():
        print(line, file=sys.stderr if report.faults else sys.stdout)
    return 1 if report.faults else 0
