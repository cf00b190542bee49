"""The only module that reads the environment. Every variable is listed here, with its unit and its default; its
description is the text of `sihu serve --help` and of docs/settings.md.

DATABASE_URL alone has no prefix SIHU_, since many platforms set it under this name.
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service import database_urls, issuer_urls
from service.rules.worktime import FIRST_YEAR, LAST_START

_CLAIMS = re.compile(r"role=[^,=\s]+(,unit=[^,=\s]+)?(,area=[^,=\s]+)?")


class SettingsError(Exception):
    """A setting is wrong. The message is one line that names the variable and what it should be, and holds no
    secret."""


class EngineMode(StrEnum):
    """Whether a process serves the API, fires deadlines, or does both."""

    ON = "on"
    OFF = "off"
    ONLY = "only"


class Settings(BaseSettings):
    """The settings of one process, made by `load()`. An empty variable counts as unset."""

    model_config = SettingsConfigDict(
        env_prefix="SIHU_", env_ignore_empty=True, frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(
        default=None,
        validation_alias="DATABASE_URL",
        repr=False,
        description="The PostgreSQL (15 or newer) to use, as postgresql://user:password@host:port/database, with "
        "?sslmode=, ?search_path= and the like; several servers as h1:5432,h2:5432. Unset: an embedded one, in "
        "SIHU_DATA_DIR.",
    )
    data_dir: Path = Field(
        default=Path(".sihu"),
        description="The folder of the embedded PostgreSQL and of the secret keys; made when it is missing.",
    )
    secret_key: Annotated[tuple[bytes, ...], NoDecode] | None = Field(
        default=None,
        repr=False,
        description="What personal data is encrypted with: one key or several, separated by commas, each 32 bytes in "
        "base64. The first encrypts, all decrypt. Unset: secret.key in SIHU_DATA_DIR, which the first process makes.",
    )
    text_years: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Years after its close until the texts and the contact of an incident are erased.",
    )
    pg_bin: Path | None = Field(
        default=None,
        description="The folder with the initdb and postgres to embed. Unset: those of the installed wheel.",
    )
    pool_size: int = Field(
        default=10,
        ge=2,
        le=200,
        description="How many connections to the database people's requests may take. A process opens up to twelve "
        "more for its own work.",
    )
    engine: EngineMode = Field(
        default=EngineMode.ON,
        description="on: serve the API and fire deadlines. off: serve only. only: fire only; health and metrics are "
        "served still.",
    )
    virtual_clock: Literal["now"] | datetime | None = Field(
        default=None,
        description="For trials: time stands still until POST /v1/clock/advance moves it. An RFC 3339 time to start "
        "at, or now: the later of now and the newest time stored. Unset: real time.",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes any free one.")
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] | None = Field(
        default=None,
        description="The addresses or networks of proxies in front, separated by commas, such as 10.0.0.0/8. What they "
        "say of a client (X-Forwarded-For, X-Forwarded-Proto) is believed, and their connections are not counted as "
        "those of one client. Unset: what a proxy on this machine says is believed.",
    )
    promise_s: float = Field(
        default=5.0,
        gt=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds. /readyz says degraded when a deadline is overdue, or the feed behind, by more.",
    )
    feed_days: int | None = Field(
        default=None,
        ge=180,
        le=36_500,
        description="How many days the feed keeps an event, at least 180. What is older goes to an archive in the same "
        "database, a stretch of some millions at a time, and the timelines of incidents stay whole. Unset: for ever.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="The issuer of OpenID Connect by which people sign on, as https://…, http only on this machine. "
        "Unset: people sign in with keys alone.",
    )
    oidc_client_id: str | None = Field(
        default=None,
        min_length=1,
        description="The name of this service at the issuer, for /sign-in/oidc. Unset: there is no such page.",
    )
    oidc_client_secret_file: Path | None = Field(
        default=None,
        repr=False,
        description="A file with the secret of this service at the issuer. Unset: it is a public client (PKCE alone).",
    )
    oidc_audience: str | None = Field(
        default=None,
        min_length=1,
        description="The aud of the access tokens that the API takes beside keys. Unset: it takes none.",
    )
    oidc_claims: str = Field(
        default="role=role,unit=unit,area=area",
        description="Which claims of a token say the role, the unit and the area of a person; a claim within another "
        "one as realm_access.roles.",
    )
    log: Literal["text", "json"] = Field(
        default="text", description="How lines are logged, on standard error: as text, or each as one JSON object."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe line that is logged."
    )

    @field_validator("database_url")
    @classmethod
    def _asyncpg_url(cls, value: str | None) -> str | None:
        return None if value is None else database_urls.normalised(value)

    @field_validator("engine", "log", "log_level", mode="before")
    @classmethod
    def _lower_case(cls, value: Any) -> Any:
        return value.strip().lower() if isinstance(value, str) else value

    @field_validator("virtual_clock", mode="before")
    @classmethod
    def _now_or_a_time(cls, value: Any) -> Any:
        try:
            start = datetime.fromisoformat(value) if isinstance(value, str) and value != "now" else value
        except ValueError:
            start = None
        if isinstance(start, datetime) and start.tzinfo is not None and not FIRST_YEAR < start.year < LAST_START.year:
            raise ValueError(f"should be a time of the years {FIRST_YEAR + 1} to {LAST_START.year - 1}")
        if value is None or start == "now" or (isinstance(start, datetime) and start.tzinfo is not None):
            return start
        raise ValueError("should be `now` or an RFC 3339 time with an offset, such as 2026-11-02T09:00:00+08:00")

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        try:
            parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
            return None if parts is None else tuple(ip_network(part, strict=False) for part in parts)
        except ValueError:
            raise ValueError("should be addresses or networks such as 10.0.0.0/8, separated by commas") from None

    @field_validator("secret_key", mode="before")
    @classmethod
    def _secret_keys(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            keys = tuple(base64.b64decode(part, validate=True) for part in re.split(r"[\s,]+", value.strip(", ")))
        except ValueError:
            keys = ()
        if not keys or {len(key) for key in keys} != {32}:
            raise ValueError("should be keys of 32 bytes in base64, such as `openssl rand -base64 32` makes")
        return keys

    @field_validator("oidc_issuer")
    @classmethod
    def _safe_issuer(cls, value: str | None) -> str | None:
        if value is not None and (not issuer_urls.is_safe(value) or "?" in value):
            raise ValueError(
                "should be https://… without a query, or http on this machine, such as http://localhost:8080"
            )
        return value

    @field_validator("oidc_claims")
    @classmethod
    def _three_claims(cls, value: str) -> str:
        if _CLAIMS.fullmatch(value) is None:
            raise ValueError("should read role=…,unit=…,area=… with a claim behind each; unit and area may be left out")
        return value

    @field_validator("port", mode="before")
    @classmethod
    def _not_a_service_link(cls, value: Any) -> Any:
        if isinstance(value, str) and "://" in value:
            raise ValueError(
                "should be a number; Kubernetes sets it to an address in every pod beside a Service named sihu: "
                "set SIHU_PORT yourself, or enableServiceLinks: false"
            )
        return value

    @model_validator(mode="after")
    def _whole_sign_on(self) -> Settings:
        others = (self.oidc_client_id, self.oidc_client_secret_file, self.oidc_audience)
        if self.oidc_issuer is None and any(each is not None for each in others):
            raise ValueError("SIHU_OIDC_ISSUER is missing: the other settings of sign-on need it")
        if self.oidc_issuer is not None and self.oidc_client_id is self.oidc_audience is None:
            raise ValueError(
                "SIHU_OIDC_ISSUER needs SIHU_OIDC_CLIENT_ID (pages), SIHU_OIDC_AUDIENCE (the API), or both"
            )
        return self

    @model_validator(mode="after")
    def _virtual_clock_is_alone(self) -> Settings:
        if self.virtual_clock is not None and self.engine is not EngineMode.ON:
            raise ValueError("the virtual clock moves one process only: leave SIHU_ENGINE on, or use real time")
        return self


def load(**overrides: Any) -> Settings:
    """The settings of the environment. `overrides` are by the name of a field and go before it; None overrides nothing.

    Raises `SettingsError` with one line that names every wrong variable.
    """
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        faults = dict.fromkeys(_sentence(fault["loc"], fault["msg"]) for fault in error.errors(include_input=False))
        raise SettingsError("; ".join(faults)) from None


def variable_of(field: str) -> str:
    """Return the environment variable of a setting."""
    return "DATABASE_URL" if field.lower() == "database_url" else f"SIHU_{field.upper()}"


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input ")
    if not place:
        return text
    return f"{variable_of(str(place[0]))} {text}"
