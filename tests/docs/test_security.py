"""docs/security.md tells of every secret, every table and every clause, as they are now."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.access.sessions import IDLE, LIFE
from service.store.schema import metadata
from tests.conventions import source
from tests.docs import pages
from tests.security import clauses, markers
from tests.security.page import PAGE, made

SOURCES = {"hashlib", "hmac", "random", "secrets", "ssl", "cryptography", "joserfc", "jwt", "nacl", "Crypto", "gmssl"}
PROVEN = {
    *("hashlib.sha256", "hmac.digest", "hmac.new", "hmac.compare_digest", "os.urandom"),
    *("cryptography.hazmat.primitives.ciphers.aead.AESGCM", "cryptography.exceptions.InvalidTag"),
    *("joserfc.jwk.Key", "joserfc.jwk.RSAKey", "joserfc.jwk.ECKey", "joserfc.jws", "joserfc.jwt"),
    *("joserfc.errors.JoseError", "ssl.SSLContext", "ssl.create_default_context"),
}
"""What may be used, beside `secrets`: no other digest and no generator that can be foreseen."""


def _uses(file: Path) -> Iterator[str]:
    """What a file takes of the modules of cryptography, as `module.name`."""
    nodes = list(ast.walk(source.tree(file)))
    imported = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in imported:
            name = f"{node.value.id}.{node.attr}"
            if node.value.id in SOURCES or name == "os.urandom":
                yield name
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in SOURCES:
            yield from (f"{node.module}.{each.name}" for each in node.names)


@pytest.mark.clause(
    "ASVS 11.1.2",
    "ASVS 11.2.1",
    "ASVS 11.2.3",
    "ASVS 11.4.1",
    "ASVS 11.4.3",
    "ASVS 11.5.1",
    "ASVS 11.3.1",
    "ASVS 11.3.2",
)
def test_every_use_of_cryptography_is_in_the_inventory() -> None:
    """Whatever is new has its row, and is a proven implementation with at least 128 bits."""
    files = [file for file in source.files() if "bench" not in file.parts]
    found = {str(file.relative_to(source.ROOT)): set(_uses(file)) for file in files}
    listed = {pages.quoted(row["file"])[0]: set(pages.quoted(row["uses"])) for row in pages.rows(PAGE, "Cryptography")}
    assert {file: uses for file, uses in found.items() if uses} == listed
    assert {use for uses in listed.values() for use in uses if not use.startswith("secrets.token_")} <= PROVEN
    for file in files:
        for node in ast.walk(source.tree(file)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "hmac.digest":
                assert ast.unparse(node.args[2]) == "'sha256'", source.place(file, node)


@pytest.mark.clause("ASVS 14.1.1", "PIPL 51")
def test_every_table_has_its_class() -> None:
    rows = pages.rows(PAGE, "Data")
    listed = [name for row in rows for name in pages.quoted(row["tables"])]
    assert sorted(listed) == sorted(metadata.tables)
    assert all(row["class"].split()[0].rstrip(":;") in ("secret", "personal", "internal", "open") for row in rows)
    assert all(row["who sees it"] and row["kept"] for row in rows)


@pytest.mark.clause("ASVS 7.1.1")
def test_the_page_states_how_long_a_session_lasts() -> None:
    hours, minutes = LIFE / timedelta(hours=1), IDLE / timedelta(minutes=1)
    for page, heading in ((PAGE, "Sessions"), (pages.DOCS / "clients.md", "A page in a browser")):
        text = pages.section(page, heading)
        assert f"{hours:g} hours" in text and f"{minutes:g} minutes" in text


def test_the_page_is_what_the_markers_make() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert made(text, clauses.standards(), markers.by_clause()) == text, "run `make security`"


def test_a_clause_has_tests_or_a_reason_and_not_both() -> None:
    tests = markers.by_clause()
    every = [clause for standard in clauses.standards() for clause in standard.clauses]
    assert set(tests) - {clause.id for clause in every} == set(), "a marker names a clause that no file has"
    assert [clause.id for clause in every if not tests.get(clause.id) and not clause.because] == []
    assert [clause.id for clause in every if tests.get(clause.id) and clause.because] == []
    assert [clause.id for clause in every if clause.partly and not tests.get(clause.id)] == []
    assert {clause.reason for clause in every if clause.because} <= set(clauses.REASONS)
    assert len({clause.id for clause in every}) == len(every)


def test_every_requirement_of_levels_1_and_2_is_there() -> None:
    (asvs,) = [each for each in clauses.standards() if each.name.startswith("ASVS")]
    assert sum(clause.covers for clause in asvs.clauses) == 253
    assert {clause.level for clause in asvs.clauses if clause.covers == 1} == {1, 2}


@pytest.mark.parametrize("standard", clauses.standards(), ids=lambda each: each.name)
def test_a_clause_is_a_short_summary_of_our_own(standard: clauses.Standard) -> None:
    found = [clause.id for clause in standard.clauses if not clause.text or len(clause.text.split()) > 18]
    assert found == []
    assert not [clause.id for clause in standard.clauses if clause.text.startswith("Verify that")]
