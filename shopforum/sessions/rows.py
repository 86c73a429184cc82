"""The rows that the session core's statements return, as frozen dataclasses: one for each kind of look at a session."""

import math
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from .authority import Refreshed
from .model import Session
from .rotation import Facts, Timing, after_take_over


@dataclass(frozen=True)
class FoundSession:
    """A session and the presented pair, as a session id found them.

    `paired`: the refresh token belongs to the session id. `live` and `active` are as live.py defines them; `ended_by` is the
    revocation or the gate that ended the session, `rule_id` the deny rule that refuses it. From `head` to `replaced_age`
    stand the facts of rotation.py. `token_outdated`, `touch_due`, `roles_due` say what is due;
    `was_here`: in the client's network a moment ago, and in another since. `bound`: to a key of a device; `with_key`: the request brings a bound cookie of that device;
    `unbindable`: the browser could have bound it, and has not. `ends_in`, to the absolute end, `authenticated_ago` and `confirmed_ago` are in seconds.
    """

    id: UUID
    site: str
    user_id: UUID
    user_name: str
    user_email: str
    roles: list[str]
    refresh_token_id: UUID | None
    agent: str
    last_address: str | None
    last_agent: str
    end_reason: str | None
    quarantined_at: datetime | None
    quarantine_reason: str | None
    new_sign_in: UUID | None
    head: int
    head_parent: int
    issued: int
    unshown: int
    number: int
    parent: int
    seen: bool
    head_age: float
    head_used_for: float
    due_in: float
    replaced_age: float | None
    paired: bool
    live: bool
    ended_by: UUID | None
    active: bool
    token_outdated: bool
    touch_due: bool
    was_here: bool
    roles_due: bool
    bound: bool
    with_key: bool
    unbindable: bool
    rule_id: UUID | None
    ends_in: int
    authenticated_ago: float
    confirmed_ago: float

    def facts(self, *, elsewhere: bool = False) -> Facts:
        """Return the facts that the rules of rotation go by; `elsewhere` as there."""
        return Facts(
            self.head,
            self.head_parent,
            self.head_age,
            self.head_used_for,
            self.due_in,
            self.unshown,
            self.active,
            self.number,
            self.parent,
            self.seen,
            self.replaced_age,
            elsewhere,
        )

    def taken_over(self, timing: Timing) -> "FoundSession":
        """Return the session once the presented pair has become its head."""
        after = after_take_over(self.facts(), timing)
        return replace(
            self,
            head=after.head,
            head_parent=after.head_parent,
            head_age=after.head_age,
            head_used_for=after.head_used_for,
            due_in=after.due_in,
            unshown=after.unshown,
            seen=after.seen,
            replaced_age=after.replaced_age,
            token_outdated=False,
            touch_due=False,
        )

    def session(self, news: Refreshed | None = None) -> Session:
        """Return the session for views. `news`: the provider's answer, whose roles, name and address replace the stored ones.

        A pair that was replaced is served for a moment, but never with the rights of a fresh password: a copy of it would
        sign the owner's other devices out.
        """
        roles, name, email = (news.roles, news.name, news.email) if news else (None, None, None)
        return Session(
            id=self.id,
            site=self.site,
            user_id=self.user_id,
            user_name=self.user_name if name is None else name,
            user_email=self.user_email if email is None else email,
            roles=frozenset(self.roles if roles is None else roles),
            authenticated_ago=self.authenticated_ago if self.number == self.head else math.inf,
            confirmed_ago=self.confirmed_ago if self.number == self.head else math.inf,
            ends_in=float(self.ends_in),
            new_sign_in=self.new_sign_in,
        )


@dataclass(frozen=True)
class StartedSession:
    """A session that was just inserted. `ends_in`: seconds until its absolute end. `ended_by`: the revocation that
    closed a gate while the password was checked, if one did. `rule_id`: the deny rule that refuses the login, if any.
    """

    id: UUID
    ends_in: int
    ended_by: UUID | None
    rule_id: UUID | None


@dataclass(frozen=True)
class RenewedSession:
    """A session that was just refreshed. `withheld` is a `Withheld` where no page may be served by now, else None."""

    withheld: str | None


@dataclass(frozen=True)
class BoundSession:
    """A bound session with its key, DER of the public half. `elsewhere`: the request also brings another session's id."""

    id: UUID
    user_id: UUID
    algorithm: str
    public_key: bytes
    live: bool
    elsewhere: bool


@dataclass(frozen=True)
class SessionOwner:
    """A session by its id, with the user and the site it belongs to."""

    id: UUID
    user_id: UUID
    site: str


@dataclass(frozen=True)
class OwnSession:
    """A live session as its owner's device list shows it. `state` is active or dormant (`State`); `bound_at` says since when it
    works on its device only.
    """

    id: UUID
    state: str
    agent: str
    address: str | None
    last_agent: str
    last_address: str | None
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    absolute_end: datetime
    quarantined_at: datetime | None
    bound_at: datetime | None


@dataclass(frozen=True)
class Unclaimed:
    """Successors of a session that were asked for from an address and a browser elsewhere, and never shown."""

    session_id: UUID
    address: str | None
    agent: str
    times: int
    last_at: datetime


@dataclass(frozen=True)
class FormLogin:
    """A live session. `later`: the login that began it was sent later than the one that is being judged."""

    id: UUID
    later: bool
