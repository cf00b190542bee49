"""`POST /v1/registry/import`: a bundle as a zip archive, or as JSON that maps file names to their text."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query, Request

from service.access import deps
from service.access.deps import Caller
from service.context import CurrentContext
from service.registry.bundle import examples, importing
from service.registry.bundle.files import NAMES, BundleError, unzip
from service.registry.bundle.report import ImportView
from service.rules import access, errors
from service.rules.errors import Pointer, Rule
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.web import problems, strict_json
from service.web.answers import Answer, answer_in_words
from service.web.examples import one
from service.web.router import Router

router = Router(prefix="/v1/registry", tags=["registry"])

_MAX_FAULTS = 1_000

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "the text of each file by its name; a file may be left out",
                    "properties": {name: {"type": "string"} for name in NAMES},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
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
            *problems.OF_A_BODY,
            errors.Unavailable,
        ),
    },
    openapi_extra=_BODY,
)
async def import_registry(
    request: Request,
    context: CurrentContext,
    caller: Caller,
    dry_run: Annotated[bool, Query(description="true: only show what would change")] = False,
) -> Answer[ImportView]:
    """The whole bundle is imported, or nothing. All faults are reported at once, each with its file and row. With
    `dry_run=true` the answer shows what would change, and nothing is written. A change takes effect now, or at a later
    `valid_from`; the answer to who was responsible on a past day never changes."""
    deps.must_be(caller, Role.OPS)
    files = _files(await request.body(), request.headers.get("content-type", ""))
    by = access.by_of(caller)
    report = await importing.import_bundle(context.database.patient, files, context.clock.now(), by, dry_run=dry_run)
    if report.faults:
        shown = report.faults[:_MAX_FAULTS]
        pointers = [Pointer(_pointer(each.file), each.sentence, Rule.BAD_FILE) for each in shown]
        detail = report.refusal
        if report.warnings:
            detail = Sentence("{refusal} {warnings}", refusal=detail, warnings=list(report.warnings))
        raise errors.ValidationFailed(detail, errors=pointers)
    await context.announce(report.committed)
    return answer_in_words(report.view(), request)


def _pointer(file: str) -> str:
    return "/" + file.replace("~", "~0").replace("/", "~1")


def _files(content: bytes, media: str) -> dict[str, bytes]:
    """Return the files of a request: name → content.

    Raises:
        BadJson: the body is neither a zip archive nor JSON.
        ValidationFailed: the archive cannot be read, or the JSON is no map of texts.
    """
    if media.partition(";")[0].strip().lower() == "application/zip":
        try:
            return unzip(content)
        except BundleError as error:
            raise errors.wrong_field("", error.detail, Rule.BAD_FILE) from None
    texts = strict_json.read(content)
    if not isinstance(texts, dict) or not texts or not all(isinstance(text, str) for text in texts.values()):
        detail = Sentence("Send an object that maps file names, such as units.csv, to their text.")
        raise errors.wrong_field("", detail, Rule.WRONG_TYPE, type="object")
    return {name: text.encode("utf-8", "surrogatepass") for name, text in texts.items()}
