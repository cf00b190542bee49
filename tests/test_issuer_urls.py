"""Which addresses an issuer may have."""

from __future__ import annotations

import pytest

from service import issuer_urls


@pytest.mark.clause("ASVS 12.3.1")
@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("https://login.example/realms/a", True),
        ("https://login.example:8443", True),
        ("http://127.0.0.1:8080/keys", True),
        ("http://[::1]/", True),
        ("http://localhost", True),
        ("http://login.example", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://u:p@login.example", False),
        ("https://login.example/#a", False),
        ("https://login.example:port", False),
        ("https://", False),
        ("ftp://localhost", False),
        ("file:///etc/passwd", False),
        ("https://login.example/\n", False),
        ("", False),
    ],
)
def test_an_issuer_has_https_or_is_on_this_machine(url: str, is_safe: bool) -> None:
    assert issuer_urls.is_safe(url) is is_safe
