"""Break-glass: while FusionAuth is away, a code of an admin's authenticator stands in for a fresh password on the console.

The authenticator is an app that makes time-based codes (TOTP, RFC 6238) of a secret that it shares with this application. A code
is good once, and only for a session that is signed in: it neither starts nor extends one. The caller makes sure that
FusionAuth is away. The database's clock gives the time step, and its rows decide each race.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Connection, text

from ..core.database import Database, ResultRow, once_more
from ..core.keyed import Keyed
from ..core.permissions import OWNERS
from ..core.sites import ADMIN
from ..mail import outgoing
from ..mail.outgoing import Letter
from ..sessions import Client, Session, audit, live
from ..sessions.audit import Event
from ..sessions.keyring import Keyring
from ..sessions.vocabulary import EventName, InitiatingEntity
from ..web.templating import plural

# Codes that may be tried one after the other; from then on each wrong one doubles the wait, from the first to the longest, in
# seconds. At most some hundred codes a month, of a million (NIST SP 800-63B-4, 3.2.2).
FREE_TRIES = 5
_FIRST_WAIT, _LONGEST_WAIT = 900, 86400
# A code of the step before or after counts, too: clocks differ, and typing takes time (RFC 6238, 5.2).
_STEPS_AROUND = 1
# Seconds in which a new secret has to be confirmed by a code.
SET_UP_WITHIN = 900
_PURPOSE = "authenticator"
_ISSUER = "shopforum console"

KEYED = (
    # It has no end of its own. The admin's next login at the console moves it to the newest key.
    Keyed(
        "authenticators of admins",
        "console_authenticators",
        "key_id",
        "now() + interval '1 year'",
        "have to be set up again",
    ),
)

# A pending secret is replaced, a confirmed one never: it has to be removed first. The count of tries stays, so that setting up
# again brings no further tries.
_BEGIN = text(
    """INSERT INTO console_authenticators AS a (user_id, user_name, user_email, roles, secret, key_id)
    VALUES (:user_id, :user_name, :user_email, :roles, :secret, :key_id)
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, key_id = excluded.key_id, created_at = clock_timestamp(),
      last_step = 0
    WHERE a.confirmed_at IS NULL RETURNING 1"""
)

_FIND = text("SELECT confirmed_at, key_id FROM console_authenticators WHERE user_id = :user_id")

# The try is counted before the code is compared: of many at once no more get through than one after the other.
_TAKE = text(
    """UPDATE console_authenticators a SET tries = a.tries + 1,
      blocked_until = clock_timestamp() + CASE WHEN a.tries + 1 < :free THEN interval '0'
        ELSE least(:longest, :first * power(2, least(a.tries + 1 - :free, 30))) * interval '1 second' END
    WHERE a.user_id = :user_id AND a.blocked_until <= clock_timestamp() AND (a.confirmed_at IS NOT NULL) = :confirmed
      AND (a.confirmed_at IS NOT NULL OR a.created_at > clock_timestamp() - :within * interval '1 second')
    RETURNING a.secret, a.key_id, extract(epoch FROM clock_timestamp())::bigint AS now"""
)

_WAIT = text(
    """SELECT ceil(extract(epoch FROM blocked_until - clock_timestamp()))::int AS seconds FROM console_authenticators
    WHERE user_id = :user_id AND blocked_until > clock_timestamp() AND (confirmed_at IS NOT NULL) = :confirmed"""
)

# Of two requests with the same code one changes the row; the other finds the step taken.
_ACCEPT = text(
    """UPDATE console_authenticators SET last_step = :step, tries = 0, blocked_until = clock_timestamp(),
      confirmed_at = coalesce(confirmed_at, clock_timestamp())
    WHERE user_id = :user_id AND secret = :secret AND last_step < :step RETURNING 1"""
)

_REMOVE = text(
    "DELETE FROM console_authenticators WHERE user_id = :user_id AND confirmed_at IS NOT NULL RETURNING 1"
)

_FRESHEN = text(
    f"""UPDATE sessions s SET code_given_at = clock_timestamp()
    WHERE s.id = :session_id AND s.user_id = :user_id AND s.site = '{ADMIN}' AND s.quarantined_at IS NULL AND {live.LIVE}
    RETURNING s.code_given_at"""
)

_OTHER_OWNERS = text(
    """SELECT user_id, user_name, user_email FROM console_authenticators
    WHERE confirmed_at IS NOT NULL AND roles && CAST(:owners AS text[]) AND user_id <> :user_id ORDER BY user_id LIMIT 50"""
)

_KNOWN = text(
    """UPDATE console_authenticators SET user_name = :user_name, user_email = :user_email, roles = :roles
    WHERE user_id = :user_id RETURNING secret, key_id"""
)

_MOVE = text(
    """UPDATE console_authenticators SET secret = :newest, key_id = :key_id
    WHERE user_id = :user_id AND secret = :secret"""
)


class CodeRefused(Exception):
    """The code is refused. `why` is for the audit log, the message for the person."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


