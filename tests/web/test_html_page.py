"""What every page for people has: its language, its title as text, a style sheet that the browser takes."""

from __future__ import annotations

import base64
import hashlib
import re

from service.web import html_page
from service.web.languages import Language


def test_a_page_has_its_title_as_text() -> None:
    page = html_page.document(Language.ZH, "<四呼>", "a {}", "<p>呼</p>", root="/")
    assert '<html lang="zh-CN">' in page and "<title>&lt;四呼&gt;</title>" in page
    assert "<p>呼</p>" in page and 'href="/docs/static/favicon-32x32.png"' in page
    assert '<html lang="en">' in html_page.document(Language.EN, "", "", "")


def test_the_browser_takes_the_style_of_the_page_alone() -> None:
    """The hash is that of the text between the tags."""
    style = "\np { color: #123; }\n"
    [between] = re.findall("<style>(.*?)</style>", html_page.document(Language.EN, "", style, ""), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(between.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in html_page.policy_of(style)


def test_forms_go_nowhere_unless_a_page_has_some() -> None:
    assert "form-action 'none';" in html_page.policy_of("")
    assert "form-action 'self';" in html_page.policy_of("", "'self'")
