"""The list of what is installed beside sihu (SBOM), as CycloneDX JSON.

It is made from the lock alone, so it needs no internet, names no package index, and is the same for the same lock.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from pip_requirements_parser import RequirementsFile

from tests.docs.pages import ROOT

LOCK = ROOT / "requirements.lock"
SBOM = ROOT / "sbom.json"


def sbom(lock: Path) -> str:
    """The SBOM of a lock, with the digests of each file that may be installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    service = _component(project["name"], project["version"], ComponentType.APPLICATION, [])
    bom = Bom(components=_packages(lock), metadata=BomMetaData(component=service))
    bom.serial_number = uuid5(NAMESPACE_URL, f"sihu:{lock.read_text(encoding='utf-8')}")
    bom.metadata.timestamp = None  # type: ignore[assignment] # otherwise the same lock would make other bytes each time
    bom.register_dependency(service, bom.components)
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _packages(lock: Path) -> Iterator[Component]:
    for each in RequirementsFile.from_file(str(lock)).requirements:
        yield _component(each.name, each.get_pinned_version, ComponentType.LIBRARY, each.hash_options)


def _component(name: str, version: str, kind: ComponentType, digests: list[str]) -> Component:
    return Component(
        type=kind,
        name=name,
        version=version,
        bom_ref=f"{name}@{version}",
        purl=PackageURL("pypi", name=name, version=version) if digests else None,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each.removeprefix("sha256:")) for each in digests],
    )


def write() -> None:
    """Write sbom.json into the folder of the project."""
    SBOM.write_text(sbom(LOCK), encoding="utf-8")
    print(f"{SBOM.name} lists what {LOCK.name} installs")
