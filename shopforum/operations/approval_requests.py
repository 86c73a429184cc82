"""Ask for the approval of an act that reaches far, and tell the owners of acts that go without one.

Two ways go without a second owner, for emergencies: a code of an authenticator while FusionAuth is away (`break_glass.py`), and
the command line. Each such act first leaves a row in the audit log, with mail to the owners; the dashboard shows it for a day.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB

from ..core.database import Database, once_more
from ..core.permissions import OWNERS
from ..core.read_only_database import ReadOnlyDatabase
from ..core.settings import read
from ..core.sites import ADMIN
from ..mail import outgoing
from ..mail.outgoing import Letter
from ..sessions import Client, Limit, TooFar, audit
from ..sessions import reach as session_reach
from ..sessions.audit import Event
from ..sessions.vocabulary import EventName, InitiatingEntity
from . import approval_letters, limits, plans, user_queries
from .approvals import EXPIRED, LIFE, Act, summary
from .settings import OperationsSettings

# Requests of one person within an hour: each is mailed to every other owner, who must not learn to approve without reading.
MOST = 20


class Waiting(Exception):
    """The act reaches too far for one person. It is stored and waits for a second owner; nothing else was changed."""

    def __init__(self, approval_id: UUID) -> None:
        super().__init__("This reaches far: a second owner has to approve it.")
        self.approval_id = approval_id


class TooManyRequests(Exception):
    """The person has asked for MOST approvals within the hour; nothing was stored. The text is for people."""

    def __init__(self) -> None:
        super().__init__(
            f"You have asked for {MOST} approvals within an hour. Nothing was changed: ask another owner to act, or wait."
        )


@dataclass(frozen=True)
class TwoPeople:
    """Two people for acts that reach far: whether a second owner is `required`, the console's address, and whether mail can be sent."""

    required: bool
    console: str
    mail: bool


def two_people(raw: Mapping[str, str], console: str) -> TwoPeople:
    """Read from the settings whether acts that reach far take two people. `console` is the console's address. Raises SettingsError."""
    return TwoPeople(read(OperationsSettings, raw).two_people, console, outgoing.parse(raw).on)


@dataclass(frozen=True)
class Asker:
    """The one who acts. `unlimited`: has the permission for whole sites. `user_id` is the person behind it, who may not approve: the
    admin, or the maker of the token; `own` the admin, whose own sessions do not count. `names` are the person's other names in the
    audit log: the acts of an hour add up over them all. `session_id` or `token_id`: the console session or API token of
    the request, which must still be valid when somebody approves. `alone` names the emergency way that needs no second
    owner, or is empty.
    """

    actor: str
    client: Client
    unlimited: bool
    user_id: UUID | None = None
    own: UUID | None = None
    names: frozenset[str] = frozenset()
    session_id: UUID | None = None
    token_id: UUID | None = None
    alone: str = ""


# An expired request makes room for the same request.
_EXPIRE = text(
    f"""UPDATE approvals SET decided_at = expires_at, outcome = '{EXPIRED}'
    WHERE digest = :digest AND decided_at IS NULL AND expires_at <= now()"""
)

_ASK = text(
    f"""INSERT INTO approvals (expires_at, kind, target, sessions, matched, people, exact, digest, actor, user_id, session_id, token_id, address,
      agent, request_id, reason_code, reason_admin, reason_user)
    VALUES (clock_timestamp() + interval '{LIFE} seconds', :kind, :target, CAST(:sessions AS uuid[]), :matched, :people, :exact,
      :digest, :actor, :user_id, :session_id, :token_id, CAST(:address AS inet), :agent, :request_id, :code, :admin, :user)
    ON CONFLICT (digest) WHERE decided_at IS NULL DO NOTHING RETURNING id"""
).bindparams(bindparam("target", type_=JSONB))

_ASKED_WITHIN_THE_HOUR = text(
    """SELECT count(*) FROM approvals WHERE actor = ANY (CAST(:actors AS text[]))
    AND created_at > clock_timestamp() - interval '1 hour'"""
)

_SAME = text("SELECT id FROM approvals WHERE digest = :digest AND decided_at IS NULL")


@contextmanager
def within(
    rules: TwoPeople, db: Database, read_db: ReadOnlyDatabase, asker: Asker, act: Act
) -> Iterator[Limit | None]:
    """Give the limit within which the act may be carried out at once.

    Raises Waiting, and stores the request, where a second owner has to approve: because of the act itself, or because it raises
    TooFar with what the actor has done within the hour. Raises TooManyRequests.
    """
    if not rules.required:
        yield limits.limit(unlimited=asker.unlimited, own=asker.own)
        return
    if not asker.unlimited:
        yield limits.limit(unlimited=False, own=asker.own, names=asker.names)
        return
    if asker.alone:
        if takes_two(db, asker, act):
            note_alone(rules, db, read_db, asker, act)
        yield None
        return
    if not act.crowd:
        try:
            yield limits.alone(asker.own, asker.names)
        except TooFar:
            # With what the actor has done within the hour.
            pass
        else:
            return
    raise Waiting(ask(rules, db, read_db, asker, act))


