"""The controls of `ingest`: the web stack without a database, and the usual way with an ORM and a commit a request.

Run it as `python -m service.bench.plain bare|orm --port PORT`. Both controls take the same body through the same
middlewares, checks and key, decide by the same rule and answer with the same incident.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from fastapi import FastAPI, Response
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import DeclarativeBase, Mapped

from service import clock as clocks
from service import ids, settings
from service import process as processes
from service.access.deps import Caller
from service.access.secret_keys import Secrets
from service.commands import serve
from service.context import Context, CurrentContext
from service.incidents import placing, reporting
from service.incidents.deps import KeyHeader
from service.incidents.schemas import ReportBody
from service.incidents.waiting import NewReport
from service.main import create_app
from service.rules import lifecycle
from service.store import metadata
from service.store.database import Database
from service.store.incidents import call_rows, incident_rows, report_tables, tables
from service.store.log import event_rows
from service.store.log import tables as log_tables
from service.web.answers import answer


class _Base(DeclarativeBase):
    metadata = metadata.metadata


class _Report(_Base):
    __table__ = report_tables.report


class _Incident(_Base):
    __table__ = tables.incident


class _Call(_Base):
    __table__ = tables.call


class _Batch(_Base):
    __table__ = log_tables.log_batch
    id: Mapped[int]


class _Event(_Base):
    __table__ = log_tables.event


def _decided(body: ReportBody, caller: Caller, context: Context, key: str | None) -> NewReport:
    now, world = context.clock.now(), context.worlds.world
    where = placing.place(body.grid_code, body.location, context.worlds.shapes)
    draft = reporting.draft_of(body, caller, where)
    decision = lifecycle.report(draft, caller, world, incident_id=ids.new_id(now), number="2026-000001", now=now)
    return NewReport(decision, reporting.report_of(body, caller, key, where, context.part(Secrets)), world)


async def _bare(context: CurrentContext, body: ReportBody, caller: Caller, key: KeyHeader = None) -> Response:
    new = _decided(body, caller, context, key)
    return answer(reporting.view_of(new, context.viewer(caller, new.world)), 201)


def _orm_route(sessions: async_sessionmaker[AsyncSession]) -> Callable[..., Awaitable[Response]]:
    """Return the route that stores a report the usual way: one ORM session for each request, add, flush, commit."""

    async def orm(context: CurrentContext, body: ReportBody, caller: Caller, key: KeyHeader = None) -> Response:
        new = _decided(body, caller, context, key)
        async with sessions() as session:
            await _store(session, new)
        return answer(reporting.view_of(new, context.viewer(caller, new.world)), 201)

    return orm


async def _store(session: AsyncSession, new: NewReport) -> None:
    incident = new.decision.after
    columns = incident_rows.incident_columns(incident)
    session.add(_Report(**_report_columns(columns, new.content, new.line)))
    session.add(_Incident(**{**columns, "calls_at": list(columns["calls_at"]), "audience": list(incident.audience)}))
    call = call_rows.opened_calls([(incident, incident.call)])
    session.add(_Call(**{name: values[0] for name, values in call.items()}))
    batch = _Batch(events=len(new.decision.events), queues=[], reload=[])
    session.add(batch)
    await session.flush()
    events = event_rows.event_page(new.decision.events)
    for n in range(len(new.decision.events)):
        entry = {name: values[n] for name, values in events.items()}
        data = {"incident": str(incident.id), "state": incident.state.value, "call": 1}
        session.add(
            _Event(batch_id=batch.id, ord=n + 1, **{**entry, "audience": list(entry["audience"]), "data": data})
        )
    await session.commit()


def _report_columns(incident: dict[str, Any], content: Any, line: str) -> dict[str, Any]:
    shared = ("id", "district", "grid_code", "category", "kind", "urgency", "reporter", "reported_at")
    own = {"subject": content.subject, "idempotency_key": content.idempotency_key, "body_hash": content.body_hash}
    return {**{name: incident[name] for name in shared}, **own, "line": line, "description": content.description}


def _app(which: str) -> FastAPI:
    app = create_app(settings.load(), clocks.of(None))
    # connections apart from the service's: the usual way lets requests wait for them as long as it takes
    sessions = async_sessionmaker(Database(processes.of(app).database.url).engine)
    route = _bare if which == "bare" else _orm_route(sessions)
    routes = app.router.routes
    app.add_api_route(f"/v1/bench/{which}", route, methods=["POST"], status_code=201)
    routes.insert(0, routes.pop())
    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("which", choices=["bare", "orm"])
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    serve.settle_memory()
    uvicorn.run(
        _app(arguments.which), port=arguments.port, log_level="error", access_log=False, loop="uvloop", http="httptools"
    )


if __name__ == "__main__":
    main()
