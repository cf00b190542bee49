"""A URL of a database in any usual form is the same database for the driver, for libpq and for people."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from service import database_urls

TWO = {"host": ["h1", "h2"], "port": [5432, 5433]}


def of_driver(url: str) -> dict[str, object]:
    """What the driver is given for a URL."""
    found: dict[str, object] = PGDialect_asyncpg().create_connect_args(make_url(url))[1]  # type: ignore[no-untyped-call]
    return found


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@h1:5432,h2:5433/d?target_session_attrs=read-write",
        "postgres://u:p@h1,h2:5433/d?target_session_attrs=read-write",
        "postgresql://u:p@/d?host=h1,h2&port=5432,5433&target_session_attrs=read-write",
        "postgresql+asyncpg://u:p@/d?host=h1:5432&host=h2:5433&target_session_attrs=read-write",
        "postgresql://u:p@/d?target_session_attrs=read-write&host=h1&host=h2:5433",
    ],
)
def test_several_servers_are_those_of_the_driver(url: str) -> None:
    expected = {**TWO, "user": "u", "password": "p", "database": "d", "target_session_attrs": "read-write"}
    assert of_driver(database_urls.normalised(url)) == expected
    assert database_urls.normalised(url).startswith("postgresql+asyncpg://u:p@/d?host=h1:5432&host=h2:5433&")
    found = database_urls.libpq_variables(database_urls.normalised(url))
    assert (found["PGHOST"], found["PGPORT"], found["PGTARGETSESSIONATTRS"]) == ("h1,h2", "5432,5433", "read-write")


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://u@[::1]:5433/d", "::1", 5433),
        ("postgresql://u@[::1],h2:6000/d", ["::1", "h2"], [5432, 6000]),
        ("postgresql://u@[2001:db8::1]:1,[2001:db8::2]:2/d", ["2001:db8::1", "2001:db8::2"], [1, 2]),
        ("postgresql://u@/d?host=/run/a,/run/b", ["/run/a", "/run/b"], [5432, 5432]),
        ("postgresql://u@%2Frun%2Fpg/d", "/run/pg", None),
        ("postgresql://u@/d?host=/run/pg&port=5433", "/run/pg", 5433),
        ("postgresql://u@/d?host=h1,h2&port=6000", ["h1", "h2"], [6000, 6000]),
    ],
)
def test_addresses_and_sockets_reach_the_driver(url: str, host: object, port: object) -> None:
    found = of_driver(database_urls.normalised(url))
    assert (found["host"], found.get("port")) == (host, port)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://u@h/d", "h", None),
        ("postgresql://u@h:5433/d", "h", "5433"),
        ("postgresql://u@[::1]:5433/d", "::1", "5433"),
        ("postgresql://u@/d?host=/run/postgresql", "/run/postgresql", None),
        ("postgresql://u@/d?host=%2Fa%20b&port=5432", "/a b", "5432"),
        ("postgresql://u@/d?host=h1:1&host=h2:2", "h1,h2", "1,2"),
        ("postgresql://u@/d?host=h1&host=h2&port=5433", "h1,h2", "5433,5433"),
        ("postgresql://u@h1:1,h2:2/d", "h1,h2", "1,2"),
        ("postgresql://u@h1,h2:2/d", "h1,h2", "5432,2"),
        ("postgresql://u@h1:5432,[::1]:5433/d?target_session_attrs=primary", "h1,::1", "5432,5433"),
    ],
)
def test_programs_of_postgresql_find_the_same_servers(url: str, host: str, port: str | None) -> None:
    found = database_urls.libpq_variables(database_urls.normalised(url))
    assert (found["PGHOST"], found.get("PGPORT")) == (host, port)
    assert database_urls.normalised(database_urls.normalised(url)) == database_urls.normalised(url)


def test_programs_of_postgresql_find_user_and_password() -> None:
    url = "postgresql://us%40er:p%3Aw@h1:1,h2/d%20b?sslmode=require"
    found = database_urls.libpq_variables(database_urls.normalised(url))
    named = (found["PGUSER"], found["PGPASSWORD"], found["PGDATABASE"], found["PGSSLMODE"])
    assert named == ("us@er", "p:w", "d b", "require")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("postgresql://u:secret@h:5433/d", "database d at h:5433"),
        ("postgresql://u:secret@h1,h2:5433/d", "database d at h1, h2:5433"),
        ("postgresql://u:secret@/d?host=/run/pg", "database d at /run/pg"),
    ],
)
def test_a_person_reads_where_it_is(url: str, where: str) -> None:
    assert database_urls.place(url) == where


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:secret@h1,,h2/d", "every host that its commas separate"),
        ("postgresql://u:secret@h1:x,h2/d", "ports from 1 to 65535"),
        ("postgresql://u:secret@h:99999/d", "ports from 1 to 65535"),
        ("postgresql://u:secret@h/d?host=g", "names its hosts twice"),
        ("postgresql://u:secret@/d?port=5432", "no host as host="),
        ("postgresql://u:secret@/d?host=a,b,c&port=1,2", "one port= for all hosts"),
        ("postgresql://u:secret@/d", "should name the host and the database"),
        ("postgresql://u:secret@h/d?connect_timeout=10", "'connect_timeout', which sihu sets by itself: leave it out"),
        ("postgresql://u:secret@h/d?application_name=x", "'application_name', which sihu sets by itself"),
        ("postgresql://u:secret@h/d?keepalives_idle=5", "'keepalives_idle', which sihu sets by itself"),
        ("postgresql://u:secret@h/d?options=search_path%3Dx", "options of the form -c name=value"),
        ("postgresql://u:secret@h/d?options=-c%20jit%3Don", "sets jit in its options, which sihu sets by itself"),
        ("postgresql://u:secret@h/d?options=-csearch_path%3Dx&search_path=y", "sets search_path twice"),
        ("postgresql://u:secret@h/d?search_path=", "should name a schema in its search_path"),
        ("postgresql://u:secret@h/d?search_path=%22x", "should name a schema in its search_path"),
        ("postgresql://u:secret@h/d?channel_binding=require", "'channel_binding', which is not supported"),
        ("postgresql://u:secret@h/d?target_session_attrs=standby", "since sihu writes"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_line(url: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"should|has|names|sets") as refused:
        database_urls.normalised(url)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value) and "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("", {}),
        ("search_path=d440105", {"search_path": "d440105"}),
        ("search_path=d440105,public", {"search_path": "d440105"}),
        ("search_path=%22Haizhu-2%22%2C%20public", {"search_path": '"Haizhu-2"'}),
        ("search_path=%22%24user%22,public", {"search_path": '"$user",public'}),
        ("options=-csearch_path%3Dd440105", {"search_path": "d440105"}),
        ("options=-c%20search_path=d440105%20--work-mem=8MB", {"search_path": "d440105", "work_mem": "8MB"}),
        ("options=-c%20DateStyle=ISO,\\%20MDY", {"datestyle": "ISO, MDY"}),
    ],
)
def test_a_url_names_the_settings_of_a_session(query: str, settings: dict[str, str]) -> None:
    url = database_urls.normalised(f"postgresql://u@h/d?{query}")
    assert database_urls.session_settings(url) == settings
    assert database_urls.normalised(url) == url


def test_a_district_is_named_for_people() -> None:
    url = database_urls.of_schema("postgresql://u:secret@h/d?options=-csearch_path%3Dx&sslmode=require", 'a"b')
    assert database_urls.place(url) == 'database d at h, schema "a""b"'
    assert database_urls.session_settings(url) == {"search_path": '"a""b"'}
