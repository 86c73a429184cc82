"""The command line for a page of the console: what an admin runs on a server while the console cannot check a password."""

import shlex
from urllib.parse import parse_qs, urlsplit

from ..core.ids import parse_uuid
from ..core.sites import SITES
from ..core.text import clean
from .filters import FilterError, parse_query

_INI = "production.ini"
_LIST = f"shopforum sessions list {_INI}"
_ACTS = {"/sessions/revoke": "revoke", "/sessions/quarantine": "quarantine", "/sessions/release": "release"}


def for_page(target: str) -> str:
    """Return the command that does what a page of the console does; `target` is its path and query. A page without a command of
    its own gets the one that lists sessions.

    The target comes from a link that anybody may have made. So only values that can be read go into the command, each quoted
    for the shell; and every act asks before it does anything.
    """
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    if parts.path in _ACTS:
        named = _named(query, parse_qs(parts.query).get("session", []))
        return _command("sessions", _ACTS[parts.path], named) if named else _LIST
    if parts.path == "/revoke-everyone":
        site = query.get("site", "")
        return _command("sessions", "revoke", ["--site", site] if site in SITES else ["--everyone"])
    if parts.path == "/rules":
        return f"shopforum sessions rule add {_INI} --ip ADDRESS --reason incident"
    path = parts.path.strip("/").split("/")
    if len(path) == 3 and parse_uuid(path[1]):
        if path[0] == "rules" and path[2] == "lift":
            return f"shopforum sessions rule lift {_INI} {path[1]}"
        if path[0] == "incidents" and path[2] == "contain":
            return f"shopforum sessions incident contain {_INI} {path[1]}"
    if path[0] == "tokens":
        return "shopforum token --help"
    return _LIST


def _named(query: dict[str, str], sessions: list[str]) -> list[str]:
    """Return the options that name the sessions of a query; empty where one of its values cannot be read."""
    if query.get("filter"):
        try:
            chosen = parse_query(query["filter"])
        except FilterError:
            return []
        given = ((name, text) for name, text in chosen.values().items() if text)
        return [part for name, text in given for part in (f"--{name.replace('_', '-')}", text)]
    if sessions:
        ids = [session for session in sessions[:20] if parse_uuid(session)]
        return (
            [part for session in ids for part in ("--session", session)] if len(ids) == len(sessions) else []
        )
    user, site = query.get("user", ""), query.get("site", "")
    named = ["--user", user] if parse_uuid(user) else []
    return [*named, "--site", site] if site in SITES else named


def _command(group: str, act: str, options: list[str]) -> str:
    words = [
        "shopforum",
        group,
        act,
        _INI,
        *(clean(option, 300) for option in options),
        "--reason",
        "incident",
    ]
    return shlex.join(words)