@once_more
def takes_two(db: Database, asker: Asker, act: Act) -> bool:
    """Return whether an act reaches too far for one person, by itself or with what the person has done within the hour."""
    if act.crowd:
        return True
    with db.transaction() as connection:
        before = session_reach.people_within_the_hour(connection, [asker.actor, *asker.names], asker.own)
    return before + act.people > limits.PEOPLE


def ask(rules: TwoPeople, db: Database, read_db: ReadOnlyDatabase, asker: Asker, act: Act) -> UUID:
    """Store a request and tell the other owners by mail; return its id. The same request that waits already is not stored again.

    Raises TooManyRequests.
    """
    letters = _letters(rules, read_db, asker, partial(approval_letters.asked, summary(act.kind, act.target)))
    return _ask(db, asker, act, letters)


def note_alone(rules: TwoPeople, db: Database, read_db: ReadOnlyDatabase, asker: Asker, act: Act) -> None:
    """Write down that somebody is about to act without a second owner, and tell the owners by mail."""
    what = summary(act.kind, act.target)
    letters = _letters(rules, read_db, asker, partial(approval_letters.alone, what, asker.alone))
    _note(db, _event(EventName.ACTED_ALONE, asker, {**_facts(act), "way": asker.alone}), letters)


@once_more
def _ask(db: Database, asker: Asker, act: Act, letters: list[Letter]) -> UUID:
    values = {
        "kind": act.kind,
        "target": act.target,
        "sessions": list(act.sessions),
        "matched": act.matched,
        "people": act.people,
        "exact": act.exact,
        "digest": _digest(asker, act),
        "actor": asker.actor,
        "user_id": asker.user_id,
        "session_id": asker.session_id,
        "token_id": asker.token_id,
        "address": asker.client.address,
        "agent": asker.client.agent,
        "request_id": asker.client.request_id,
        "code": act.reason.code,
        "admin": act.reason.admin,
        "user": act.reason.user,
    }
    with db.transaction() as connection:
        connection.execute(_EXPIRE, {"digest": values["digest"]})
        made: UUID | None = connection.execute(_ASK, values).scalar()
        if made is None:
            there: UUID = connection.execute(_SAME, {"digest": values["digest"]}).scalar_one()
            return there
        asked = {"actors": [asker.actor, *asker.names]}
        if connection.execute(_ASKED_WITHIN_THE_HOUR, asked).scalar_one() > MOST:
            raise TooManyRequests
        detail = {"approval": str(made), **_facts(act)}
        audit.write(connection, _event(EventName.APPROVAL_ASKED, asker, detail))
        for letter in letters:
            outgoing.queue(connection, letter)
    return made


@once_more
def _note(db: Database, event: Event, letters: list[Letter]) -> None:
    with db.transaction() as connection:
        audit.write(connection, event)
        for letter in letters:
            outgoing.queue(connection, letter)


def _letters(
    rules: TwoPeople,
    db: ReadOnlyDatabase,
    asker: Asker,
    write: Callable[[str, str, str, str], tuple[str, str, str]],
) -> list[Letter]:
    """Return the letters to the owners who were at the console lately, without the one who asks."""
    if not rules.mail:
        return []
    owners = [each for each in user_queries.holders(db, ADMIN, OWNERS) if each.user_id != asker.user_id]
    found = []
    for owner in owners:
        subject, plain, html = write(
            owner.user_name, asker.actor, asker.client.address or "unknown", rules.console
        )
        found.append(Letter(owner.user_email, subject, plain, html, ADMIN, owner.user_id))
    return found


def _event(name: str, asker: Asker, detail: dict[str, Any]) -> Event:
    return Event(
        name,
        ADMIN,
        asker.client,
        initiating_entity=InitiatingEntity.ADMIN,
        actor=asker.actor,
        user_id=asker.user_id,
        detail=detail,
    )


def _facts(act: Act) -> dict[str, Any]:
    """Return an act as the audit log has it."""
    return {
        "kind": act.kind,
        "typed": summary(act.kind, act.target),
        "count": act.matched,
        "people": act.people,
        "sessions": [str(one) for one in act.sessions[: audit.NAMED]],
        "reason": act.reason.code,
        "reason_admin": act.reason.admin,
    }


def _digest(asker: Asker, act: Act) -> str:
    """Return the SHA-256, in hex, of the act and its actor. Another session or token of the same name asks anew: what it asked for
    before may have to be refused.
    """
    who = [asker.actor, str(asker.session_id), str(asker.token_id)]
    content = [*who, act.kind, act.target, plans.digest(act.sessions), *vars(act.reason).values()]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
