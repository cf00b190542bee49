"""A header that a request has more than once: one that takes a list becomes one line (RFC 9110 §5.3), and one that
takes a single value is refused when its values differ, since nobody can know which of them is meant."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from service.rules.errors import Pointer, SihuError, UnsupportedMedia, ValidationFailed
from service.rules.sentences import Sentence

_LISTS = frozenset({b"if-match", b"if-none-match", b"accept", b"accept-language"})
_SINGLE: Mapping[bytes, str] = {b"idempotency-key": "Idempotency-Key", b"content-type": "Content-Type"}


def settle(scope: Scope) -> SihuError | None:
    """Join the lines of a list in `scope`, and return the refusal of a single value that was sent twice; None: it is
    settled. A request without a repeated header costs next to nothing."""
    names = [name for name, _ in scope["headers"]]
    if len(set(names)) == len(names):
        return None
    values: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        values.setdefault(name, []).append(value)
    for name, shown in _SINGLE.items():
        if len(set(values.get(name, ()))) > 1:
            return _two_values(shown)
    rest = [(name, value) for name, value in scope["headers"] if name not in _LISTS]
    scope["headers"] = rest + [(name, b", ".join(lines)) for name, lines in values.items() if name in _LISTS]
    return None


def _two_values(name: str) -> SihuError:
    detail = Sentence("Send {name} once: the request has it twice, with different values.", name=name)
    if name == "Content-Type":
        return UnsupportedMedia(detail)
    return ValidationFailed(detail, errors=(Pointer(f"{name}:", detail),))
