"""`Sessions`: the sessions of one site, from the login to their end, as an application calls them.

It is a facade. Each method says what it does, what it returns and what it raises; the rules are in the modules it
calls: `new_session.py` for a login, `resume.py` for a request's cookies, `renewal.py` for a refresh, `revocation.py`
for an end. docs/sessions.md has the reasons.
"""

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from ..core.bulkhead import Bulkhead, Full
from ..core.database import Database
from . import (
    binding,
    deny_rules,
    flags,
    new_session,
    quarantine,
    records,
    revocation,
    unclaimed,
    user_sessions,
)
from .audit import Client, Event
from .authority import Authority
from .binding import Binding, Skipped
from .config import Config
from .context import SessionContext
from .deny_rules import Maker, NewRule, Rule
from .model import Login, LoginStart, Outcome, Pair, Reason, Session, SessionBusy
from .reach import Claim, Limit
from .resume import Presented, resume_once
from .rows import OwnSession, Unclaimed
from .scope import Scope
from .vocabulary import EndReason, EventName, FlagKind, InitiatingEntity

# Seconds between two looks at a session that another request is refreshing.
_LOOK_AGAIN = 0.03


class Sessions:
    """The sessions of one site. Thread-safe; holds no state of any session.

    Of the requests that come while another one refreshes their session, `sessions.most_waiting` wait for it.
    """

    def __init__(self, db: Database, config: Config, authority: Authority) -> None:
        self.context = SessionContext(db, config, authority)
        self._waiting = Bulkhead(config.most_waiting)

    @property
    def db(self) -> Database:
        """The database of the sessions."""
        return self.context.db

    @property
    def config(self) -> Config:
        """The site's settings."""
        return self.context.config

    @property
    def authority(self) -> Authority:
        """The identity provider."""
        return self.context.authority

    def now(self) -> datetime:
        """Return the database's clock, a UTC instant."""
        return records.now(self.db)

    def login_start(self) -> LoginStart:
        """Return the moment at which a login begins. Read it before the provider is asked."""
        return records.login_start(self.db)

    def start(
        self, login: Login, client: Client, replaced: UUID | None = None, login_form: bytes | None = None
    ) -> Outcome:
        """Start a session with a new pair of credentials, whatever pair was presented (fixation, ASVS 5.0 7.2.4).

        `replaced`: the session that this browser had until now; it ends in the same transaction. `login_form` stands
        for the browser as it was when it sent the form. Of several logins with the same, as by a double click, the one that
        was sent last stays; one that was sent before it and comes in later gets an outcome without a session. Raises ValueError where
        the site's sessions need a refresh token and the login has none, SignInBlocked where a deny rule refuses it.
        """
        return new_session.start(self.context, login, client, replaced, login_form)

    def resume(
        self,
        pair: Pair,
        client: Client,
        *,
        only: UUID | None = None,
        touch: bool = True,
        refresh: bool = True,
        end: bool = False,
        skipped: Sequence[Skipped] = (),
    ) -> Outcome:
        """Return the outcome of the presented cookies. One statement where nothing is due.

        `only`: the one session that the request's form was made for; another session is neither extended nor refreshed.
        `touch=False`: extend nothing, for a prefetch that nobody looks at. `refresh=False`: return a dormant session
        unrefreshed, for a page that only says who is signed in. `end=True`: return a live session as it is, withheld or
        not, for ending it. `skipped`: the browser's reasons for bound cookies that it has not renewed. Raises AuthorityUnavailable where the session has to be refreshed and cannot be now;
        the cookies are to be kept then.
        """
        presented = Presented(pair, client, only, touch, refresh, end, skipped)
        outcome = resume_once(self.context, presented)
        if outcome is not None:
            return outcome
        try:
            with self._waiting.place():
                return self._wait(presented)
        except Full:
            raise SessionBusy("too many requests wait for sessions that are being refreshed") from None

    def _wait(self, presented: Presented) -> Outcome:
        """Look at the session again until another request has refreshed it. Raises SessionBusy after `refresh_wait`."""
        deadline = time.monotonic() + self.config.refresh_wait
        while time.monotonic() < deadline:
            # No connection and no lock is held while waiting (ASVS 5.0 15.4.3).
            time.sleep(_LOOK_AGAIN)
            outcome = resume_once(self.context, presented)
            if outcome is not None:
                return outcome
        raise SessionBusy("another request is refreshing this session")

    def bind(self, pair: Pair, proof: str, audience: str, client: Client) -> Binding:
        """Bind the session of a pair to the key of the device that has signed the proof: once, and while it is new.

        `audience` is the address of the request. A refusal is an answer without a cookie; it changes nothing.
        """
        return binding.bind(self.context, pair, proof, audience, client)

    def renew_bound_cookie(
        self, identifier: str, pair: Pair, proof: str | None, audience: str, client: Client
    ) -> Binding:
        """Give a bound session's browser a new bound cookie for a proof, or a challenge to be signed. Two statements.

        `identifier` is the session's name at the browser, from the answer to `bind`. `pair` are the cookies beside it: where
        they belong to another session, no cookie is set. Extends nothing.
        """
        return binding.renew(self.context, identifier, pair, proof, audience, client)

    def revoke(
        self,
        scope: Scope,
        reason: Reason,
        client: Client,
        *,
        except_session: UUID | None = None,
        event: str = EventName.TOKEN_REVOKED,
        detail: dict[str, Any] | None = None,
        limit: Limit | None = None,
        claim: Claim | None = None,
    ) -> UUID:
        """End the scope's sessions, tell the provider at once if it answers, and return the revocation's id.

        `except_session`: a session that stays, the acting admin's own. Raises TooFar, and changes nothing, where the
        scope reaches further than `limit`. `claim` is called last, in the act's transaction, with the id of
        what was made: what it raises undoes the act.
        """
        return revocation.revoke_and_tell(
            self.context,
            scope,
            reason,
            client,
            except_session=except_session,
            event=event,
            detail=detail,
            limit=limit,
            claim=claim,
        )

    def revoke_all(
        self,
        scopes: Sequence[Scope],
        reason: Reason,
        client: Client,
        *,
        detail: dict[str, Any] | None = None,
        limit: Limit | None = None,
        claim: Claim | None = None,
    ) -> list[UUID]:
        """End the sessions of several scopes, all or none; return the revocations' ids. Raises TooFar, and changes nothing, where the
        scopes reach together further than `limit`. `claim` is called with the last one. The rest as in `revoke`.
        """
        return revocation.revoke_all_and_tell(
            self.context, scopes, reason, client, detail=detail, limit=limit, claim=claim
        )

    def logout(self, session: Session, client: Client) -> None:
        """End the session for its owner, here and at the provider."""
        reason = Reason(InitiatingEntity.USER, session.actor, EndReason.LOGOUT)
        self.revoke(Scope(sessions=(session.id,)), reason, client, event=EventName.SESSION_LOGOUT)

    def of_user(self, user_id: UUID) -> list[OwnSession]:
        """Return the user's live sessions on this site, last seen first."""
        return user_sessions.listed(self.db, user_id, self.config.site)

    def unclaimed(self, ids: Sequence[UUID]) -> list[Unclaimed]:
        """Return the successors of these sessions that were asked for from elsewhere and never shown, the latest first."""
        return unclaimed.of(self.db, ids, self.config.grace)

    def user_of_email(self, email: str) -> UUID | None:
        """Return the user who last signed in under an e-mail address, on whatever site; None where nobody has."""
        return user_sessions.user_of_email(self.db, email)

    def has_held(self, user_id: UUID, site: str, roles: Collection[str]) -> bool:
        """Return whether a stored session of the user on a site, live or not, has one of some roles."""
        return user_sessions.has_held(self.db, user_id, site, sorted(roles))

    def is_revoked_since(self, start: LoginStart, user_id: UUID | None) -> bool:
        """Return whether a login that began then would get a dead session: a revocation of everyone, the site or the
        user has come since. `user_id` is None where the user is not known.
        """
        return user_sessions.is_revoked_since(self.db, start, self.config.site, user_id)

    def is_distrusted_since(self, start: LoginStart, user_id: UUID) -> bool:
        """Return whether a signed proof in the user's browser from the time when a login began has lost its worth:
        sessions of the user were ended since, for another reason than a logout or a later login, or were put into
        quarantine.
        """
        return user_sessions.is_distrusted_since(self.db, start, self.config.site, user_id)

    def replace_id(self, session: Session) -> None:
        """Give the session a new id at its next request, as after a change of what it may do (ASVS 5.0 7.2.4)."""
        records.rotate_soon(self.db, session.id)

    def quarantine(
        self,
        ids: Sequence[UUID],
        reason: Reason,
        client: Client,
        limit: Limit | None = None,
        detail: dict[str, Any] | None = None,
        claim: Claim | None = None,
    ) -> int:
        """Ask for the password before anything more is served on these sessions; returns for how many that is new.

        Raises TooFar, and changes nothing, where the ids reach further than `limit`. `detail` is added to the audit row. `claim` as in
        `revoke`.
        """
        return quarantine.enter(self.db, ids, reason, client, limit, detail, claim)

    def release(
        self,
        ids: Sequence[UUID],
        reason: Reason,
        client: Client,
        limit: Limit | None = None,
        detail: dict[str, Any] | None = None,
        claim: Claim | None = None,
    ) -> int:
        """Release sessions from quarantine; returns how many were in it. Raises TooFar as `quarantine` does."""
        return quarantine.leave(self.db, ids, reason, client, limit, detail, claim)

    def add_rule(
        self,
        rule: Rule,
        reason: Reason,
        client: Client,
        revocation_id: UUID | None = None,
        maker: Session | Maker | None = None,
        reached: Sequence[UUID] = (),
        limit: Limit | None = None,
        detail: dict[str, Any] | None = None,
        claim: Claim | None = None,
    ) -> UUID:
        """Refuse the logins and sessions that match the rule from now on; returns the rule's id. It ends nothing: see `revoke`.

        `reached` are the sessions that the rule refuses now. The rest as in `add_rules`.
        """
        new = NewRule(rule, tuple(reached))
        [rule_id] = self.add_rules(
            [new], reason, client, revocation_id, maker, limit=limit, detail=detail, claim=claim
        )
        return rule_id

    def add_rules(
        self,
        rules: Sequence[NewRule],
        reason: Reason,
        client: Client,
        revocation_id: UUID | None = None,
        maker: Session | Maker | None = None,
        *,
        limit: Limit | None = None,
        detail: dict[str, Any] | None = None,
        already: Callable[[Connection, Rule], UUID | None] | None = None,
        claim: Claim | None = None,
    ) -> list[UUID]:
        """Put all of the rules into force, or none; returns the rules' ids.

        `maker` is the session of the admin who makes the rule, or the maker of the program that does: raises ShutOut
        where a deny rule would refuse it.
        Raises TooFar where the sessions that a rule refuses now are beyond `limit`. `detail` is added to the audit rows. `already`
        returns a rule that makes one of these needless (`deny_rules.add`). `claim` as in `revoke`.
        """
        who = None if maker is None else Maker(maker.user_id, maker.site)
        return deny_rules.add(
            self.db,
            rules,
            reason,
            client,
            revocation_id,
            who,
            limit=limit,
            more=detail,
            already=already,
            claim=claim,
        )

    def lift_rule(self, rule_id: UUID, actor: str, client: Client, note: str = "") -> bool:
        """Lift a deny rule before its time; False where it was not in force any more."""
        return deny_rules.lift(self.db, rule_id, actor, client, note)

    def dismiss_flag(self, session_id: UUID, kind: str, reason: str, actor: str, client: Client) -> bool:
        """Dismiss a flag as looked at; False where the session has no such flag, or it is dismissed already."""
        return flags.dismiss(self.db, session_id, kind, reason, actor, client)

    def dismiss_flags(
        self, session_ids: Sequence[UUID], kind: str, reason: str, actor: str, client: Client
    ) -> int:
        """Dismiss the flags of one kind of several sessions as looked at; returns how many."""
        return flags.dismiss_many(self.db, session_ids, kind, reason, actor, client, self.config.site)

    def report(self, session_id: UUID, owner: Session, client: Client) -> None:
        """Flag a session that its owner has reported as somebody else's. `owner` is a session of the same user."""
        event = Event(
            FlagKind.SESSION_REPORTED,
            self.config.site,
            client,
            initiating_entity=InitiatingEntity.USER,
            actor=owner.user_email,
            user_id=owner.user_id,
            session_id=session_id,
        )
        flags.note(self.db, event)

    def refuses(self, client: Client, user_id: UUID | None = None) -> bool:
        """Return whether a deny rule refuses every login of this client, or that of the user where one is named. Ask
        before a password is checked.
        """
        rule_id = deny_rules.refused(self.db, self.config.site, client, user_id)
        if rule_id is not None:
            deny_rules.hit(self.db, rule_id)
        return rule_id is not None
