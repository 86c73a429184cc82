"""Which sessions a command means: the console's filters as options, ids and their beginnings, users by name."""

import re
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy import func, select

from shopforum.core.ids import parse_uuid
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.core.sites import SITES
from shopforum.operations import id_lookup, labels
from shopforum.operations.filters import FilterError, SessionFilter
from shopforum.operations.session_queries import s
from shopforum.operations.targets import Target

from .deployment import NOTHING, Stop

_F = TypeVar("_F", bound=Callable[..., Any])
_ALONE = ("user", "site")

_OPTIONS = (
    click.option("--user", metavar="WHO", help="Name, e-mail address or id."),
    click.option("--site", type=click.Choice(SITES)),
    click.option("--state", type=click.Choice(labels.TABS)),
    click.option("--ip", metavar="BLOCK", help="An address or a block such as 192.0.2.0/24."),
    click.option("--device", metavar="WORDS", help="Such as 'Firefox Linux'."),
    click.option(
        "--flag", metavar="KIND", help="One of the console's flags, such as refresh_without_session."
    ),
    click.option(
        "--created-after", metavar="TIME", help="Signed in after; in UTC, such as 2026-11-23T18:00."
    ),
    click.option("--seen-before", metavar="TIME", help="Last seen before."),
)
NAMES = ("user", "site", "state", "ip", "device", "flag", "created_after", "seen_before")


def filtered(command: _F) -> _F:
    """Decorator: the console's filters as options, which the command takes as `**filters`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def as_filter(filters: dict[str, str | None]) -> SessionFilter:
    """The options as the console's filter. Raises click.UsageError for what makes no sense."""
    given = _given(filters)
    try:
        found = SessionFilter.parse(given)
    except FilterError as error:
        raise click.UsageError(str(error)) from None
    for name in found.blank(given):
        # `--user "$WHO"` with WHO unset would filter by nothing, and so end everybody's.
        raise click.UsageError(f"--{name.replace('_', '-')} is blank: leave it out, or say what it is.")
    return found


def _given(filters: dict[str, str | None]) -> dict[str, str]:
    """The options that were given. Raises click.UsageError for bytes that are no text."""
    given = {name: value for name, value in filters.items() if value is not None}
    if any("\ud800" <= character <= "\udfff" for value in given.values() for character in value):
        raise click.UsageError("A filter holds bytes that are no UTF-8.")
    return given


def target(
    db: ReadOnlyDatabase,
    sessions: tuple[str, ...],
    filters: dict[str, str | None],
    *,
    everyone: bool,
    by_gate: bool,
) -> Target:
    """What the options name, of which there must be one kind.

    A user or a site alone is ended by a gate, logins on their way included, where `by_gate` is true; whatever else is
    named by filters means the sessions that match now. Raises click.UsageError, Stop.
    """
    used = _given(filters)
    if bool(sessions) + bool(used) + everyone != 1:
        raise click.UsageError("Name sessions by --session, or by filters, or --everyone: one of these.")
    if sessions:
        return Target(sessions=tuple(dict.fromkeys(session_id(db, text) for text in sessions)))
    if everyone:
        return Target(everyone=True)
    chosen = as_filter(filters)
    if by_gate and set(used) <= set(_ALONE):
        return Target(user_id=user_id(db, used["user"]) if "user" in used else None, site=used.get("site"))
    return Target(filter=chosen.query())


def session_id(db: ReadOnlyDatabase, text: str) -> UUID:
    """The id that is spelled, or the one session whose id begins so (8 digits or more). Raises Stop."""
    found = parse_uuid(text)
    if found:
        return found
    if not re.fullmatch(r"[0-9a-f]{8,32}", text.replace("-", "").lower()):
        raise click.UsageError("A session is named by its id, or by the first 8 digits of it or more.")
    ids = id_lookup.beginning(db, s.c.id, text)
    if not ids:
        raise Stop("No session has an id that begins so.", NOTHING)
    if len(ids) > 1:
        raise Stop(f"More than one session has an id that begins so: {ids[0]}, {ids[1]}.", NOTHING)
    return ids[0]


def user_id(db: ReadOnlyDatabase, text: str) -> UUID:
    """The user whose id or whole e-mail address this is. Raises Stop where nobody, or more than one, is called so."""
    found = parse_uuid(text)
    known = s.c.user_id == found if found else func.lower(s.c.user_email) == text.lower()
    rows = db.all(select(s.c.user_id).where(known).distinct().limit(2))
    if len(rows) != 1:
        raise Stop(
            "To end all of a user's sessions, give the id or the whole e-mail address of somebody who has signed in.",
            NOTHING,
        )
    only: UUID = rows[0]["user_id"]
    return only
