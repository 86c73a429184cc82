"""The order in which a process asks the hosts of an address that names several, as of a primary and its standbys.

libpq asks them one after the other. A host that is frozen accepts a connection and says nothing, so each new connection would wait for
it for as long as it is named before the primary. So the host that served last is asked first, and one that was silent is left out
for a while.
"""

import re
import time
from functools import partial
from typing import Any

from psycopg2.extensions import connection as DriverConnection  # noqa: N812  SQLAlchemy has a Connection, too
from sqlalchemy import Engine, ExceptionContext, event

Host = tuple[str, str]

_DEFAULT_PORT = "5432"
# Seconds for which a silent host is not asked. Then one connection asks it again, as the last.
_LEFT_OUT_SECONDS = 10.0
# The same, where the others do not serve either: a primary that only paused is then the one host that can.
_LEFT_OUT_SECONDS_WITHOUT_OTHER = 3.0
# libpq's message about each host that it has asked.
_SILENT = re.compile(r'connection to server at "([^"]+)"(?: \([^)]*\))?, port (\d+) failed: timeout expired')

# The host that each address has last led to, and its port.
_last: dict[tuple[str, ...], Host] = {}
# When each silent host may be asked again, by `time.monotonic()`.
_silent_until: dict[Host, float] = {}


def watch(engine: Engine) -> None:
    """Have an engine ask the hosts of its address in this order, if there are several."""
    address = engine.url.query.get("host")
    if isinstance(address, tuple):
        event.listen(engine, "do_connect", partial(_order, address))
        event.listen(engine, "connect", partial(_note_served, address))
        event.listen(engine, "handle_error", _note_silent)


def _order(
    address: tuple[str, ...], _dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]
) -> None:
    hosts = zip(parameters["host"].split(","), parameters["port"].split(","), strict=True)
    asked = ordered([*hosts], _last.get(address))
    parameters["host"], parameters["port"] = (",".join(parts) for parts in zip(*asked, strict=True))


def ordered(hosts: list[Host], last: Host | None) -> list[Host]:
    """Return the hosts to ask, in this order: the one that served last, the others, and the silent ones whose time is over. All, if
    each of them is silent. "" for a port is PostgreSQL's own.
    """
    now = time.monotonic()
    named = [(host, port or _DEFAULT_PORT) for host, port in hosts]
    asked = [one for one in named if _silent_until.get(one, now) <= now] or named
    for one in asked:
        if one in _silent_until:
            # The connections of other threads go on leaving it out.
            _silent_until[one] = now + _LEFT_OUT_SECONDS
    # The sort is stable: the others stay in their order.
    return sorted(asked, key=lambda one: (one in _silent_until, one != last))


def _note_served(address: tuple[str, ...], made: DriverConnection, _record: Any) -> None:
    host = made.info.host, str(made.info.port)
    _last[address] = host
    _silent_until.pop(host, None)


def _note_silent(context: ExceptionContext) -> None:
    if context.connection is not None:
        # It had a host.
        return
    now = time.monotonic()
    silent = _SILENT.findall(str(context.original_exception))
    for host in silent:
        _silent_until[host] = now + _LEFT_OUT_SECONDS
    if not silent:
        for host, until in [*_silent_until.items()]:
            _silent_until[host] = min(until, now + _LEFT_OUT_SECONDS_WITHOUT_OTHER)
