"""The sessions that a command names: by the filters as options, ids or their first digits, users by name."""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click
from sqlalchemy import Column

from shopforum.core.ids import parse_uuid
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import id_lookup, labels, session_queries, user_queries
from shopforum.operations.filters import Criterion, FilterError, SessionFilter
from shopforum.operations.targets import Target

from .deployment import NOTHING, Stop

_F = TypeVar("_F", bound=Callable[..., Any])
# The filters that name all sessions of a user, of a site, or of a user on a site.
_ALONE = {"user", "site"}

NAMES = tuple(SessionFilter.criteria())

# The options that say why: a code and a note for admins, and a message to the users.
REASON = (
    click.option(
        "--reason",
        "code",
        type=click.Choice(list(labels.REASONS)),
        help="The reason, for the audit log; required without --dry-run.",
    ),
    click.option(
        "--text", "note", default="", metavar="TEXT", help="A note for admins: the ticket, the evidence."
    ),
)
YES = click.option("--yes", is_flag=True, help="Do not ask. Required without a terminal.")
USER_TEXT = click.option(
    "--user-text", default="", metavar="TEXT", help="A message to the users, shown on the login page."
)


def reasoned(command: _F) -> _F:
    """Decorate a command with the options REASON and USER_TEXT."""
    for option in (USER_TEXT, *reversed(REASON)):
        command = option(command)
    return command


def check_reason(options: dict[str, Any], *, needed: bool) -> None:
    """Raise click.UsageError for a missing reason that is needed, and for texts that are too long."""
    if options["code"] is None and needed:
        raise click.UsageError("--reason is missing: the audit log needs a reason.")
    if len(options["note"]) > 2000 or len(options.get("user_text", "")) > 500:
        raise click.UsageError("--text takes at most 2,000 characters, --user-text 500.")


def option_name(name: str) -> str:
    """Return the option of a filter's field: `--created-after` of `created_after`."""
    return f"--{name.replace('_', '-')}"


def _option(name: str, criterion: Criterion) -> Callable[[_F], _F]:
    values = [value for value, _ in criterion.choices]
    text = f"{criterion.label}. {criterion.hint}".strip(". ") + "."
    if values:
        return click.option(option_name(name), type=click.Choice(values), help=text)
    return click.option(option_name(name), metavar="TEXT", help=text)


def filtered(command: _F) -> _F:
    """Decorate a command with the filters of `SessionFilter` as options; the command takes them as `**filters`."""
    for name, criterion in reversed(SessionFilter.criteria().items()):
        command = _option(name, criterion)(command)
    return command


def as_filter(filters: dict[str, str | None]) -> SessionFilter:
    """Read the options as a filter. Raises click.UsageError for one that cannot be read."""
    given = _given(filters)
    try:
        found = SessionFilter.parse(given)
    except FilterError as error:
        raise click.UsageError(str(error)) from None
    for name in found.blank(given):
        # `--user "$WHO"` with WHO unset would filter by nothing, and so match every session.
        raise click.UsageError(f"{option_name(name)} is blank: give a value, or leave the option out.")
    return found


def _given(filters: dict[str, str | None]) -> dict[str, str]:
    """Return the options that were given. Raises click.UsageError for bytes that are not UTF-8."""
    given = {name: value for name, value in filters.items() if value is not None}
    if any("\ud800" <= character <= "\udfff" for value in given.values() for character in value):
        raise click.UsageError("A filter contains bytes that are not UTF-8.")
    return given


def target(
    db: ReadOnlyDatabase,
    sessions: tuple[str, ...],
    filters: dict[str, str | None],
    *,
    everyone: bool,
    by_gate: bool,
) -> Target:
    """Return the target that the options name: sessions, a filter or everyone, exactly one of these.

    With `by_gate`, a user or a site alone means all sessions of it, logins under way included; other filters mean the
    sessions that match now. Raises click.UsageError, Stop.
    """
    used = _given(filters)
    if bool(sessions) + bool(used) + everyone != 1:
        raise click.UsageError(
            "Name sessions by --session, by filters, or by --everyone: exactly one of these."
        )
    if sessions:
        return Target(sessions=tuple(dict.fromkeys(session_id(db, text) for text in sessions)))
    if everyone:
        return Target(everyone=True)
    chosen = as_filter(filters)
    if by_gate and set(used) <= _ALONE:
        return Target(user_id=user_id(db, used["user"]) if "user" in used else None, site=used.get("site"))
    return Target(filter=chosen.query())


def session_id(db: ReadOnlyDatabase, text: str) -> UUID:
    """Return the id of a session from the id or its first digits, 8 or more. Raises click.UsageError, Stop."""
    return whole_id(db, session_queries.ID, "session", text)


def whole_id(db: ReadOnlyDatabase, column: Column[Any], noun: str, text: str) -> UUID:
    """Return an id of a column from itself or from its first digits, 8 or more. Raises click.UsageError, Stop."""
    found = parse_uuid(text)
    if found:
        return found
    if not id_lookup.is_beginning(text):
        raise click.UsageError(f"Name the {noun} by its id, or by the first 8 digits of the id or more.")
    ids = id_lookup.beginning(db, column, text)
    if not ids:
        raise Stop(f"No {noun} has an id that begins so.", NOTHING)
    if len(ids) > 1:
        raise Stop(f"More than one {noun} has an id that begins so: {ids[0]}, {ids[1]}.", NOTHING)
    return ids[0]


def user_id(db: ReadOnlyDatabase, text: str) -> UUID:
    """Return the user whose id or whole e-mail address this is. Raises Stop where there is no such user, or more than one."""
    found = user_queries.named(db, text)
    if len(found) != 1:
        raise Stop(
            "To end all sessions of a user, give the id or the whole e-mail address of one user who has signed in.",
            NOTHING,
        )
    return found[0]
