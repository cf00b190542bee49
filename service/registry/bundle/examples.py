"""The example of an import in the OpenAPI document, shown by the code that answers."""

from __future__ import annotations

from service.registry.bundle.changes import RowSummary
from service.registry.bundle.report import ImportReport, ImportView
from service.sheets import decoding

_NOTE = decoding.note("units.csv", "水务局".encode("gb18030"))
IMPORTED: ImportView = ImportReport(
    dry_run=False,
    changes={"units": RowSummary(changed=["dept-water"], unchanged=277)},
    open_incidents=12,
    warnings=[_NOTE] if _NOTE else [],
).view()
