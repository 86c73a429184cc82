"""SQLAlchemy engines on PostgreSQL: addresses, time limits on both sides, and connections that must be replaced.

A connection is checked once, when it is made: its session must have the time limits and the time zone that the code relies
on. Without a pooler they are sent when connecting. A pooler (pgbouncer) refuses or drops them, and in its transaction mode
each transaction may have another connection of the server, so nothing may be set for a session: there they belong to the
database role.
"""

import os
import re
from functools import partial
from typing import Any

import psycopg2
from psycopg2.extensions import connection as DriverConnection  # noqa: N812  SQLAlchemy has a Connection, too
from psycopg2.extensions import parse_dsn
from sqlalchemy import URL, Engine, ExceptionContext, NullPool, event, make_url
from sqlalchemy import create_engine as _create
from sqlalchemy.exc import ArgumentError, DBAPIError

from .deadlines import DeadlineExceeded, limited
from .settings import SettingsError

# Time limits of the server, in milliseconds. Without the last one, a process that is frozen within a revocation would block
# all other revocations.
LIMITS = {
    "statement_timeout": 10_000,
    "lock_timeout": 5_000,
    "idle_in_transaction_session_timeout": 10_000,
}
# Seconds that a server which works needs at most beyond its own limit: the deadline on this side is that much later.
MARGIN = 2.0
_STATEMENT_SECONDS = LIMITS["statement_timeout"] / 1000 + MARGIN
# A migration has limits of its own (alembic/env.py).
_UNPOOLED_SECONDS = 75.0

