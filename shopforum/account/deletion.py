"""The deletion of an account: asked for by its owner, and carried out by the worker two weeks later.

Asking ends every session of the user on all sites, in the transaction that stores the wish; FusionAuth is told by the
outbox. From then on each login of the user ends at a page that offers to keep the account (deletion_undo.py). When the time
is over, the worker erases the user's rows (`core/personal.py`), and then deletes the user at FusionAuth. Both may be
repeated, and are until they are done: FusionAuth's absence delays the second alone.

A wish is undone only while the worker has not begun: both lock the row, so one of the two wins.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Connection, text

from ..core import personal
from ..core.database import Database, once_more
from ..core.permissions import CONSOLE_ROLES
from ..core.personal import UserData
from ..core.queue import Queue
from ..core.rows import build
from ..core.sites import ADMIN
from ..mail import outgoing
from ..mail.outgoing import Letter, MailSettings
from ..sessions import AuthorityUnavailable, Reason, Scope, audit, client_of
from ..sessions.audit import Client, Event
from ..sessions.vocabulary import EndReason, EventName, InitiatingEntity
from ..web.request import Request
from ..web.services import Services
from . import letters

# Days in which the owner can keep the account (docs/decisions.md).
DAYS = 14

log = structlog.get_logger("shopforum")

_ASK = text(
    """INSERT INTO account_deletions (user_id, site, user_name, user_email, due_at, next_try_at)
    SELECT :user_id, :site, :name, :email, d.at, d.at
    FROM (SELECT clock_timestamp() + :days * interval '1 day' AS at) d
    ON CONFLICT (user_id) WHERE done_at IS NULL DO NOTHING RETURNING due_at"""
)
_LATEST = text(
    """SELECT due_at, begun_at IS NULL AS can_be_undone, done_at IS NOT NULL AS done FROM account_deletions
    WHERE user_id = :user_id ORDER BY id DESC LIMIT 1"""
)
_UNDO = text(
    """DELETE FROM account_deletions WHERE user_id = :user_id AND begun_at IS NULL AND done_at IS NULL
    RETURNING user_name, user_email"""
)

# The lease outlasts the erasure of all but the largest accounts; two workers on one account do it twice, which is harmless.
_QUEUE = Queue(
    "account_deletions",
    lease=300,
    first_wait=10,
    longest_wait=3600,
    pending="done_at IS NULL",
    on_claim=("begun_at = coalesce(begun_at, clock_timestamp())",),
    # The name and the address are used for the last time.
    finish="""UPDATE account_deletions d SET done_at = clock_timestamp(), user_name = '', user_email = '', last_error = NULL
      WHERE id = :id AND attempts = :attempts AND done_at IS NULL RETURNING 1""",
)


class AskedAlready(Exception):
    """The deletion was asked for before, and is under way. Nothing was changed."""


@dataclass(frozen=True)
class Deletion:
    """A deletion: when it is due, whether the owner can still keep the account, and whether all is done."""

    due_at: datetime
    can_be_undone: bool
    done: bool


@dataclass(frozen=True)
class _Due:
    """A deletion that the worker has claimed."""

    id: int
    user_id: UUID
    user_name: str
    user_email: str
    attempts: int


def is_admin(request: Request) -> bool:
    """Return whether the signed-in user has a role of the console, whose deletion could leave it without an owner.

    Roles are FusionAuth's. While it is away, a console session that is still stored counts as a role.
    """
    user_id = request.me.user_id
    try:
        return not CONSOLE_ROLES.isdisjoint(request.idp.roles_on(ADMIN, user_id))
    except AuthorityUnavailable:
        return request.sessions.has_held(user_id, ADMIN, CONSOLE_ROLES)


def ask(request: Request) -> None:
    """Store the signed-in user's wish, and end all of the user's sessions, on all sites. Raises AskedAlready."""
    me, site, mail = request.me, request.site, request.services.get(MailSettings)
    client = client_of(request)

    def store(connection: Connection, _revocation_id: UUID | None) -> None:
        values = {"user_id": me.user_id, "site": site.name, "name": me.user_name, "email": me.user_email}
        due_at: datetime | None = connection.execute(_ASK, {**values, "days": DAYS}).scalar()
        if due_at is None:
            raise AskedAlready
        event = _event(EventName.USER_DELETION_ASKED, me.user_id, site.name, client, me.actor)
        audit.write(connection, event)
        _write(
            connection, mail, letters.deletion_asked(me.user_email, me.user_name, site, due_at, me.user_id)
        )

    reason = Reason(InitiatingEntity.USER, me.actor, EndReason.DELETION_ASKED)
    request.sessions.revoke(Scope(user_id=me.user_id), reason, client, claim=store)


def latest(db: Database, user_id: UUID) -> Deletion | None:
    """Return the newest deletion of the user's account that was not undone, or None. One statement."""
    row = db.one(_LATEST, user_id=user_id)
    return build(Deletion, row) if row else None


@once_more
def undo(request: Request, user_id: UUID) -> bool:
    """Keep the account after all. Return False if no deletion is under way, or the worker has begun it."""
    site, client, mail = request.site, client_of(request), request.services.get(MailSettings)
    with request.db.transaction() as connection:
        row = connection.execute(_UNDO, {"user_id": user_id}).first()
        if row is None:
            return False
        actor = row.user_email or str(user_id)
        audit.write(connection, _event(EventName.USER_DELETION_UNDONE, user_id, site.name, client, actor))
        _write(connection, mail, letters.deletion_undone(row.user_email, row.user_name, site, user_id))
    return True


def run_once(services: Services) -> int:
    """Carry out one deletion that is due; return how many were tried. Safe to run in several processes at once."""
    rows = _QUEUE.claim(services.db, 1)
    for row in rows:
        due = build(_Due, row)
        accounts = services.sessions.config.secrets.account_digests(due.user_email)
        # The sites' own databases first: what they leave for the sessions' is then either gone or there.
        for database in services.databases.all:
            personal.erase(database, services.get(UserData), due.user_id, accounts)
        try:
            # No connection is held: FusionAuth tells the console of it before it answers.
            services.idp.delete_user(due.user_id)
        except AuthorityUnavailable as error:
            log.warning(
                "account.not_deleted", user_id=str(due.user_id), attempts=due.attempts, why=str(error)
            )
            _QUEUE.failed(services.db, row, str(error))
        else:
            _finish(services, due)
    return len(rows)


@once_more
def _finish(services: Services, due: _Due) -> None:
    mail = services.get(MailSettings)
    with services.db.transaction() as connection:
        claim = {"id": due.id, "attempts": due.attempts}
        if connection.execute(_QUEUE.finish_statement, claim).first() is None:
            return
        event = Event(EventName.USER_DELETED, "all", Client(), InitiatingEntity.SYSTEM, user_id=due.user_id)
        audit.write(connection, event)
        _write(connection, mail, letters.deleted(due.user_email, due.user_name))


def _write(connection: Connection, mail: MailSettings, letter: Letter) -> None:
    """Queue a letter, where mail is sent and the user has an address."""
    if mail.on and letter.recipient:
        outgoing.queue(connection, letter)


def _event(name: EventName, user_id: UUID, site: str, client: Client, actor: str) -> Event:
    return Event(name, site, client, InitiatingEntity.USER, actor, user_id)
