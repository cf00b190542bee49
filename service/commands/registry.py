"""`sihu registry import DIR`: the registry from a folder of CSV files."""

from __future__ import annotations

import argparse
import sys

from service.clock import DatabaseClock
from service.commands.database import OPS, with_database
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.registry.bundle.report import ImportReport
from service.settings import Settings
from service.store.database import Database


def load(settings: Settings, asked: argparse.Namespace) -> int:
    """`sihu registry import DIR`: every fault at once, or the whole bundle."""

    async def work(database: Database) -> ImportReport:
        clock = DatabaseClock()
        await clock.synchronise(database)
        files = read_folder(asked.directory)
        return await importing.import_bundle(database, files, clock.now(), OPS, dry_run=asked.dry_run)

    report = with_database(settings, work)
    for line in report.lines():
        print(line, file=sys.stderr if report.faults else sys.stdout)
    return 1 if report.faults else 0
