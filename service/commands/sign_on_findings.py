"""What `sihu doctor` finds about the issuer of sign-ons: whether it answers, its keys, the claims that are expected."""

from __future__ import annotations

from collections.abc import AsyncIterator

from service.access import issuer as issuers
from service.access.issuer import Issuer, IssuerError
from service.commands.finding import Finding, warned
from service.settings import Settings


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Yield what is right and wrong about the issuer that the settings name; nothing where they name none."""
    known = issuers.settings_of(settings)
    if known is None:
        return
    issuer = Issuer(known)
    try:
        document, keys = await issuer.document(), await issuer.read_keys()
    except IssuerError as error:
        advice = f"`curl {known.url.rstrip('/')}/.well-known/openid-configuration` from this host has to show it"
        yield Finding(False, f"nobody can sign on: {error}; {advice}")
        return
    yield Finding(True, f"the issuer {known.url} answers, and has {len(keys)} keys to sign by")
    supported = document.get("claims_supported")
    if not isinstance(supported, list):
        return
    for name in known.claims:
        if name and not {name, name.partition(".")[0]} & set(map(str, supported)):
            yield warned(f"the issuer does not say that its tokens have the claim {name}: see SIHU_OIDC_CLAIMS")
