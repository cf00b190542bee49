"""`POST /v1/registry/import`: the bundle as a zip of its files, or as JSON that maps file names to their text."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic_core import from_json

from service.access import deps
from service.access.deps import Caller
from service.context import CurrentContext
from service.registry import examples
from service.registry.bundle import importing, parse
from service.registry.bundle.parse import BundleError
from service.rules import access, errors
from service.rules.errors import Pointer
from service.rules.words import Role
from service.web import problems
from service.web.answers import answer
from service.web.examples import one

router = APIRouter(prefix="/v1/registry", tags=["registry · 名录"])

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object", "additionalProperties": {"type": "string"}},
                "example": {"lines.csv": "code,name\nurban,城市管理\n"},
            },
            "application/zip": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "/import",
    summary="Import a registry bundle · 导入名录",
    responses={
        200: one(examples.IMPORTED),
        **problems.documented(
            errors.Unauthorized,
            errors.NotYours,
            errors.BadJson,
            errors.TooLarge,
            errors.UnsupportedMedia,
            errors.ValidationFailed,
            errors.Unavailable,
        ),
    },
    openapi_extra=_BODY,
)
async def import_registry(
    request: Request, context: CurrentContext, caller: Caller, dry_run: Annotated[bool, Query()] = False
) -> Response:
    """All or nothing. Every fault at once, with file and row. `dry_run=true` says what would change, and writes
    nothing. A change begins now, or on a later `valid_from`: whose a duty was on a past day stays as it was."""
    deps.must_be(caller, Role.OPS)
    files = _files(await request.body(), request.headers.get("content-type", ""))
    by = access.by_of(caller)
    report = await importing.import_bundle(context.database, files, context.clock.now(), by, dry_run=dry_run)
    if report.faults:
        told = [Pointer(f"/{fault.file}", str(fault)) for fault in report.faults[:1000]]
        raise errors.ValidationFailed(f"{len(report.faults)} faults; nothing was imported: correct each.", errors=told)
    await context.announce(report.committed)
    return answer(report.as_dict())


def _files(content: bytes, media: str) -> dict[str, bytes]:
    """Raises `BadJson` or `ValidationFailed`."""
    if media.partition(";")[0].strip().lower() == "application/zip":
        try:
            return parse.from_zip(content)
        except BundleError as error:
            raise errors.ValidationFailed(f"{str(error).capitalize()}.", errors=[Pointer("", str(error))]) from None
    try:
        written = from_json(content)
    except ValueError as error:
        raise errors.BadJson(f"The body is not JSON: {error}.") from None
    if not isinstance(written, dict) or not all(isinstance(text, str) for text in written.values()):
        detail = "Send an object that maps file names, such as units.csv, to their text."
        raise errors.ValidationFailed(detail, errors=[Pointer("", detail)])
    return {name: text.encode("utf-8", "surrogatepass") for name, text in written.items()}
