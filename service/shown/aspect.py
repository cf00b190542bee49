"""How one incident looks to one viewer: what of its words, its point, its source and its reporter the viewer sees
(contract-reach §4, "Sights")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, overload
from uuid import UUID

from service.rules import looks, workers
from service.rules.logged import ByView
from service.rules.looks import IncidentLook, Standing
from service.rules.masking import masked
from service.rules.model import AnyIncident, By
from service.rules.sight import Viewer
from service.rules.words import Role


@dataclass(frozen=True, slots=True)
class Aspect:
    """One incident as one viewer sees it."""

    viewer: Viewer
    look: IncidentLook
    incident_id: UUID
    reporter: str
    confidential: bool

    @property
    def is_full(self) -> bool:
        """Whether the viewer sees everything that people wrote, and where it came from."""
        return self.look is IncidentLook.FULL

    @property
    def has_point(self) -> bool:
        """Whether the viewer sees the point of the report, and not only its cell."""
        return self.look is not IncidentLook.MASKED

    @overload
    def words(self, text: str) -> str: ...
    @overload
    def words(self, text: None) -> None: ...
    def words(self, text: str | None) -> str | None:
        """What somebody wrote, without the numbers of persons where the sight is not full."""
        return text if text is None or self.look is IncidentLook.FULL else masked(text)

    def by(self, by: By, *, as_reporter: bool = False) -> ByView:
        """Whoever acted, without the fields that do not apply. `as_reporter`: nobody but a reporter could do so."""
        return self._by(by.as_dict(), as_reporter)

    def seen_by(self, by: ByView) -> ByView:
        """Whoever acted, as the log has it: there a unit that acts as the reporter in confidence has no unit."""
        return self._by(by, "unit" not in by)

    def _by(self, by: ByView, as_reporter: bool) -> ByView:
        """Whoever acted. A reporter goes under another name, or none, where its own is hidden; the unit of a unit that
        reported in confidence would tell who that was. What such a unit does as the called one has its name, since
        without it everybody could tell who reported."""
        subject = by.get("subject")
        is_reporter = subject == self.reporter and (as_reporter or not self.confidential)
        if subject is None or not (is_reporter or by["kind"] == Role.REPORTER):
            return by
        name = self.name_of(subject)
        if name == subject:
            return by
        shown: ByView = {"kind": by["kind"]}
        if name is not None:
            shown["subject"] = name
        if not self.confidential and "unit" in by:
            shown["unit"] = by["unit"]
        return shown

    def name_of(self, subject: str) -> str | None:
        """The name of a reporter: its own in full sight and to itself, else a pseudonym; None for partners, which never
        learn even that two words are of one reporter. Reporters do not learn who else reported the matter, and in
        confidence only ops see who did."""
        viewer = self.viewer
        is_open = self.is_full and not self.confidential and viewer.actor.role is not Role.REPORTER
        if is_open or viewer.actor.role is Role.OPS or workers.is_own(viewer.actor, subject):
            return subject
        if viewer.actor.answers_for is not None or viewer.secret is None:
            return None
        return looks.pseudonym(viewer.secret, subject, self.incident_id)


def aspect_of(viewer: Viewer, incident: AnyIncident) -> Aspect:
    """An incident as the rules know it, as a viewer sees it."""
    look = looks.look_of(viewer.actor, incident)
    return Aspect(viewer, look, incident.id, incident.reporter, incident.confidential)


def aspect_of_row(viewer: Viewer, stored: Mapping[Any, Any]) -> Aspect:
    """A row of a list as a viewer sees it: `stored` says how the viewer's unit stands to it (`assists`, `awaited`)."""
    standing = Standing(
        stored["grid_code"],
        stored["category"],
        stored["reporter"],
        stored["unit"],
        stored["state"],
        stored["assists"],
        stored["awaited"],
    )
    look = looks.look_at(viewer.actor, standing)
    return Aspect(viewer, look, stored["id"], stored["reporter"], stored["confidential"])
