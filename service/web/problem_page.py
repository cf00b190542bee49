"""The page of problems, to which the `type` of every problem leads: each code with an example, and each rule that a
value can break."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from service.rules.errors import Rule, SihuError
from service.rules.sentences import Sentence
from service.web import problems
from service.web.html_page import tag_of
from service.web.languages import Language, shown, text

STYLE = """body { font: 16px/1.6 system-ui, "PingFang SC", "Microsoft YaHei", sans-serif;
  color: #1b1f24; background: #fff; max-width: 52rem; margin: 0 auto; padding: 1rem 1rem 4rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem; }
section:target { background: #fff8e1; outline: .5rem solid #fff8e1; }
code, pre { font: .9em/1.5 ui-monospace, Menlo, Consolas, monospace; }
pre { background: #f4f5f7; padding: .8rem; overflow-x: auto; }
p.facts { color: #57606a; margin: 0; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; vertical-align: top; padding: .35rem .8rem
  .35rem 0; border-bottom: 1px solid #e1e4e8; }
"""

RULES: Mapping[Rule, tuple[Sentence, str]] = {
    Rule.MISSING: (Sentence("The field is required."), ""),
    Rule.UNKNOWN_FIELD: (Sentence("There is no such field or parameter."), "allowed"),
    Rule.GIVEN_TWICE: (Sentence("It is there twice."), ""),
    Rule.EITHER_OR: (Sentence("Exactly one of several fields is sent."), "allowed"),
    Rule.NOT_ALLOWED: (Sentence("The field belongs to another kind of request."), ""),
    Rule.WRONG_TYPE: (Sentence("The value has another JSON type."), "type"),
    Rule.NOT_ONE_OF: (Sentence("The value is not in a closed list."), "allowed"),
    Rule.PATTERN: (Sentence("The text has another form."), "pattern"),
    Rule.TOO_SHORT: (Sentence("The text has too few characters, or the list too few members."), "min"),
    Rule.TOO_LONG: (Sentence("The text has too many characters, or the list too many members."), "max"),
    Rule.OUT_OF_RANGE: (Sentence("The number or the time lies outside its bounds."), "min, max"),
    Rule.BLANK: (Sentence("Nothing in the text can be seen."), ""),
    Rule.BLANK_AT_END: (Sentence("A name or an identifier has a blank at an end."), ""),
    Rule.LINE_BREAK: (Sentence("One line of text has a line break or a tab."), ""),
    Rule.CONTROL_CHARACTER: (Sentence("The text has a control character."), ""),
    Rule.HIDDEN_CHARACTER: (Sentence("The text has a character that cannot be seen, or that turns its direction."), ""),
    Rule.COMBINING_MARKS: (Sentence("A letter has too many combining marks."), "max"),
    Rule.NOT_UNICODE: (Sentence("The text is not valid Unicode."), ""),
    Rule.PERSONS_NUMBER: (Sentence("A name looks like a phone or identity number."), ""),
    Rule.BAD_TIME: (Sentence("The value is no time with an offset."), ""),
    Rule.BAD_DAY: (Sentence("The value is no day."), ""),
    Rule.BAD_ID: (Sentence("The value is no id."), ""),
    Rule.NOT_IN_FUTURE: (Sentence("The time has passed."), "min"),
    Rule.UNKNOWN: (Sentence("The registry, or the incident, has nothing of this name."), ""),
    Rule.TAKEN: (Sentence("The name belongs to something else."), ""),
    Rule.NOT_POSSIBLE: (Sentence("The value is not possible as things stand."), ""),
    Rule.BAD_FILE: (Sentence("A file of a bundle has a fault."), ""),
}
"""What each rule says, and the bounds that come with it."""


def page(language: Language) -> str:
    """The page in one language."""
    title = text(Sentence("Problem codes"), language)
    head = (
        f'<!doctype html><html lang="{tag_of(language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>四呼 sihu · {title}</title>"
        '<link rel="icon" type="image/png" href="static/favicon-32x32.png">'
        '<link rel="stylesheet" href="static/problems.css"></head>'
    )
    codes = "".join(_section(kind, language) for kind in problems.KINDS)
    return f"{head}<body><h1>{title}</h1>{_introduction(language)}{codes}{_rules(language)}</body></html>\n"


def _introduction(language: Language) -> str:
    words = Sentence(
        "Every refusal is a problem document (RFC 9457). Programs go by its code, and by the rule of each of its "
        "errors; people read the detail, in English or Chinese by Accept-Language."
    )
    return f"<p>{escape(text(words, language))}</p>"


def _section(kind: type[SihuError], language: Language) -> str:
    document = shown(problems.example_of(kind), language)
    advice = (
        Sentence("HTTP {status} · Wait a moment, then send the same request again.", status=document["status"])
        if kind.retryable
        else Sentence(
            "HTTP {status} · Change the request, or ask somebody, before you send it again.", status=document["status"]
        )
    )
    example = escape(json.dumps(document, ensure_ascii=False, indent=2), quote=False)
    return (
        f'<section id="{kind.code}"><h2><code>{kind.code}</code> {escape(text(kind.title, language))}</h2>'
        f'<p class="facts">{escape(text(advice, language))}</p><pre>{example}</pre></section>'
    )


def _rules(language: Language) -> str:
    rows = "".join(
        f'<tr id="rule-{rule}"><td><code>{rule}</code><td>{escape(text(says, language))}<td><code>{bounds}</code></tr>'
        for rule, (says, bounds) in RULES.items()
    )
    headings = (
        Sentence("Rules"),
        Sentence("rule"),
        Sentence("What it says"),
        Sentence("bounds"),
    )
    name, *columns = (text(each, language) for each in headings)
    return f"<h2>{name}</h2><table><tr>{''.join(f'<th>{each}' for each in columns)}</tr>{rows}</table>"
