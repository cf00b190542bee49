"""The head of the OpenAPI document: what this is, how to begin, and the chapters in the order of a newcomer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TITLE = "sihu"
DESCRIPTION = """四呼四应:网格上报的事件先呼社区,未应则逐级呼街道、部门、领导,每一呼都有结果。

An incident reported from a grid cell calls its community, and climbs street → department → leader until somebody
answers and resolves it. Every call has exactly one outcome, and the clock is part of the service.

## 上手 · Start

`SIHU` is the address of this service, `WORKER` the key of a reporter, `COMMUNITY` that of the called unit. `make run`
prints all three; elsewhere `sihu keys create` makes keys.

上报 · Report an incident. The answer has its `id`, and `due_at`, by when the community has to answer:

```sh
curl "$SIHU/v1/incidents" -H "Authorization: Bearer $WORKER" -H "Content-Type: application/json" \\
  -H "Idempotency-Key: my-first-report" \\
  -d '{"grid_code": "440105003001001", "category": "urban-0110", "description": "巷口垃圾堆积"}'
```

应 · Answer it, as the community that is called. `ID` is the `id` of the incident:

```sh
curl "$SIHU/v1/incidents/$ID/answer" -H "Authorization: Bearer $COMMUNITY" -H "Content-Type: application/json" \\
  -d '{"measure": "今天下午清运"}'
```

事件流 · Read what happened, from the oldest event on. Send `next_cursor` back as `after`, and go on from there:

```sh
curl "$SIHU/v1/events?limit=10" -H "Authorization: Bearer $COMMUNITY"
```

## 约定 · Conventions

- Send `Authorization: Bearer <key>`. 除 `operations` 一章外,均需密钥。
- 错误一律为 RFC 9457 `application/problem+json`,`code` 为封闭列表。Errors are RFC 9457 problems; `code` is one of a
  closed list ([problems](docs/problems)), `detail` says what to do next, and `retryable` whether to wait or to mend.
- A list answers `items` and `next_cursor`; send the cursor back with the same filters. `null` is the end; a page with
  few items, or with none, is not.
- An incident has a version, which is its `ETag`: send it as `If-Match`, and an action is refused when it has changed.
- Times are RFC 3339 in UTC, durations are seconds. Send times with an offset, such as `2026-11-23T08:55:00+08:00`.
- Fields may be added to answers. A request with a field or a parameter that is not known here is refused.
"""
EVENTS = "events"
"""The chapter of the feed, to which the webhooks belong."""
TAGS: Mapping[str, str] = {
    "incidents": "事件: report incidents, list them, and read how each stands and why.",
    "actions": "处置: what units and reporters do with an incident, one operation for each verb.",
    "queues": "待办: what a unit has to do, for systems that poll.",
    EVENTS: "事件流: everything that happened, in one order, without gaps.",
    "appraisal": "考核: the figures of a month, each with the calls behind it.",
    "registry": "名录: units, grid cells, categories, lines of work and duties.",
    "times": "时限: policies, which set by when a call is due, and calendars of working days.",
    "clock": "虚拟时钟: move the time of a service that was started for trials.",
    "keys": "密钥: who may send requests.",
    "operations": "运维: whether the process is alive and ready, and what it measures. No key is needed.",
}
"""The chapters. A router names its chapter in `tags`."""
SERVERS: Sequence[Mapping[str, str]] = ({"url": "/", "description": "the service that answered with this document"},)
CONTACT: Mapping[str, str] = {"name": "运维 · the ops of this service"}
LICENSE: Mapping[str, str] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


def sort_by_chapter(document: dict[str, Any]) -> None:
    """Describe the chapters that `document` has, and bring its paths into their order."""
    order = {name: place for place, name in enumerate(TAGS)}
    chapters = {path: _chapter(item) for path, item in document["paths"].items()}
    paths = sorted(document["paths"].items(), key=lambda item: order.get(chapters[item[0]], len(order)))
    document["paths"] = dict(paths)
    found = {
        tag for item in document["paths"].values() for operation in item.values() for tag in operation.get("tags", ())
    }
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items() if name in found]


def _chapter(item: Mapping[str, Any]) -> str:
    return next((tag for operation in item.values() for tag in operation.get("tags", ())), "")
