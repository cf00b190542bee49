"""Proposing and admitting duties over HTTP, and what became of it, for the tests of the admission gate."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from tests.house import DEPARTMENT, START, House
from tests.registry.bundles import DAY, everything

DUTIES, PROPOSALS, APPROVE = "/v1/duties", "/v1/duties/proposals", "/v1/duties/EX-001/approve"
REFUSE = f"{DUTIES}/EX-001/refuse"
IMPORT = "/v1/registry/import"
HEADER = "code,title,category,area,lead_unit,assisting,basis,valid_from,valid_to"
OTHER = "dept-parks"
MOMENT = timedelta(microseconds=1)
ALWAYS = datetime.fromisoformat("2020-09-01T00:00:00+08:00")
"""From when the sample's duties are in force."""


def duty(**changed: Any) -> dict[str, Any]:
    """EX-001 of the sample, moved from the department of urban management to that of parks; or another code, of a
    category that is not EX-001's. None: left out."""
    fields = {
        "code": "EX-001",
        "title": "市容环境管理",
        "category": "urban-01" if changed.get("code", "EX-001") == "EX-001" else "urban-0110",
        "area": "440105",
        "lead_unit": OTHER,
        "assisting": [DEPARTMENT],
        "basis": "海府〔2026〕1号",
        **changed,
    }
    return {name: value for name, value in fields.items() if value is not None}


def later(days: float) -> str:
    return (START + days * DAY).isoformat()


async def propose(house: House, who: str = "department", **changed: Any) -> Any:
    answer = await house.send(who, "POST", DUTIES, duty(**changed))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def approve(house: House, code: str = "EX-001", **body: Any) -> Any:
    answer = await house.send("ops", "POST", f"{DUTIES}/{code}/approve", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refuse(house: House, who: str = "ops", reason: str = "尚未下放", code: str = "EX-001") -> Any:
    answer = await house.send(who, "POST", f"{DUTIES}/{code}/refuse", {"reason": reason})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def move(house: House, lead: str, days: float, **changed: Any) -> Any:
    """Proposed and admitted from a day on."""
    await propose(house, lead_unit=lead, **changed)
    return await approve(house, valid_from=later(days))


def in_file(unit: str, since: str = "", until: str = "", **changed: str) -> dict[str, str]:
    """A file with EX-001 alone, as its lead; `changed`: other columns."""
    fields = {"code": "EX-001", "title": "市容环境管理", "category": "urban-01", "area": "440105", **changed}
    return {"duties.csv": f"{HEADER}\n{','.join(fields.values())},{unit},,依据,{since},{until}\n"}


async def imported(house: House, bundle: dict[str, str]) -> Any:
    """What an import did to the duties."""
    answer = await house.send("ops", "POST", IMPORT, bundle)
    assert answer.status_code == 200, answer.text
    return answer.json()["changes"]["duties"]


def together(*files: dict[str, str]) -> dict[str, str]:
    """The rows of several such files in one."""
    rows = [line for file in files for line in file["duties.csv"].splitlines() if line != HEADER]
    return {"duties.csv": "\n".join([HEADER, *rows, ""])}


async def faults(house: House, *files: dict[str, str]) -> list[str]:
    """What is wrong with the rows of these files in one, of which nothing was imported."""
    assert (await refused(house, IMPORT, together(*files)))[:2] == (422, "validation_failed")
    answer = await house.send("ops", "POST", IMPORT, together(*files))
    return [each["detail"] for each in answer.json()["errors"]]


async def stored(house: House) -> dict[str, list[tuple[object, ...]]]:
    """Every row, without the log's numbering, which comes when it comes."""
    found = await everything(house.process.database)
    async with house.process.database.read() as connection:
        found["duty_proposal"] = [
            tuple(row) for row in await connection.execute(text("SELECT p::text FROM duty_proposal p ORDER BY 1"))
        ]
    return {name: rows for name, rows in found.items() if name != "log_batch"}


async def refused(house: House, path: str, body: Any, who: str = "ops") -> tuple[int, str, list[str]]:
    """Status, code and pointers; and nothing was written."""
    await house.key(who)
    before = await stored(house)
    answer = await house.send(who, "POST", path, body)
    assert await stored(house) == before
    problem = answer.json()
    return answer.status_code, problem["code"], [each["pointer"] for each in problem.get("errors", [])]


async def lead(house: House, code: str = "EX-001", at: str | None = None) -> list[str]:
    """Who leads a duty at a moment; nobody, or one."""
    listed = (await house.get("worker", DUTIES, limit=500, **({"at": at} if at else {})))["items"]
    return [each["lead_unit"] for each in listed if each["code"] == code]


async def rows(house: House, code: str = "EX-001") -> list[tuple[str, datetime, datetime | None]]:
    async with house.process.database.read() as connection:
        found = await connection.execute(
            text("SELECT lead_unit, valid_from, valid_to FROM duty WHERE code = :code ORDER BY valid_from"),
            {"code": code},
        )
        return [(row.lead_unit, row.valid_from, row.valid_to) for row in found]


async def events_of(house: House, kind: str) -> Any:
    await house.sealed()
    return (await house.get("auditor", "/v1/events", types=f"sihu.duty.{kind}"))["items"]
