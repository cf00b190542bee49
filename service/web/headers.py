"""Conditional requests (RFC 9110 §13): what If-Match and If-None-Match say about a version."""

from __future__ import annotations

import re

from service.rules.errors import Rule, wrong_field
from service.rules.sentences import Sentence

_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_TAGS = re.compile(_TAG)
_MAX_CHARACTERS = 4096


def parse_if_match(value: str | None) -> frozenset[str] | None:
    """The versions that If-Match allows, without quotes; None when any version is allowed: no header, or `*`.

    A weak tag counts as the strong one (contract §3): a proxy that compresses makes tags weak, and the version in them
    stays what it was.

    Raises:
        ValidationFailed: the header is neither an entity tag, nor a list of them, nor `*`; the pointer is `If-Match:`.
    """
    if value is None or value.strip() == "*":
        return None
    if len(value) > _MAX_CHARACTERS or not _LIST.fullmatch(value):
        detail = Sentence(
            'If-Match holds the ETag you were given, in its quotes, as in If-Match: "3"; a list of them; or *.'
        )
        raise wrong_field("If-Match:", detail, Rule.PATTERN)
    return frozenset(tag.removeprefix("W/")[1:-1] for tag in _TAGS.findall(value))


def is_unchanged(if_none_match: str | None, etag: str) -> bool:
    """Whether to answer 304: If-None-Match is `*`, or one of its tags, compared weakly, is `etag` (with its quotes).

    A header that cannot be read is ignored: sending the whole answer is never wrong.
    """
    if if_none_match is None:
        return False
    if if_none_match == etag or if_none_match.strip() == "*":
        return True
    if len(if_none_match) > _MAX_CHARACTERS or not _LIST.fullmatch(if_none_match):
        return False
    return etag.removeprefix("W/") in {tag.removeprefix("W/") for tag in _TAGS.findall(if_none_match)}
