"""The workers of a vendor, whose backend reports and acts for them by one key (contract-reach §4, Keys).

Each worker is a subject of its own, `<subject of the key>/<worker>`: the incidents, quotas and rights of one are not
those of another. No subject of a key has a slash, so nobody else has such a name.
"""

from __future__ import annotations

from dataclasses import replace

from service.rules.errors import NotYours, Pointer, Rule, ValidationFailed
from service.rules.masking import looks_like_a_persons_number
from service.rules.model import Actor
from service.rules.sentences import Sentence

SEPARATOR = "/"
PERSONAL = Sentence(
    "This looks like a phone or identity number, and a subject stays on record for ever, where many read it. Send a "
    "name that means nothing elsewhere, such as the number of a post or a desk."
)
"""Why a new subject is refused. Subjects from before stay."""
MAX_WORKER = 64
"""The characters of a worker's name."""
MAX_SUBJECT = 200
"""The characters of a key's subject."""
MAX_REPORTER = MAX_SUBJECT + len(SEPARATOR) + MAX_WORKER
"""The characters of whoever can have reported something."""


def named(actor: Actor, worker: str | None) -> Actor:
    """The actor for a request that names a worker in `on_behalf_of`: that worker, in the area and with the quota of the
    key; without a name, the actor itself.

    Raises:
        NotYours: the key does not act for workers.
        ValidationFailed: no worker can have that name.
    """
    if worker is None:
        return actor
    if not actor.may_report_for:
        detail = Sentence(
            "Your key acts for nobody else: leave out on_behalf_of, or ask for a key with may_report_for."
        )
        raise NotYours(detail, errors=(Pointer("/on_behalf_of", detail),))
    if fault := fault_of(worker):
        raise ValidationFailed(fault.detail, errors=(fault,))
    return replace(actor, subject=f"{actor.subject}{SEPARATOR}{worker}", may_report_for=False)


def fault_of(worker: str) -> Pointer | None:
    """Why no worker can have this name; None when one can."""
    if SEPARATOR in worker:
        detail = Sentence("Send the name of a worker without a slash: your own subject is put before it.")
        return Pointer("/on_behalf_of", detail, Rule.PATTERN)
    if len(worker) > MAX_WORKER:
        detail = Sentence("Send the name of a worker with at most {max} characters.", max=MAX_WORKER)
        return Pointer("/on_behalf_of", detail, Rule.TOO_LONG, {"max": MAX_WORKER})
    return Pointer("/on_behalf_of", PERSONAL, Rule.PERSONS_NUMBER) if looks_like_a_persons_number(worker) else None


def prefix_of(subject: str) -> str:
    """How the subjects of all workers of a key begin."""
    return subject + SEPARATOR


def is_own(actor: Actor, reporter: str) -> bool:
    """Whether what `reporter` reported is an actor's own: for a key that acts for workers, that of all its workers."""
    if reporter == actor.subject:
        return True
    return actor.may_report_for and reporter.startswith(prefix_of(actor.subject))


def tokens_of(reporter: str) -> tuple[str, ...]:
    """By which a reporter is named in an audience: '@subject', and for a worker also '@key/', by which the key of all
    workers hears of it."""
    key, slash, _ = reporter.partition(SEPARATOR)
    own = f"@{reporter}"
    return (own, f"@{key}{SEPARATOR}") if slash else (own,)
