"""The environment is read in one place, and a wrong value is told in one line."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pydantic
import pytest

from service import settings
from service.settings import EngineMode, SettingsError


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    for field in settings.Settings.model_fields:
        monkeypatch.delenv(f"SIHU_{field.upper()}", raising=False)


def test_nothing_set_gives_the_embedded_database_and_a_local_address() -> None:
    loaded = settings.load()
    assert (loaded.database_url, loaded.data_dir, loaded.pg_bin) == (None, Path(".sihu"), None)
    assert (loaded.host, loaded.port, loaded.engine) == ("127.0.0.1", 8000, EngineMode.ON)
    assert (loaded.pool_size, loaded.promise_s, loaded.log_level) == (10, 5.0, "info")
    assert loaded.virtual_clock is None


def test_each_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://u:p@db/sihu")
    given = {
        "DATA_DIR": "/var/lib/sihu",
        "PG_BIN": "/usr/lib/postgresql/15/bin",
        "POOL_SIZE": "20",
        "ENGINE": "OFF",
        "HOST": "0.0.0.0",
        "PORT": "80",
        "TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::1",
        "PROMISE_S": "2.5",
        "LOG_LEVEL": "DEBUG",
        "OIDC_ISSUER": "https://login.example/realms/a",
        "OIDC_AUDIENCE": "sihu",
        "OIDC_CLAIMS": "role=realm_access.roles,unit=https://example/unit",
    }
    for name, value in given.items():
        monkeypatch.setenv(f"SIHU_{name}", value)
    loaded = settings.load()
    assert loaded.database_url == "postgresql+asyncpg://u:p@db/sihu"
    assert (loaded.data_dir, loaded.pg_bin) == (Path("/var/lib/sihu"), Path("/usr/lib/postgresql/15/bin"))
    assert (loaded.pool_size, loaded.engine, loaded.host, loaded.port) == (20, EngineMode.OFF, "0.0.0.0", 80)
    assert (loaded.promise_s, loaded.log_level) == (2.5, "debug")
    assert (loaded.oidc_issuer, loaded.oidc_audience) == ("https://login.example/realms/a", "sihu")
    assert loaded.oidc_claims == "role=realm_access.roles,unit=https://example/unit"
    assert [str(each) for each in loaded.trusted_proxies or ()] == ["10.0.0.0/8", "2001:db8::1/128"]


def test_an_override_goes_before_the_environment_and_none_means_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_PORT", "81")
    monkeypatch.setenv("SIHU_HOST", "0.0.0.0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://here/one")
    loaded = settings.load(port=82, host=None, database_url="postgresql://there/two")
    assert (loaded.port, loaded.host) == (82, "0.0.0.0")
    assert loaded.database_url == "postgresql+asyncpg://there/two"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("SIHU_PORT", "")
    assert (settings.load().database_url, settings.load().port) == (None, 8000)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("postgres://u:p@h:5433/d", "postgresql+asyncpg://u:p@h:5433/d"),
        ("postgresql://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("POSTGRESQL://u@h/d", "postgresql+asyncpg://u@h/d"),
        (" postgresql://u:%40%3F@h/d\n", "postgresql+asyncpg://u:%40%3F@h/d"),
        ("postgresql://h/d?sslmode=require", "postgresql+asyncpg://h/d?ssl=require"),
        ("postgresql://h/d?sslmode=verify-full&target_session_attrs=primary",
         "postgresql+asyncpg://h/d?ssl=verify-full&target_session_attrs=primary"),
        ("postgresql://u@/d?host=/run/postgresql", "postgresql+asyncpg://u@/d?host=/run/postgresql"),
    ],
)  # fmt: skip
def test_a_postgres_url_in_any_usual_form_is_normalised_for_the_driver(given: str, asked: str) -> None:
    assert settings.load(database_url=given).database_url == asked


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://u:secret@h/d", "no other scheme"),
        ("postgresql+psycopg://u:secret@h/d", "no other scheme"),
        ("secret", "no other scheme"),
        ("postgresql://u:secret@h", "should name the host and the database"),
        ("postgresql://u:secret@h/", "should name the host and the database"),
        ("postgresql://u:secret@h/d?sslmode=on", "sslmode of disable, allow"),
        ("postgresql://u:secret@h/d?sslrootcert=a", "'sslrootcert', which is not supported"),
    ],
)
def test_another_database_url_is_refused_in_one_line_without_its_password(url: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        settings.load(database_url=url)
    message = str(refused.value)
    assert message.startswith("DATABASE_URL ") and says in message
    assert "\n" not in message and "secret" not in message


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SIHU_PORT", "eighty", "valid integer"),
        ("SIHU_PORT", "70000", "65535"),
        ("SIHU_PORT", "tcp://10.0.0.1:8000", "enableServiceLinks"),
        ("SIHU_POOL_SIZE", "0", "greater than or equal to 2"),
        ("SIHU_ENGINE", "maybe", "'on', 'off' or 'only'"),
        ("SIHU_PROMISE_S", "-1", "greater than 0"),
        ("SIHU_PROMISE_S", "nan", "finite number"),
        ("SIHU_TRUSTED_PROXIES", "10.0.0.0/8 or so", "separated by commas"),
        ("SIHU_TRUSTED_PROXIES", "10.0.0.0/8,,", "separated by commas"),
        ("SIHU_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("SIHU_VIRTUAL_CLOCK", "2026-11-01T09:00:00", "with an offset"),
        ("SIHU_VIRTUAL_CLOCK", "soon", "should be `now` or"),
    ],
)
def test_a_wrong_value_is_told_in_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        settings.load()
    assert str(refused.value).startswith(f"{name} ") and says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.clause("CSL 网络日志")
def test_the_feed_keeps_half_a_year_or_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_FEED_DAYS", "180")
    assert settings.load().feed_days == 180
    monkeypatch.setenv("SIHU_FEED_DAYS", "179")
    with pytest.raises(SettingsError, match="greater than or equal to 180"):
        settings.load()


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_PORT", "x")
    monkeypatch.setenv("SIHU_ENGINE", "y")
    with pytest.raises(SettingsError, match=r"SIHU_ENGINE .*; SIHU_PORT "):
        settings.load()


def test_the_virtual_clock_starts_now_or_at_a_time_with_an_offset() -> None:
    assert settings.load(virtual_clock="now").virtual_clock == "now"
    start = settings.load(virtual_clock="2026-11-02T09:00:00+08:00").virtual_clock
    assert start == datetime(2026, 11, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("start", ["1999-01-01T00:00:00Z", "2000-06-01T00:00:00Z", "2094-01-01T00:00:00+08:00"])
def test_the_virtual_clock_starts_within_the_calendars(start: str) -> None:
    with pytest.raises(SettingsError, match="of the years 2001 to 2093"):
        settings.load(virtual_clock=start)


@pytest.mark.parametrize("engine", ["off", "only"])
def test_the_virtual_clock_is_refused_beside_a_split_engine(engine: str) -> None:
    with pytest.raises(SettingsError, match="one process only"):
        settings.load(virtual_clock="now", engine=engine)


@pytest.mark.clause("ASVS 13.3.2")
def test_settings_cannot_be_changed_and_hide_the_password() -> None:
    loaded = settings.load(database_url="postgresql://u:secret@h/d")
    with pytest.raises(pydantic.ValidationError):
        loaded.port = 1  # type: ignore[misc]
    assert "secret" not in repr(loaded)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in settings.Settings.model_fields.values())


@pytest.mark.parametrize(
    ("given", "detail"),
    [
        ({"OIDC_ISSUER": "http://login.example", "OIDC_AUDIENCE": "a"}, "SIHU_OIDC_ISSUER should be https://"),
        ({"OIDC_ISSUER": "https://login.example?a=b", "OIDC_AUDIENCE": "a"}, "SIHU_OIDC_ISSUER should be https://"),
        ({"OIDC_ISSUER": "https://u:p@login.example", "OIDC_AUDIENCE": "a"}, "SIHU_OIDC_ISSUER should be https://"),
        ({"OIDC_ISSUER": "login", "OIDC_AUDIENCE": "a"}, "SIHU_OIDC_ISSUER should be https://"),
        ({"OIDC_ISSUER": "https://login.example"}, "needs SIHU_OIDC_CLIENT_ID"),
        ({"OIDC_AUDIENCE": "a"}, "SIHU_OIDC_ISSUER is missing"),
        ({"OIDC_CLAIMS": "unit=a"}, "SIHU_OIDC_CLAIMS should read role="),
    ],
)
def test_a_sign_on_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], detail: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"SIHU_{name}", value)
    with pytest.raises(SettingsError, match=re.escape(detail)) as caught:
        settings.load()
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://localhost:8080", "http://127.0.0.1/realm", "http://[::1]:9", "https://a.example"]
)
def test_an_issuer_on_this_machine_needs_no_https(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SIHU_OIDC_ISSUER", url)
    monkeypatch.setenv("SIHU_OIDC_CLIENT_ID", "sihu")
    assert settings.load().oidc_issuer == url