class TooManyCodes(CodeRefused):
    """Too many codes were wrong. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        wait = plural(-(-retry_after // 60), "minute")
        super().__init__(
            "wait", f"Too many codes were wrong. Wait {wait}, then try again. The command line needs no code."
        )
        self.retry_after = retry_after


@dataclass(frozen=True)
class Enrolment:
    """A new secret, to be shown this once: in base32, as people type it, and as the address that apps open."""

    secret: str
    uri: str


@dataclass(frozen=True)
class Authenticator:
    """An admin's authenticator. `confirmed_at` is None until a first code was given; `usable` is False where its key is gone."""

    confirmed_at: datetime | None
    usable: bool


@dataclass(frozen=True)
class Recipient:
    """An owner who is told of a use."""

    user_id: UUID
    user_name: str
    user_email: str


def of(db: Database, keys: Keyring, user_id: UUID) -> Authenticator | None:
    """Return the admin's authenticator, or None."""
    row = db.one(_FIND, user_id=user_id)
    return None if row is None else Authenticator(row["confirmed_at"], row["key_id"] in keys.ids)


def is_ready(db: Database, keys: Keyring, user_id: UUID) -> bool:
    """Return whether the admin's codes can be checked."""
    found = of(db, keys, user_id)
    return found is not None and found.confirmed_at is not None and found.usable


def begin(db: Database, keys: Keyring, me: Session) -> Enrolment | None:
    """Store a new secret that a code has yet to confirm. None where the admin has a confirmed one, which has to be removed
    first.
    """
    secret = pyotp.random_base32()
    sealed = keys.encrypt(_PURPOSE, str(me.user_id), secret.encode())
    if not db.all(_BEGIN, **_person(me), secret=sealed, key_id=keys.id):
        return None
    uri = pyotp.TOTP(secret).provisioning_uri(name=me.actor, issuer_name=_ISSUER)
    return Enrolment(secret, uri)


def confirm(db: Database, keys: Keyring, me: Session, code: str, client: Client) -> None:
    """Confirm the new secret by a code of it. Raises CodeRefused."""
    row, step = _checked(db, keys, me, code, confirmed=False)
    _confirmed(db, me, row, step, _event(EventName.AUTHENTICATOR_SET_UP, me, client, {}))


@once_more
def remove(db: Database, me: Session, client: Client) -> bool:
    """Remove the admin's authenticator; False where there is none."""
    with db.transaction() as connection:
        if not connection.execute(_REMOVE, {"user_id": me.user_id}).first():
            return False
        audit.write(connection, _event(EventName.AUTHENTICATOR_REMOVED, me, client, {}))
        return True


def use(
    db: Database,
    keys: Keyring,
    me: Session,
    code: str,
    client: Client,
    letter: Callable[[Recipient, datetime], Letter] | None,
    detail: dict[str, Any],
) -> None:
    """Have a code stand in for a fresh password on the session of `me`.

    `letter` makes the mail to another owner with an authenticator, who is told of it; None where no mail can be sent. `detail` is
    added to the audit row. Raises CodeRefused. The audit log has each refusal, but for those that only had to wait.
    """
    try:
        row, step = _checked(db, keys, me, code, confirmed=True)
        _used(db, me, row, step, letter, _event(EventName.BREAK_GLASS_USED, me, client, detail))
    except TooManyCodes:
        raise
    except CodeRefused as refusal:
        refused = _event(EventName.BREAK_GLASS_REFUSED, me, client, detail | {"why": refusal.why})
        audit.append(db, refused)
        raise


