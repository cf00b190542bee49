"""What people do every day, in one word each."""

from __future__ import annotations

from typing import Any

from tests.house import House


async def answer(house: House, who: str, incident: Any) -> Any:
    return await house.act(who, incident, "answer", measure="去看")


async def resolve(house: House, who: str, incident: Any) -> Any:
    return await house.act(who, incident, "resolve", result="已清运")


async def leave(house: House, who: str, incident: Any, ground: str = "beyond_powers") -> Any:
    return await house.act(who, incident, "raise", ground=ground, reason="办不了")


async def accept(house: House, who: str, incident: Any) -> Any:
    return await house.act(who, incident, "accept")


async def reject(house: House, who: str, incident: Any) -> Any:
    return await house.act(who, incident, "reject", reason="还在")


async def answer_and_leave(house: House, who: str, *incidents: Any) -> None:
    """As an honest unit does with what it cannot do: it says so long before the late mark."""
    for incident in incidents:
        await answer(house, who, incident)
        await leave(house, who, incident)


async def do(house: House, who: str, incident: Any, reporter: str = "worker") -> None:
    """Really done, and its reporter has seen it."""
    await resolve(house, who, incident)
    await accept(house, reporter, incident)
