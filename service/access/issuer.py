"""The issuer of OpenID Connect: where its pages are, by which keys it signs, and the exchange of a code for a token.

What the issuer says is read over https alone, in a bounded time and size. Its keys are kept; a token that names a key
that is not known has them read again, at most once in `AGAIN_S`, by one request for all who wait for it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, RSAKey

from service import clock, issuer_urls
from service.context import Part
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.settings import Settings, SettingsError, variable_of

_KINDS: Mapping[str, type[RSAKey] | type[ECKey]] = {"RSA": RSAKey, "EC": ECKey}
_DISCOVERY = "/.well-known/openid-configuration"


class ClaimNames(NamedTuple):
    """The claims that say the role, the unit and the area of a person."""

    role: str
    unit: str
    area: str


@dataclass(frozen=True, slots=True)
class IssuerSettings:
    """What this deployment knows of its issuer. `client_id` is None where people do not sign in on a page, `audience`
    where the API takes no tokens."""

    url: str
    client_id: str | None
    client_secret: str | None
    audience: str | None
    claims: ClaimNames


def settings_of(settings: Settings) -> IssuerSettings | None:
    """The issuer that the settings name; None: none. Raises `SettingsError` when the file of the secret cannot be
    read."""
    if settings.oidc_issuer is None:
        return None
    file = settings.oidc_client_secret_file
    try:
        secret = None if file is None else file.read_text().strip()
    except (OSError, ValueError) as error:
        raise SettingsError(f"{variable_of('oidc_client_secret_file')} cannot be read: {error}") from None
    named = dict(each.split("=", 1) for each in settings.oidc_claims.split(","))
    claims = ClaimNames(named["role"], named.get("unit", ""), named.get("area", ""))
    return IssuerSettings(settings.oidc_issuer, settings.oidc_client_id, secret, settings.oidc_audience, claims)


class IssuerError(Exception):
    """The issuer cannot be asked, or answers something else than an issuer. The message is one line that says what."""


class Issuer(Part):
    """The issuer of a process, if it has one. Nothing is asked before somebody needs it."""

    AGAIN_S: ClassVar[float] = 30.0
    KEPT_S: ClassVar[float] = 3600.0
    """Keys are read anew after so long, so that one that the issuer has withdrawn is not believed for ever."""
    TIMEOUT_S: ClassVar[float] = 5.0
    MAX_BYTES: ClassVar[int] = 256 * 1024

    def __init__(self, settings: IssuerSettings | None) -> None:
        self.settings = settings
        self.key_sets = 0
        """How often the keys were read: what was found good by older ones is to be looked at again."""
        self._document: Mapping[str, Any] = {}
        self._keys: dict[str | None, Key] = {}
        self._read_s = self._tried_s = float("-inf")
        self._reading = asyncio.Lock()

    async def key(self, key_id: str | None) -> Key | None:
        """The key with this id; without an id the only key there is. None: the issuer has no such key. Raises
        `Unavailable` when its keys were never read, and cannot be now."""
        now_s = clock.monotonic()
        is_old = now_s - self._read_s > self.KEPT_S
        if (is_old or self._known(key_id) is None) and now_s - self._tried_s >= self.AGAIN_S:
            await self._read_keys(now_s)
        if not self._keys:
            raise _silent("the keys of the issuer were never read")
        return self._known(key_id)

    async def address(self, name: str) -> str:
        """The address of one of its endpoints, such as `token_endpoint`. Raises `Unavailable`."""
        try:
            return _address(await self.document(), name)
        except IssuerError as error:
            raise _silent(str(error)) from error

    async def exchange(self, form: Mapping[str, str]) -> str | None:
        """The ID token for a code; None when the issuer does not take the code. Raises `Unavailable`."""
        assert self.settings is not None
        assert self.settings.client_id is not None
        address, secret = await self.address("token_endpoint"), self.settings.client_secret
        basic = None if secret is None else httpx.BasicAuth(self.settings.client_id, secret)
        try:
            status, content = await self._ask("POST", address, data=dict(form), auth=basic)
            if status in (400, 401, 403):
                return None
            token = _object(status, content).get("id_token")
        except IssuerError as error:
            raise _silent(str(error)) from error
        return token if isinstance(token, str) else None

    async def document(self) -> Mapping[str, Any]:
        """What the issuer says of itself. Raises `IssuerError`."""
        if not self._document:
            assert self.settings is not None
            found = _object(*await self._ask("GET", self.settings.url.rstrip("/") + _DISCOVERY))
            if found.get("issuer") != self.settings.url:
                raise IssuerError(f"the issuer calls itself {found.get('issuer')!r:.200}, not {self.settings.url}")
            self._document = found
        return self._document

    async def read_keys(self) -> Mapping[str | None, Key]:
        """The keys by which the issuer signs, read now. Raises `IssuerError`."""
        address = _address(await self.document(), "jwks_uri")
        listed = _object(*await self._ask("GET", address)).get("keys")
        found = [_key(each) for each in listed] if isinstance(listed, list) else []
        keys = {key.kid: key for key in found if key is not None}
        if not keys:
            raise IssuerError("the issuer has no key of RSA or EC by which it signs")
        return keys

    async def _read_keys(self, since_s: float) -> None:
        async with self._reading:
            if self._tried_s >= since_s:  # somebody has read them while this request waited
                return
            try:
                self._keys = dict(await self.read_keys())
                self._read_s, self.key_sets = clock.monotonic(), self.key_sets + 1
            except IssuerError as error:
                if not self._keys:
                    raise _silent(str(error)) from error
            finally:
                self._tried_s = clock.monotonic()

    def _known(self, key_id: str | None) -> Key | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _ask(self, method: str, address: str, **options: Any) -> tuple[int, bytes]:
        content = bytearray()
        try:
            async with (
                asyncio.timeout(self.TIMEOUT_S),
                httpx.AsyncClient(timeout=self.TIMEOUT_S, trust_env=False, verify=_certificates()) as client,
                client.stream(method, address, **options) as answer,
            ):
                async for piece in answer.aiter_bytes():
                    content += piece
                    if len(content) > self.MAX_BYTES:
                        raise IssuerError(f"the issuer answers with more than {self.MAX_BYTES} bytes")
        except (httpx.HTTPError, TimeoutError) as error:
            raise IssuerError(f"the issuer cannot be reached ({type(error).__name__})") from error
        return answer.status_code, bytes(content)


def _certificates() -> ssl.SSLContext:
    """The certificates that this host trusts, so that an issuer may have one of the office's own authority."""
    return ssl.create_default_context()


def _object(status: int, content: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        found = None
    if status != 200 or not isinstance(found, dict):
        raise IssuerError(f"the issuer answers {status} without what was asked for")
    return found


def _address(document: Mapping[str, Any], name: str) -> str:
    found = document.get(name)
    if not isinstance(found, str) or not issuer_urls.is_safe(found):
        raise IssuerError(f"the issuer names no {name} that is https")
    return found


def _key(document: Any) -> Key | None:
    """A public key for signatures; None for any other one."""
    if not isinstance(document, dict) or document.get("use", "sig") != "sig":
        return None
    kind = _KINDS.get(str(document.get("kty")))
    try:
        return None if kind is None else kind.import_key(document)
    except (JoseError, ValueError):
        return None


def _silent(cause: str) -> Unavailable:
    detail = Sentence("The issuer of sign-ons cannot be asked now. Wait a moment, or send a key.")
    return Unavailable(detail, cause=cause)
