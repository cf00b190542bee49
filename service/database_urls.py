"""The URL of a database, in the forms in which libpq, SQLAlchemy and people write it.

libpq lists several servers as `h1:p1,h2:p2`, of which the one that takes writes is wanted. The driver takes them as
parameters: `?host=h1:p1&host=h2:p2`.

A district may have a schema of its own, which `?search_path=` names, or `?options=-csearch_path=` as libpq has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode

_SCHEMES = ("postgres", "postgresql", "postgresql+asyncpg")
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_TARGETS = ("any", "read-write", "primary")
SESSION_PARAMETERS = ("search_path", "options")
"""The parameters that are settings of a session. The driver does not take them; they are set once it is connected."""
_PARAMETERS = ("sslmode", "ssl", "host", "port", "target_session_attrs", *SESSION_PARAMETERS)
"""The parameters of a URL that the driver knows. Any other makes the first connection fail, without a clear reason."""
_OWN_PARAMETERS = (
    *("connect_timeout", "application_name", "fallback_application_name", "client_encoding", "tcp_user_timeout"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
)
_OWN_SETTINGS = (
    *("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "jit", "timezone"),
    *("application_name", "client_encoding", "tcp_user_timeout"),
    *("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count"),
)
"""The settings of a session that sihu needs as it sets them."""
_OPTION = re.compile(r"(?:-c\s*|--)([A-Za-z_][\w.-]*)=((?:\\.|\S)*)\s*", re.ASCII)
_SCHEMA = re.compile(r'\s*("(?:[^"]|"")+"|[^\s",]+)\s*(?:,|$)')
_PORT = 5432


class ServerAddress(NamedTuple):
    """One server: a host or the folder of a socket, and its port, where it is named."""

    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


class _Parts(NamedTuple):
    """`login`: user and password as they are written, with their `@`. `in_address`: the servers stand before the name
    of the database, and not among the parameters."""

    login: str
    servers: tuple[ServerAddress, ...]
    in_address: bool
    database: str
    parameters: tuple[tuple[str, str], ...]


def normalised(url: str) -> str:
    """A URL in the form that SQLAlchemy takes for asyncpg. Raises ValueError with a sentence that holds no secret."""
    session_settings(url)
    return _written(_parts(url))


def _written(parts: _Parts) -> str:
    if len(parts.servers) == 1 and parts.in_address:
        return _put_together(parts, str(parts.servers[0]), ())
    return _put_together(parts, "", _as_parameters(parts.servers))


def libpq_variables(url: str) -> dict[str, str]:
    """The variables by which a program of PostgreSQL finds the database of a URL. Unlike a URL in its command line,
    nobody else on the host can see them."""
    parts = _parts(url)
    user, _, password = parts.login.removesuffix("@").partition(":")
    named, has_ports = dict(parts.parameters), any(server.port for server in parts.servers)
    found = {
        "PGHOST": ",".join(server.host for server in parts.servers),
        "PGPORT": ",".join(str(server.port or _PORT) for server in parts.servers) if has_ports else "",
        "PGUSER": unquote(user),
        "PGPASSWORD": unquote(password),
        "PGDATABASE": unquote(parts.database),
        "PGSSLMODE": named.get("ssl") or named.get("sslmode", ""),
        "PGTARGETSESSIONATTRS": named.get("target_session_attrs", ""),
    }
    return {name: value for name, value in found.items() if value}


def session_settings(url: str) -> dict[str, str]:
    """The settings of a session that a URL names, by name. The search path is of one schema, so that nothing is looked
    for in another district: the first one, unless that is "$user", which not every role has."""
    named = parse_qsl(url.partition("?")[2], keep_blank_values=True)
    found: dict[str, str] = {}
    for name, value in [*_options(named), *(each for each in named if each[0] == "search_path")]:
        if name in _OWN_SETTINGS:
            raise ValueError(f"sets {name} in its options, which sihu sets by itself: leave it out")
        if name in found:
            raise ValueError(f"sets {name} twice: leave out one of them")
        found[name] = _own_schema(value) if name == "search_path" else value
    return found


def of_another_database(url: str, name: str) -> str:
    """The URL of another database on the same servers."""
    return _written(_parts(url)._replace(database=name))


def of_schema(url: str, schema: str) -> str:
    """The URL of this schema in the same database."""
    parts, quoted = _parts(url), schema.replace('"', '""')
    others = tuple(each for each in parts.parameters if each[0] not in SESSION_PARAMETERS)
    return _written(parts._replace(parameters=(*others, ("search_path", f'"{quoted}"'))))


def place(url: str) -> str:
    """Return which database a URL names, and on which servers, for a person; never its user or password."""
    parts = _parts(url)
    schema = session_settings(url).get("search_path")
    within = f", schema {schema}" if schema else ""
    return f"database {parts.database} at {', '.join(map(str, parts.servers))}{within}"


def _options(parameters: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The settings in libpq's `options`: -c name=value, -cname=value or --name=value, where a backslash keeps a space
    in a value."""
    for value in [value for name, value in parameters if name == "options"]:
        rest = value.lstrip()
        while rest:
            found = _OPTION.match(rest)
            if found is None:
                raise ValueError("should have options of the form -c name=value, such as -csearch_path=d440105")
            yield found[1].lower().replace("-", "_"), re.sub(r"\\(.)", r"\1", found[2])
            rest = rest[found.end() :]


