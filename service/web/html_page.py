"""Pages for people as HTML documents. They run no script and ask no other host: a style sheet stands in the page, and
the browser takes that one alone."""

from __future__ import annotations

import base64
import hashlib
from html import escape

from service.web.languages import Language


def policy_of(style: str, form_action: str = "'none'") -> str:
    """The `Content-Security-Policy` of a page with this style sheet. `form_action`: where its forms may go."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; "
        f"base-uri 'none'; form-action {form_action}; frame-ancestors 'none'"
    )


def document(language: Language, title: str, style: str, body: str, root: str = "") -> str:
    """A whole page. `title` is text, `body` is HTML already, and `root` leads from the page to that of the service."""
    return f"""<!doctype html>
<html lang="{tag_of(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" type="image/png" href="{root}docs/static/favicon-32x32.png">
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def tag_of(language: Language) -> str:
    """The language of a page as HTML has it."""
    return "zh-CN" if language is Language.ZH else "en"