_CONNECTING = {
    # For each host of the address.
    "connect_timeout": 3,
    "application_name": "shopforum",
    # The kernel gives up a peer that acknowledges nothing, in milliseconds, and asks a silent one for a sign of life.
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
_OPTIONS = " ".join(f"-c {name}={value}" for name, value in LIMITS.items()) + " -c timezone=UTC"

# A connection is replaced at its next use after so many seconds: it may hold on to a server that has become a standby.
_RECYCLE_SECONDS = 1800

# SQLSTATEs of a connection that is of no more use: connection errors, shutdown or crash of the server, a server that has
# become read-only, as after a failover, a transaction that was idle for too long.
_LOST = ("08", "57P", "25006", "25P03")
# SQLSTATEs of refused values. Their messages quote the value, which may read like a lost connection.
_REFUSED_VALUES = ("22", "54")

_POOLER = (
    "a connection pooler is in front of the database",
    "set database.pooler = true, or connect to the server itself",
)
_UTC = ("UTC", "Etc/UTC", "GMT")
_SESSION = "SELECT pg_backend_pid(), current_setting('TimeZone'), " + ", ".join(
    f"extract(epoch FROM current_setting('{name}')::interval) * 1000" for name in LIMITS
)

# SQLAlchemy's form of several hosts, or of a host with its port, in the query.
_SQLALCHEMY_HOSTS = re.compile(r"[?&]host=[^/&]")


class UnsuitableSession(psycopg2.OperationalError):
    """A new connection lacks what the code relies on. `fix` tells the operator what to do."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}: {fix}")
        self.problem, self.fix = problem, fix


def create_engine(url: str, pool_size: int | None, *, pooler: bool = False) -> Engine:
    """Make an engine with a connection pool. A request waits at most 5 seconds for a connection; a statement runs at most 10.

    `pool_size` None: each use makes a connection of its own. `pooler`: a connection pooler stands before the server, so the time limits are those of the database role. Connecting
    raises sqlalchemy.exc.OperationalError, whose `orig` is UnsuitableSession where the session lacks them.
    """
    options = {} if pooler else {"options": _OPTIONS}
    pool: dict[str, Any] = {"poolclass": NullPool}
    if pool_size is not None:
        pool = {
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": 5,
            "pool_recycle": _RECYCLE_SECONDS,
        }
    engine = _create(
        driver_url(url),
        # The values of a failed statement may be personal data, which does not belong in a log.
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        # Else each statement would be followed by a rollback of nothing.
        skip_autocommit_rollback=True,
        # Looking for the type in the catalogue would take a statement for each connection.
        use_native_hstore=False,
        **pool,
        connect_args={**_CONNECTING, **options, "connection_factory": limited(_STATEMENT_SECONDS)},
    )
    # A forked process would speak on its parent's connections, in the middle of what the parent says.
    os.register_at_fork(after_in_child=partial(engine.dispose, close=False))
    event.listen(engine, "connect", partial(_require_limits, pooler))
    event.listen(engine, "handle_error", _replace_lost)
    hosts = engine.url.query.get("host")
    if isinstance(hosts, tuple):
        event.listen(engine, "do_connect", partial(_ask_last_host_first, hosts))
        event.listen(engine, "connect", partial(_remember_host, hosts))
    return engine


def create_unpooled_engine(url: str) -> Engine:
    """Make an engine that keeps no connections, for a few statements, without time limits of the server.

    It sets nothing for a session, so it works through any pooler.
    """
    return _create(
        driver_url(url),
        poolclass=NullPool,
        hide_parameters=True,
        use_native_hstore=False,
        connect_args={**_CONNECTING, "connection_factory": limited(_UNPOOLED_SECONDS)},
    )


def refuse_unsuitable(engine: Engine) -> None:
    """Connect once. Raises SettingsError, with what to change, if the sessions of this engine lack what the code relies on.

    A database that cannot be reached is no reason to refuse: it may come back.
    """
    try:
        engine.connect().close()
    except DBAPIError as error:
        unsuitable = unsuitable_session(error)
        if unsuitable:
            raise SettingsError(str(unsuitable)) from None


def unsuitable_session(error: BaseException) -> UnsuitableSession | None:
    """Return what is wrong with the sessions of an engine that cannot connect; None if that is not the cause."""
    orig = getattr(error, "orig", None)
    if "unsupported startup parameter" in str(orig):
        return UnsuitableSession(*_POOLER)
    return orig if isinstance(orig, UnsuitableSession) else None


def driver_url(url: str) -> URL:
    """Return SQLAlchemy's form of an address, with the driver psycopg2. Raises ValueError for a text that is no address.

    It may be libpq's (postgresql://user@one:5432,two:5432/name?option=value) or SQLAlchemy's (…/name?host=one:5432&host=two).
    Of several hosts, the one that accepts writes is used, unless `target_session_attrs` says otherwise.
    """
    plain = re.sub(r"^postgres(ql)?(\+psycopg2)?://", "postgresql://", url)
    try:
        found = make_url(plain) if _SQLALCHEMY_HOSTS.search(plain) else _of_libpq(parse_dsn(plain))
    except (psycopg2.Error, ArgumentError, ValueError):
        # The original message may quote the text, which has a password.
        raise ValueError("must be an address such as postgresql://user:password@host:5432/database") from None
    several = found.query.get("host")
    if isinstance(several, tuple):
        if any(one.count(":") > 1 for one in several):
            # SQLAlchemy takes the first colon for that of the port.
            raise ValueError(
                "must name its hosts, or give their IPv4 addresses, where there are several: postgresql://…@one:5432,two:5432/…"
            )
        found = found.set(query={"target_session_attrs": "read-write", **found.query})
    return found.set(drivername="postgresql+psycopg2")


def role_settings(role: str) -> str:
    """Return the SQL that gives a database role the session settings which connections behind a pooler need."""
    settings = {**{name: f"'{value}ms'" for name, value in LIMITS.items()}, "timezone": "'UTC'"}
    return " ".join(f'ALTER ROLE "{role}" SET {name} = {value};' for name, value in settings.items())


def _of_libpq(parts: dict[str, str]) -> URL:
    """Return SQLAlchemy's form of libpq's connection parameters. Raises ValueError for a port that is no number."""
    hosts, ports = (parts.pop(name, "").split(",") for name in ("host", "port"))
    user, password, database = (parts.pop(name, None) for name in ("user", "password", "dbname"))
    made = URL.create("postgresql", user, password, database=database, query=parts)
    if len(hosts) == 1:
        return made.set(host=hosts[0] or None, port=int(ports[0]) if ports[0] else None)
    # One port stands for all hosts.
    pairs = zip(hosts, ports if len(ports) > 1 else ports * len(hosts), strict=True)
    return made.set(
        query={**parts, "host": tuple(f"{host}:{int(port)}" if port else host for host, port in pairs)}
    )


def _require_limits(pooler: bool, made: DriverConnection, _record: Any) -> None:
    """Check a new connection, when the pool has made it. Raises UnsuitableSession."""
    with made.cursor() as cursor:
        cursor.execute(_SESSION)
        [(process, zone, *limits)] = cursor.fetchall()
    made.rollback()
    # A pooler gives its clients process numbers of its own.
    if process != made.info.backend_pid and not pooler:
        raise UnsuitableSession(*_POOLER)
    wanted = dict(zip(LIMITS, limits, strict=True))
    if zone not in _UTC or not all(0 < wanted[name] <= most for name, most in LIMITS.items()):
        raise UnsuitableSession(
            "the database session has no time limits or is not in UTC, and a pooler keeps the sites from setting that",
            f"run {role_settings(made.info.user)}",
        )


_DEFAULT_PORT = "5432"
# The host that each address with several last led to, and its port.
_last_hosts: dict[tuple[str, ...], tuple[str, str]] = {}


def _ask_last_host_first(
    address: tuple[str, ...], _dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]
) -> None:
    """Put the host that has accepted this process last before the others.

    A host that is frozen accepts a connection and says nothing: each new one would wait for it, as long as it is named before
    the primary.
    """
    hosts = list(zip(parameters["host"].split(","), parameters["port"].split(","), strict=True))
    last = _last_hosts.get(address)
    # The sort is stable: the others stay in their order.
    hosts.sort(key=lambda one: (one[0], one[1] or _DEFAULT_PORT) != last)
    parameters["host"], parameters["port"] = (",".join(parts) for parts in zip(*hosts, strict=True))


def _remember_host(address: tuple[str, ...], made: DriverConnection, _record: Any) -> None:
    _last_hosts[address] = (made.info.host, str(made.info.port))


def is_silent(error: BaseException) -> bool:
    """Return whether the server does not answer at all: it neither refused the connection nor ended it."""
    orig = getattr(error, "orig", None)
    return isinstance(orig, DeadlineExceeded) or "timeout expired" in str(orig)


def _replace_lost(context: ExceptionContext) -> None:
    """Have the pool replace all connections that are as old as this one, if its error says that it is of no more use."""
    code = getattr(context.original_exception, "pgcode", None) or ""
    if code.startswith(_LOST):
        context.is_disconnect = True
    elif code.startswith(_REFUSED_VALUES):
        context.is_disconnect = False
