"""The schema: every table of the service in one `MetaData`. The migrations must make the same (`sihu migrate --check`).

A table joins `metadata` when its module is imported. Code that needs all tables therefore imports `metadata` from here,
and a new module with tables is added to `MODULES`.
"""

from __future__ import annotations

from service.store.access import tables as access_tables
from service.store.figures import tables as figure_tables
from service.store.incidents import report_tables
from service.store.incidents import tables as incident_tables
from service.store.log import tables as log_tables
from service.store.metadata import metadata
from service.store.registry import tables as registry_tables

MODULES = (access_tables, figure_tables, incident_tables, log_tables, registry_tables, report_tables)
"""Every module that declares tables."""

__all__ = ["MODULES", "metadata"]