def note_login(db: Database, keys: Keyring, me: Session) -> None:
    """Keep name, address and roles of an admin with an authenticator up to date, and its secret under the newest key."""
    row = db.one(_KNOWN, **_person(me))
    if row is None or row["key_id"] == keys.id:
        return
    plain = keys.decrypt(_PURPOSE, str(me.user_id), row["key_id"], bytes(row["secret"]))
    if plain is not None:
        newest = keys.encrypt(_PURPOSE, str(me.user_id), plain)
        db.all(_MOVE, user_id=me.user_id, secret=row["secret"], newest=newest, key_id=keys.id)


@once_more
def _confirmed(db: Database, me: Session, row: ResultRow, step: int, event: Event) -> None:
    with db.transaction() as connection:
        _accept(connection, me, row, step)
        audit.write(connection, event)


@once_more
def _used(
    db: Database,
    me: Session,
    row: ResultRow,
    step: int,
    letter: Callable[[Recipient, datetime], Letter] | None,
    event: Event,
) -> None:
    """Spend the code, freshen the session, and tell of it, or do nothing of all that. Raises CodeRefused."""
    with db.transaction() as connection:
        _accept(connection, me, row, step)
        freshened = connection.execute(_FRESHEN, {"session_id": me.id, "user_id": me.user_id}).first()
        if not freshened:
            raise CodeRefused("session_over", "Your session has ended. Nothing was changed.")
        audit.write(connection, event)
        if letter is not None:
            others = connection.execute(_OTHER_OWNERS, {"owners": sorted(OWNERS), "user_id": me.user_id})
            for other in others.mappings().all():
                outgoing.queue(connection, letter(Recipient(**other), freshened.code_given_at))


def _checked(
    db: Database, keys: Keyring, me: Session, code: str, *, confirmed: bool
) -> tuple[ResultRow, int]:
    """Count a try and compare the code, in constant time; returns the authenticator's row and the code's time step. Raises
    CodeRefused.
    """
    about = {"user_id": me.user_id, "confirmed": confirmed}
    row = db.one(
        _TAKE, **about, free=FREE_TRIES, first=_FIRST_WAIT, longest=_LONGEST_WAIT, within=SET_UP_WITHIN
    )
    if row is None:
        wait = db.one(_WAIT, **about)
        if wait is not None:
            raise TooManyCodes(max(1, wait["seconds"]))
        if confirmed:
            raise CodeRefused("not_set_up", "You have set up no authenticator.")
        raise CodeRefused("too_late", "This set-up is over. Begin again.")
    plain = keys.decrypt(_PURPOSE, str(me.user_id), row["key_id"], bytes(row["secret"]))
    if plain is None:
        raise CodeRefused(
            "key_gone",
            "Your authenticator cannot be read: its key was removed from shopforum.secret. Set up another.",
        )
    try:
        step = pyotp.TOTP(plain.decode()).verify_and_get_timecode(
            code, for_time=row["now"], valid_window=_STEPS_AROUND
        )
    except OTPVerificationError:
        raise CodeRefused("wrong", "This code is wrong. Enter the code that your app shows now.") from None
    return row, step


def _accept(connection: Connection, me: Session, row: ResultRow, step: int) -> None:
    """Spend the code's time step. Raises CodeRefused where it is spent."""
    values = {"user_id": me.user_id, "secret": row["secret"], "step": step}
    if not connection.execute(_ACCEPT, values).first():
        raise CodeRefused("used_before", "This code was used before. Wait until your app shows the next one.")


def _person(me: Session) -> dict[str, Any]:
    return {
        "user_id": me.user_id,
        "user_name": me.user_name,
        "user_email": me.user_email,
        "roles": sorted(me.roles),
    }


def _event(name: str, me: Session, client: Client, detail: dict[str, Any]) -> Event:
    return Event(
        name,
        ADMIN,
        client,
        initiating_entity=InitiatingEntity.ADMIN,
        actor=me.actor,
        user_id=me.user_id,
        session_id=me.id,
        detail=detail,
    )
