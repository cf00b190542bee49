"""A change of the issuer of sign-ons is written to the log by the process that starts with the new settings."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.context import Context, Part
from service.rules.logged import ByView
from service.rules.model import CLOCK
from service.rules.words import EventType
from service.settings import EngineMode, Settings
from service.store.access import sign_ons
from service.store.access.sign_ons import SignOn
from service.store.log import writing


class SignOnView(TypedDict):
    """An issuer of OpenID Connect and what this deployment is to it, without any secret."""

    issuer: str
    client_id: str | None
    audience: str | None
    claims: str


# `from` is no name that a class could have
SignOnChangedData = TypedDict("SignOnChangedData", {"from": SignOnView | None, "to": SignOnView | None, "by": ByView})
"""The data of `sihu.sign_on.changed`; null: people sign in with keys alone."""


class IssuerChange(Part):
    """Compares the settings of sign-on with those that the database knows, at the start of a process that lets people
    in. Processes that start one after the other with different settings each write what they change."""

    def __init__(self, context: Context, settings: Settings) -> None:
        self._context = context
        self._settings = settings

    async def load(self) -> None:
        """Write the change, if there is one. Raises `Unavailable`."""
        fresh = sign_on_of(self._settings)
        if self._settings.engine is EngineMode.ONLY:
            return
        async with self._context.database.read() as connection:
            if await sign_ons.known(connection) == fresh:
                return
        async with self._context.database.begin() as tx:
            await sign_ons.lock(tx)
            before = await sign_ons.known(tx)
            if before == fresh:
                return
            await sign_ons.replace(tx, fresh)
            data: SignOnChangedData = {"from": _view(before), "to": _view(fresh), "by": CLOCK.as_dict()}
            now, district = self._context.clock.now(), self._context.worlds.world.district
            entry = writing.Entry(EventType.SIGN_ON_CHANGED, now, district, (), data)
            committed = await writing.append(tx, [entry])
        self._context.tell(committed)


def sign_on_of(settings: Settings) -> SignOn | None:
    """The sign-on that the settings name; None: none."""
    if settings.oidc_issuer is None:
        return None
    return SignOn(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_audience, settings.oidc_claims)


def _view(known: SignOn | None) -> SignOnView | None:
    if known is None:
        return None
    return {
        "issuer": known.issuer,
        "client_id": known.client_id,
        "audience": known.audience,
        "claims": known.claims,
    }
