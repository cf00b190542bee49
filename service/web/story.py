"""The story that shows the whole mechanism, as lines to paste into bash or zsh: report, look, answer, raise, resolve,
accept.

The lines need the variables SIHU, WORKER, COMMUNITY and STREET. They hold no comments, since zsh would run those.
"""

from __future__ import annotations

CELL, COMMUNITY, STREET = "440105003001001", "440105003001", "440105003"
"""A cell of the Haizhu sample, and the units that are called for it."""
CATEGORY = "urban-0110"
CLIMBING = "urban-01-demo"
"""The category of the demo whose boxes are 20 seconds long, so that an incident climbs while somebody watches."""

_JSON = '-H "Content-Type: application/json"'
_SHOW = """import json,sys; i=json.load(sys.stdin); print(json.dumps(i if "code" in i else {k: i[k] for k in ("number","state","level_name","unit","due_at","due_kind","version")}, ensure_ascii=False, indent=1))"""
_EVENTS = """import json,sys; [print(e["time"], e["type"], e["data"]["incident"]["unit"]) for e in json.load(sys.stdin)["items"]]"""


def lines() -> list[str]:
    """Return the lines of the story, in order."""
    return [
        f"show() {{ python3 -c '{_SHOW}'; }}",
        "echo '1 · report 上报: a grid worker reports, the community is called and must answer'",
        f"""ID=$(curl -sS "$SIHU/v1/incidents" {_as("WORKER")} {_JSON} -H "Idempotency-Key: story-$(date +%s)" -d '{{"grid_code":"{CELL}","category":"{CATEGORY}","description":"巷口垃圾堆积"}}' | python3 -c 'import json,sys; print(json.load(sys.stdin)["id"])')""",
        "echo '2 · look 查看: where it is, and what happens if nobody acts'",
        f"""curl -sS "$SIHU/v1/incidents/$ID" {_as("WORKER")} | show""",
        f"""curl -sS "$SIHU/v1/incidents/$ID/plan" {_as("WORKER")} | python3 -m json.tool --no-ensure-ascii""",
        "echo '3 · answer 应: the community takes it on'",
        _act("COMMUNITY", "answer", '{"measure":"今天下午清运","contact":"值班室"}'),
        "echo '4 · raise 上呼: beyond its powers, it calls the street'",
        _act("COMMUNITY", "raise", '{"ground":"beyond_powers","reason":"需要执法权"}'),
        "echo '5 · resolve 办结: the street does it'",
        _act("STREET", "resolve", '{"result":"已清运并冲洗"}'),
        "echo '6 · accept 核查: the worker confirms; closed'",
        _act("WORKER", "accept", '{"comment":"现场已干净"}'),
        "echo 'the whole story 时间线'",
        _timeline("$ID"),
    ]


def climbing_lines() -> list[str]:
    """Return the lines that show the sample call of the demo, which nobody answers."""
    return [
        "echo 'meanwhile 与此同时: the sample call that nobody answers 无人应'",
        f"""CLIMBING=$(curl -sS "$SIHU/v1/incidents?category={CLIMBING}&limit=1" {_as("WORKER")} | python3 -c 'import json,sys; print(json.load(sys.stdin)["items"][0]["id"])')""",
        _timeline("$CLIMBING"),
    ]


def _as(name: str) -> str:
    return f'-H "Authorization: Bearer ${name}"'


def _act(name: str, verb: str, body: str) -> str:
    return f"""curl -sS "$SIHU/v1/incidents/$ID/{verb}" {_as(name)} {_JSON} -d '{body}' | show"""


def _timeline(incident: str) -> str:
    return f"""curl -sS "$SIHU/v1/incidents/{incident}/timeline?limit=500" {_as("WORKER")} | python3 -c '{_EVENTS}'"""
