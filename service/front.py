"""`GET /` is a page for people: what this is, what runs here, the story as lines to paste, and where to go on.

It needs no key, so it shows only what /readyz and /openapi.json show as well. It runs no script and asks no other host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any, cast

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response

from service import health
from service.clock import VirtualClock
from service.health import ReadinessView
from service.process import CurrentProcess, Process
from service.web import html_page, openapi, story
from service.web.languages import Language, language_of

router = APIRouter()

_STYLE = """
body { margin: 0 auto; max-width: 62rem; padding: 1rem; font: 1rem/1.6 system-ui, sans-serif; color: #1c2733; }
h1 { margin: .5rem 0; font-size: 1.7rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.2rem; }
th { padding: .15rem 1rem .15rem 0; text-align: left; vertical-align: top; font-weight: 600; }
pre { padding: .8rem; border-radius: .4rem; background: #f1f4f7; font-size: .8rem; white-space: pre-wrap; }
pre, td { overflow-wrap: anywhere; }
li { margin: .3rem 0; } a { color: #0b5cad; }
@media (prefers-color-scheme: dark) {
  body { background: #14191f; color: #dde4ea; } pre { background: #1e262f; } a { color: #7ab8f5; }
}
"""
_HEADERS = {"Content-Security-Policy": html_page.policy_of(_STYLE)}
_LINKS = ("docs", "docs/problems", "openapi.json", "readyz", "metrics")
_HOST = re.compile(r"[\w.\-]+(:\d+)?|\[[\da-fA-F:.]+\](:\d+)?", re.ASCII)

_ENGLISH = {
    "what": "Four calls, four responses: an incident reported from a grid cell calls its community, and climbs to the "
    "street, the department and the leader until somebody answers and resolves it. The clock is part of the service.",
    "runs": "What runs here",
    "version": "version",
    "state": "state",
    "ready": "ready",
    "degraded": "serves, but one thing needs a look: see below",
    "unavailable": "not ready: see below",
    "engine": "engine",
    "clock": "clock",
    "real": "real time",
    "virtual": "virtual: time stands still until POST /v1/clock/advance",
    "database": "database",
    "reached": "PostgreSQL, reached",
    "registry": "registry",
    "imported": "imported",
    "empty": "empty: sihu registry import DIR",
    "look": "to look at",
    "story": "The story, to paste",
    "keys": "For bash or zsh, on the Haizhu sample. make run prints the lines that set the keys WORKER, COMMUNITY and "
    "STREET; elsewhere ops make keys with sihu keys create.",
    "on": "Go on",
    "docs": "every operation, to try out",
    "docs/problems": "every problem code, and what to do",
    "openapi.json": "the document for generated clients",
    "readyz": "can the process do its work?",
    "metrics": "metrics for Prometheus",
}
_CHINESE = {
    "what": "四呼四应:网格上报的事件先呼社区,无人应则逐级上呼街道、部门、领导,直到有人应、有人办。"
    "每一呼都有结果,时钟就在服务里。",
    "runs": "现在运行",
    "version": "版本",
    "state": "状态",
    "ready": "就绪",
    "degraded": "可用,但有一项需要查看(见下)",
    "unavailable": "未就绪(见下)",
    "engine": "引擎",
    "clock": "时钟",
    "real": "真实时间",
    "virtual": "虚拟时钟:时间不动,直到 POST /v1/clock/advance",
    "database": "数据库",
    "reached": "PostgreSQL,已连通",
    "registry": "名录",
    "imported": "已导入",
    "empty": "为空:sihu registry import DIR",
    "look": "需要查看",
    "story": "全流程,可直接粘贴",
    "keys": "适用于 bash 与 zsh,基于海珠样例。make run 会打印设置密钥 WORKER、COMMUNITY、STREET 的命令;"
    "其他环境由 ops 用 sihu keys create 生成。",
    "on": "继续",
    "docs": "全部接口,可在线试用",
    "docs/problems": "全部错误代码与处理办法",
    "openapi.json": "用于生成客户端的接口文档",
    "readyz": "进程能否工作",
    "metrics": "Prometheus 指标",
}


@router.get("/", include_in_schema=False)
async def front_page(request: Request, process: CurrentProcess) -> Response:
    """The page, in Chinese for browsers that prefer it, otherwise in English."""
    language = language_of(request.scope)
    words = _CHINESE if language is Language.ZH else _ENGLISH
    facts = _facts(process, await health.readiness(process), words)
    headers = {**_HEADERS, "Content-Language": language.value}
    content = html_page.document(language, "四呼 sihu", _STYLE, _body(words, facts, _base(request)))
    return HTMLResponse(content, headers=headers)


def _base(request: Request) -> str:
    """The URL under which the browser reached the service; the setting's words when its Host header is odd."""
    host = request.headers.get("host", "")
    return f"{request.url.scheme}://{host}" if _HOST.fullmatch(host) else "http://127.0.0.1:8000"


def _facts(process: Process, view: ReadinessView, words: Mapping[str, str]) -> list[tuple[str, str]]:
    """The rows of the table about this process."""
    checks = cast("Mapping[str, Mapping[str, Any]]", view["checks"])
    facts = [
        ("version", f"sihu {openapi.version()}"),
        ("state", words[view["status"]]),
        ("engine", process.settings.engine.value),
        ("clock", words["virtual" if isinstance(process.clock, VirtualClock) else "real"]),
        ("database", words["reached"] if checks["database"]["ok"] else checks["database"]["detail"]),
    ]
    if "registry" in checks:
        facts.append(("registry", words["imported" if checks["registry"]["ok"] else "empty"]))
    open_checks = {name: check for name, check in checks.items() if name not in ("database", "registry")}
    facts += [("look", _finding(name, check)) for name, check in open_checks.items() if not check["ok"]]
    return [(words[name], value) for name, value in facts]


def _finding(name: str, check: Mapping[str, Any]) -> str:
    details = [f"{key} {value}" for key, value in check.items() if key not in ("ok", "detail")]
    return f"{name}: {', '.join([check.get('detail', ''), *details]).removeprefix(', ')}"


def _body(words: Mapping[str, str], facts: list[tuple[str, str]], base: str) -> str:
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    lines = "\n".join([f"export SIHU={base}", *story.lines()])
    links = "".join(f'<li><a href="{path}">/{path}</a> {escape(words[path])}</li>' for path in _LINKS)
    return f"""<h1>四呼 sihu</h1>
<p>{escape(words["what"])}</p>
<h2>{escape(words["runs"])}</h2>
<table>{rows}</table>
<h2>{escape(words["story"])}</h2>
<p>{escape(words["keys"])}</p>
<pre>{escape(lines)}</pre>
<h2>{escape(words["on"])}</h2>
<ul>{links}</ul>"""
