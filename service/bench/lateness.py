import argparse
from typing import Any

from service.store.database import Database


async def measure(database: Database, asked: argparse.Namespace) -> dict[str, Any]:
    return {}
