"""The service speaks to its database and to its issuer, and nothing in it could speak to anybody else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conventions import source

CLIENTS = {"httpx", "requests", "aiohttp", "urllib3", "websockets", "socket", "asyncpg", "psycopg", "smtplib", "ftplib"}
CLIENTS |= {"poplib", "imaplib", "telnetlib", "xmlrpc", "http.client", "urllib.request", "asyncio.streams"}
ITSELF = {"service/commands/climbing.py", "service/commands/demo_story.py"}
"""Commands that show a story by asking the service that they have started."""
ALLOWED = {
    "service/access/issuer.py": {"httpx"},
    "service/store/sessions.py": {"asyncpg", "socket"},
    "service/store/sqlstates.py": {"asyncpg"},
    **{file: {"httpx"} for file in ITSELF},
    **{f"service/commands/{name}.py": {"socket"} for name in ("address", "serve", "serving")},  # where it listens
}
"""What may open a connection, by file."""


def _clients(file: Path) -> Iterator[str]:
    for node in ast.walk(source.tree(file)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            yield from ({name, name.partition(".")[0]} & CLIENTS)
        if isinstance(node, ast.Attribute) and node.attr in ("open_connection", "create_connection", "urlopen"):
            yield node.attr


@pytest.mark.clause("API7:2023", "ASVS 13.2.4", "ASVS 13.2.5", "ASVS 14.2.3")
def test_only_the_store_and_the_issuer_connect() -> None:
    files = [file for file in source.files() if "bench" not in file.parts]
    found = {str(file.relative_to(source.ROOT)): set(_clients(file)) for file in files}
    assert {file: names for file, names in found.items() if names} == ALLOWED
