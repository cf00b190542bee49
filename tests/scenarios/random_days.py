"""A street's weeks at random, over HTTP: everybody reports and acts as they please, and time passes between."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from tests.house import CATEGORY, CELL, COMMUNITY, DEPARTMENT, LEADER, STREET, House

CELLS = (CELL, "440105003001002", "440105003002001")
CATEGORIES = (CATEGORY, "urban-0101", "urban-0125")
KINDS = (*["incident"] * 8, "suggestion", "deliberation")
TEAM, WATER = "440105003-team-1", "dept-water"
UNITS = (COMMUNITY, "440105003002", STREET, TEAM, DEPARTMENT, WATER, LEADER)
REPORTERS = ("worker", "colleague")
RARE = ("withdraw", "void", "merge", "comment", "urge", "assist", "part-done")
USUAL = (
    *("answer", "answer", "resolve", "raise", "raise", "return", "assign", "hold", "extend", "requests", "resume"),
    *("accept", "reject", "reject", "reopen", "rate", "appeal", "appeals"),
)


class Days:
    """What was acknowledged: `known` is every incident as its last answer showed it. `statuses` counts answers."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.chance = random.Random(seed)
        self.known: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, tuple[dict[str, Any], str]] = {}
        self.statuses: Counter[tuple[str, int]] = Counter()

    async def live(self, steps: int) -> None:
        """So many requests, one after the other."""
        for _ in range(steps):
            dice = self.chance.random()
            if not self.known or dice < 0.06:
                await self._report()
            elif dice < 0.15:
                await self._pass_time()
            else:
                await self._act(self.chance.choice(list(self.known)))

    async def _report(self) -> None:
        if self.keys and self.chance.random() < 0.15:  # a phone that heard no answer sends it again
            key = self.chance.choice(list(self.keys))
            body, who = self.keys[key]
        else:
            key, who = f"k-{len(self.keys)}", self.chance.choice(REPORTERS)
            body = {
                "grid_code": self.chance.choice(CELLS),
                "category": self.chance.choice(CATEGORIES),
                "description": "巷口垃圾堆积",
                "kind": self.chance.choice(KINDS),
                "urgency": self.chance.choice(("normal", "urgent")),
            }
            self.keys[key] = body, who
        answer = await self.house.send(who, "POST", "/v1/incidents", body, headers={"Idempotency-Key": key})
        self._heard("report", answer.status_code, answer.json())

    async def _pass_time(self) -> None:
        seconds = self.chance.choice((60, 3600, 5 * 3600, 26 * 3600))
        self.statuses["advance", (await self.house.advance(seconds=seconds))["fired"] and 1] += 1

    async def _act(self, incident_id: str) -> None:
        if self.chance.random() < 0.8:  # the others act on what they saw last, as people with an old page do
            self._heard("look", 200, await self.house.get("ops", f"/v1/incidents/{incident_id}"))
        incident = self.known[incident_id]
        verb = self._verb(incident)
        who, (path, body) = self._actor(incident, verb), self._body(incident, verb)
        stale = self.chance.random() < 0.05
        headers = {"If-Match": f'"{incident["version"] - stale}"'} if self.chance.random() < 0.3 else None
        url = f"/v1/incidents/{incident_id}/{path}"
        answer = await self.house.send(who, "POST", url, body, headers=headers)
        self._heard(verb, answer.status_code, answer.json())

    def _verb(self, incident: dict[str, Any]) -> str:
        """Mostly one that the state may allow: a refusal teaches little."""
        if incident["state"] == "calling" and incident["level"] in (2, 3) and self.chance.random() < 0.3:
            return "return"
        if any(each["appeal"] and not each["appeal"]["outcome"] for each in incident["calls"]):
            return "appeals"
        if incident["requests"] and incident["requests"][-1]["outcome"] is None and self.chance.random() < 0.7:
            return "requests"
        if incident["state"] in ("resolved", "closed") and self.chance.random() < 0.5:
            return self.chance.choice(("accept", "reject", "reopen", "rate"))
        return self.chance.choice(RARE if self.chance.random() < 0.06 else USUAL)

    def _heard(self, verb: str, status: int, answer: dict[str, Any]) -> None:
        assert status < 500, answer
        self.statuses[verb, status] += 1
        if status in (200, 201):
            self.known[answer["id"]] = answer

    def _actor(self, incident: dict[str, Any], verb: str) -> str:
        called, last = incident["unit"]["code"], incident["calls"][-1]
        if self.chance.random() < 0.05:
            return self.chance.choice((*UNITS, *REPORTERS, "ops", "auditor"))
        if verb in ("accept", "reject", "reopen", "withdraw", "rate", "urge", "comment"):
            return self.chance.choice((*REPORTERS, STREET))
        if verb in ("merge", "appeals"):
            return self.chance.choice(("ops", "ops", STREET))
        if verb == "requests":
            asked = [each["approver"] or "ops" for each in incident["requests"]] or [STREET]
            return self.chance.choice((asked[-1], asked[-1], STREET))
        if verb == "part-done" and last["assisting"]:
            return str(self.chance.choice(last["assisting"]))
        return str(self.chance.choice(incident["calls"])["unit"]) if verb == "appeal" else str(called)

    def _body(self, incident: dict[str, Any], verb: str) -> tuple[str, dict[str, Any]]:
        """(path, body) of one act."""
        reason, unit = {"reason": "情况属实"}, self.chance.choice(UNITS)
        seq = self.chance.choice(incident["calls"])["seq"]
        if verb in ("hold", "extend"):
            due_at = datetime.fromisoformat(incident["due_at"] or incident["updated_at"])
            return verb, {**reason, "until": (due_at + timedelta(hours=self.chance.randrange(1, 9))).isoformat()}
        if verb == "requests":
            return f"requests/{len(incident['requests']) or 1}/{self.chance.choice(('approve', 'refuse'))}", reason
        if verb == "appeals":
            seq = next((each["seq"] for each in incident["calls"] if each["appeal"]), seq)
            return f"appeals/{seq}/{self.chance.choice(('approve', 'refuse'))}", reason
        bodies: dict[str, dict[str, Any]] = {
            "answer": {"measure": "今天下午清运"},
            "resolve": {"result": "已清运"},
            "raise": {**reason, "ground": "beyond_powers"},
            "return": {**reason, "reason_code": "not_our_duty"},
            "void": {**reason, "reason_code": "unclear"},
            "assign": {**reason, "unit": unit},
            "assist": {**reason, "units": [unit]},
            "merge": {**reason, "into": self.chance.choice(list(self.known))},
            "rate": {"score": self.chance.randint(1, 5)},
            "appeal": {**reason, "call": seq},
            "comment": {"text": "现场照片已发"},
            "urge": {"message": "请尽快"},
        }
        without_body = ("accept", "resume", "part-done")
        return verb, bodies.get(verb, {} if verb in without_body else reason)