def _own_schema(path: str) -> str:
    first = _SCHEMA.match(path)
    if first is None:
        raise ValueError("should name a schema in its search_path: ?search_path=d440105")
    return path if first[1] in ("$user", '"$user"') else first[1]


def _put_together(parts: _Parts, address: str, servers: Sequence[tuple[str, str]]) -> str:
    named = [("ssl" if name == "sslmode" else name, value) for name, value in parts.parameters]
    query = urlencode([*servers, *named], quote_via=quote, safe="/:,[]")
    return f"postgresql+asyncpg://{parts.login}{address}/{parts.database}{'?' if query else ''}{query}"


def _as_parameters(servers: Sequence[ServerAddress]) -> list[tuple[str, str]]:
    if len(servers) == 1 or any(":" in host or "/" in host for host, _ in servers):
        return _in_two_lists(servers)
    return [("host", f"{host}:{port or _PORT}") for host, port in servers]


def _in_two_lists(servers: Sequence[ServerAddress]) -> list[tuple[str, str]]:
    hosts = ("host", ",".join(server.host for server in servers))
    if len(servers) == 1 and servers[0].port is None:
        return [hosts]
    return [hosts, ("port", ",".join(str(server.port or _PORT) for server in servers))]


def _parts(url: str) -> _Parts:
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        raise ValueError(
            "should be a PostgreSQL URL such as postgresql://user:password@host:5432/database "
            "(postgres:// and postgresql+asyncpg:// are the same); no other scheme or driver is supported"
        )
    before, _, query = rest.partition("?")
    address, slash, database = before.rpartition("/")
    parameters = parse_qsl(query, keep_blank_values=True)
    for name, value in parameters:
        _check(name, value)
    login, at, listed = address.rpartition("@")
    elsewhere = _servers_of(parameters)
    if not slash or not database or not (listed or elsewhere):
        raise ValueError("should name the host and the database: postgresql://user:password@host:5432/database")
    if listed and elsewhere:
        raise ValueError("names its hosts twice, before the database and as host=: leave out one of them")
    others = tuple(each for each in parameters if each[0] not in ("host", "port"))
    servers = elsewhere or tuple(_server(unquote(each)) for each in listed.split(","))
    in_address = bool(listed) and not any(server.host.startswith("/") for server in servers)
    return _Parts(login + at, servers, in_address, database, others)


def _servers_of(parameters: Sequence[tuple[str, str]]) -> tuple[ServerAddress, ...]:
    """The servers that the parameters name: host=h1:p1&host=h2:p2, or host=h1,h2&port=p1,p2."""
    hosts = [each for name, value in parameters if name == "host" for each in value.split(",")]
    ports = [each for name, value in parameters if name == "port" for each in value.split(",")]
    if not hosts:
        if ports:
            raise ValueError("names a port as port=, but no host as host=: write host:port before the database")
        return ()
    if not ports:
        return tuple(_server(each) for each in hosts)
    if len(ports) not in (1, len(hosts)):
        raise ValueError("should have one port= for all hosts, or one for each")
    each_port = ports * len(hosts) if len(ports) == 1 else ports
    return tuple(
        ServerAddress(_named(host.strip("[]")), _port(port)) for host, port in zip(hosts, each_port, strict=True)
    )


def _server(text: str) -> ServerAddress:
    """One of `host`, `host:port`, `[address]`, `[address]:port`, or the folder of a socket."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return ServerAddress(_named(host), _port(port.removeprefix(":")))
    if text.startswith("/") or text.count(":") > 1:
        return ServerAddress(text, None)
    host, _, port = text.partition(":")
    return ServerAddress(_named(host), _port(port))


def _named(host: str) -> str:
    if not host:
        raise ValueError("should name every host that its commas separate: postgresql://h1:5432,h2:5432/database")
    return host


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isdecimal() or not 0 < int(text) <= 65535:
        raise ValueError("should have ports from 1 to 65535, as in host:5432")
    return int(text)


def _check(name: str, value: str) -> None:
    if name in _OWN_PARAMETERS:
        raise ValueError(f"has the parameter {name!r}, which sihu sets by itself: leave it out")
    if name not in _PARAMETERS:
        raise ValueError(f"has the parameter {name!r}, which is not supported; known: {', '.join(_PARAMETERS)}")
    if name in ("sslmode", "ssl") and value not in _SSL_MODES:
        raise ValueError(f"should have an sslmode of {', '.join(_SSL_MODES)}")
    if name == "target_session_attrs" and value not in _TARGETS:
        raise ValueError(f"should have target_session_attrs of {', '.join(_TARGETS)}, since sihu writes")
