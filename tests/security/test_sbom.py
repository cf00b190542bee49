from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.security.sbom import LOCK, sbom


@pytest.mark.clause("ASVS 15.1.2")
def test_every_package_of_the_lock_is_there_with_its_digests() -> None:
    text = LOCK.read_text(encoding="utf-8")
    document = json.loads(sbom(LOCK))
    assert {f"{each['name']}=={each['version']}" for each in document["components"]} == set(
        re.findall(r"^[\w.-]+==[\w.]+", text, flags=re.MULTILINE)
    )
    digests = [each["content"] for component in document["components"] for each in component["hashes"]]
    assert sorted(digests) == sorted(re.findall(r"sha256:(\w+)", text))
    assert document["metadata"]["component"]["name"] == "sihu"


@pytest.mark.clause("ASVS 15.1.2")
def test_the_same_lock_makes_the_same_bytes(tmp_path: Path) -> None:
    copy = tmp_path / "requirements.lock"
    copy.write_bytes(LOCK.read_bytes())
    assert sbom(copy) == sbom(LOCK)
    copy.write_text(f"{LOCK.read_text(encoding='utf-8')}# another\n", encoding="utf-8")
    assert json.loads(sbom(copy))["serialNumber"] != json.loads(sbom(LOCK))["serialNumber"]


def test_it_names_no_host() -> None:
    hosts = set(re.findall(r"https?://([\w.-]+)", sbom(LOCK)))
    assert hosts <= {"cyclonedx.org"}  # of the schema
