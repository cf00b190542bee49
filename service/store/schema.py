"""Every table of the service in one `MetaData`: what the migrations must equal (`sihu migrate --check`)."""

from __future__ import annotations

from service.store.access import tables as of_access
from service.store.incidents import tables as of_incidents
from service.store.log import tables as of_log
from service.store.metadata import metadata
from service.store.registry import tables as of_registry

# a table joins `metadata` when its module is imported
TABLES = (of_access, of_incidents, of_log, of_registry)

__all__ = ["TABLES", "metadata"]
