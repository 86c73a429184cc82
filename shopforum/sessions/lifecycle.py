"""A session from login to its end: the rules, without SQL and without HTTP of their own.

The rule against stolen cookies is one: a request is signed in only by a session id and a refresh token that were
issued together. It is checked on every request. Session ids are replaced at every refresh and every few minutes in
between, in two phases: the old pair stays good until the browser has shown the new one, so that a response that got
lost costs nothing; a pair that was replaced and comes back has two holders, and the session ends.
docs/sessions.md tells it at length; `renewal.py` is what happens when a session has idled out.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError

from ..core.database import Database
from . import (
    deny_rules,
    flags,
    gate_sweep,
    new_session,
    outbox,
    quarantine,
    records,
    renewal,
    revocation,
    risk_signals,
    unmatched_cookies,
    user_sessions,
)
from .audit import Client, Event
from .authority import Authority
from .config import Config
from .deny_rules import Rule
from .keyring import new_session_id
from .model import Login, Outcome, Pair, Reason, Session, SessionBusy
from .reach import Limit
from .records import Credential
from .revocation import Scope

log = logging.getLogger(__name__)


class Sessions:
    """The sessions of one site. Thread-safe; holds no state of any session."""

    def __init__(self, db: Database, config: Config, authority: Authority) -> None:
        self.db = db
        self.config = config
        self.authority = authority

    def now(self) -> Any:
        """The database's clock. To be read before the provider is asked for a login."""
        return records.now(self.db)

    def start(
        self, login: Login, client: Client, replaced: UUID | None = None, login_form: bytes | None = None
    ) -> Outcome:
        """A new session with a new pair of credentials, whatever was presented (fixation, ASVS 5.0 7.2.4).

        `replaced` is the session this browser had until now; it ends in the same transaction. `login_form` stands for
        the form that was sent: of several logins by one form, as by a double click, the one that was sent last stays,
        and an earlier one that comes in later gets an outcome without a session. Raises ValueError where the site's
        sessions need a refresh token and the login brought none, SignInBlocked where a standing rule refuses the login.
        """
        return new_session.start(self, login, client, replaced, login_form)

    def resume(
        self,
        pair: Pair,
        client: Client,
        *,
        only: UUID | None = None,
        touch: bool = True,
        refresh: bool = True,
    ) -> Outcome:
        """What the presented cookies amount to now: one statement where nothing is due.

        `only`, if given, is the one session that the request's form was made for: another is neither extended nor
        refreshed. `touch` is False for what nobody looks at, a prefetch; `refresh` is False for who only wants to end
        it, and is then given a dormant session as it is. Raises AuthorityUnavailable where the
        session has to be refreshed and cannot be just now; cookies are to be kept then.
        """
        deadline = time.monotonic() + self.config.refresh_wait
        while True:
            outcome = self._resume_once(pair, client, only, touch, refresh)
            if outcome is not None:
                return outcome
            # No connection and no lock is held while waiting (ASVS 5.0 15.4.3).
            if time.monotonic() >= deadline:
                raise SessionBusy("another request is refreshing this session")
            time.sleep(0.03)

    def revoke(
        self,
        scope: Scope,
        reason: Reason,
        client: Client,
        *,
        spare: UUID | None = None,
        event: str = "authn_token_revoked",
        detail: dict[str, Any] | None = None,
        limit: Limit | None = None,
    ) -> UUID:
        """End what the scope holds, tell the provider at once if it answers, and return the revocation's id.

        Raises TooFar, and changes nothing, where that reaches further than `limit`.
        """
        revocation_id = revocation.commit(
            self.db,
            scope,
            reason,
            client,
            sites=self.config.sites,
            spare=spare,
            event=event,
            detail=detail,
            limit=limit,
        )
        if scope.gate:
            self._mark(revocation_id, scope)
        outbox.deliver(self.db, self.authority, revocation_id)
        return revocation_id

    def _mark(self, revocation_id: UUID, scope: Scope) -> None:
        """The first step of marking, for the receipt. The act holds: what takes too long is the worker's, and no error."""
        try:
            if scope.wide:
                gate_sweep.sweep(self.db)
            else:
                gate_sweep.mark(self.db, revocation_id, scope)
        except DBAPIError:
            log.warning("sessions behind a gate could not be marked yet", exc_info=True)

    def logout(self, session: Session, client: Client) -> None:
        """End the session for its owner, here and at the provider."""
        reason = Reason("user", session.actor, "logout")
        self.revoke(Scope(sessions=(session.id,)), reason, client, event="session_logout")

    def of_user(self, user_id: UUID) -> list[RowMapping]:
        """The user's live sessions on this site, last seen first, with their `state` (active or dormant)."""
        return user_sessions.listed(self.db, user_id, self.config.site)

    def replace_id(self, session: Session) -> None:
        """Give the session a new id at its next request, as after a change of what it is worth (ASVS 5.0 7.2.4)."""
        records.rotate_soon(self.db, session.id)

    def quarantine(
        self, ids: Sequence[UUID], reason: Reason, client: Client, limit: Limit | None = None
    ) -> int:
        """Ask for the password before anything more is served on these sessions; returns how many it is new for.

        Raises TooFar, and changes nothing, where that reaches further than `limit`.
        """
        return quarantine.enter(self.db, ids, reason, client, limit)

    def release(self, ids: Sequence[UUID], reason: Reason, client: Client, limit: Limit | None = None) -> int:
        """Let sessions out of quarantine; returns how many were in it. Raises TooFar as `quarantine` does."""
        return quarantine.leave(self.db, ids, reason, client, limit)

    def add_rule(
        self,
        rule: Rule,
        reason: Reason,
        client: Client,
        revocation_id: UUID | None = None,
        maker: Session | None = None,
        reached: Sequence[UUID] = (),
        limit: Limit | None = None,
    ) -> UUID:
        """Refuse what matches the rule from now on; returns the rule's id. Ends nothing: see `revoke`.

        Raises ShutOut where `maker`, the session of the admin who makes it, would be refused, and TooFar where `reached`,
        the sessions that the rule refuses now, are beyond `limit`.
        """
        who = None if maker is None else (maker.user_id, maker.site)
        return deny_rules.add(self.db, rule, reason, client, revocation_id, who, reached=reached, limit=limit)

    def lift_rule(self, rule_id: UUID, actor: str, client: Client, note: str = "") -> bool:
        """End a rule before its time; False where it was over."""
        return deny_rules.lift(self.db, rule_id, actor, client, note)

    def dismiss_flag(self, session_id: UUID, kind: str, reason: str, actor: str, client: Client) -> bool:
        """Say that a flag was looked at; False where there is none, or it was dismissed already."""
        return flags.dismiss(self.db, session_id, kind, reason, actor, client)

    def refuses(self, client: Client) -> bool:
        """Whether a standing rule refuses every login of this client, to be asked before a password is checked."""
        rule_id = deny_rules.refused(self.db, self.config.site, client)
        if rule_id is not None:
            deny_rules.hit(self.db, rule_id)
        return rule_id is not None

    def note(self, row: RowMapping, client: Client, kind: str) -> None:
        """Count a suspicious use of a session."""
        flags.note(self.db, self.event(kind, client, row["id"], row["user_id"], "user"))

    def credential(self, pair: Pair) -> Credential:
        """What is stored of a new pair."""
        digest, site = self.config.secrets.digest, self.config.site
        assert pair.session_id is not None  # noqa: S101 - only new pairs are stored, and they have one
        return Credential(
            digest(site, "session", pair.session_id),
            digest(site, "refresh", pair.refresh_token) if pair.refresh_token else None,
        )

    def event(self, name: str, client: Client, session_id: UUID, user_id: UUID, entity: str) -> Event:
        """An audit row about a session of this site."""
        return Event(
            name, self.config.site, client, initiating_entity=entity, session_id=session_id, user_id=user_id
        )

    def _resume_once(
        self, pair: Pair, client: Client, only: UUID | None, touch: bool, refresh: bool
    ) -> Outcome | None:
        """None means: look again. Somebody else is refreshing this session, or the provider was asked meanwhile."""
        row = self._find(pair, client, only, touch) if pair.session_id else None
        if row is None:
            if pair.session_id or pair.refresh_token:
                unmatched_cookies.note(self, pair, client)
            return Outcome()
        if not row["paired"]:
            self.note(row, client, "session_without_refresh_token")
            unmatched_cookies.note_refresh_token(self, pair, client, beside=row["id"])
            return Outcome()
        outcome = self._judge(row, pair, client, only, touch, refresh)
        return outcome and replace(outcome, presented=row["id"])

    def _judge(
        self, row: RowMapping, pair: Pair, client: Client, only: UUID | None, touch: bool, refresh: bool
    ) -> Outcome | None:
        """What follows for a pair that was issued together."""
        if not row["live"]:
            if row["ended_by"]:
                self.note(row, client, "session_use_after_expire")
            reason = row["end_reason"] or ("revoked" if row["ended_by"] else "expired")
            return Outcome(ended=reason, ended_by=row["ended_by"])
        # A refresh that was repeated because its answer was slow: the browser may well show the first answer. Not so
        # for rotations: a thief who is always first, and waits for the owner to have another, would never be found.
        if row["standing"] == "spent" or (row["standing"] == "sibling" and client.agent != row["last_agent"]):
            return self._replayed(row, client)
        foreign = only is not None and row["id"] != only
        if foreign and refresh and (row["rule_id"] or row["quarantined_at"]):
            return Outcome(ended="blocked" if row["rule_id"] else "quarantined", held=row["id"])
        if foreign or not refresh:
            # Only to be ended; or the form belongs to another session: the caller refuses it, and this one is left
            # untouched.
            return Outcome(Session.of(row))
        held = self._held_back(row, client)
        if held is None and self._is_elsewhere(row, client):
            self._find(pair, client, only, touch, judged=True)
        return held or self._serve(row, pair, client, touch)

    def _held_back(self, row: RowMapping, client: Client) -> Outcome | None:
        """A live session that is not served just now, though nothing ends it."""
        if row["rule_id"]:
            deny_rules.hit(self.db, row["rule_id"])
            self.note(row, client, "session_blocked")
            return Outcome(ended="blocked", held=row["id"])
        if row["quarantined_at"] is None and not self._suspicious(row, client):
            return None
        return Outcome(ended="quarantined", held=row["id"])

    def _is_elsewhere(self, row: RowMapping, client: Client) -> bool:
        """Whether the request is the first from its place, where signals are acted upon: only after they were looked
        at may the place count as the session's. Of many requests sent at once, the later ones would show none.
        """
        place = (client.address, client.agent)
        return self.config.risk == "enforce" and (row["last_address"], row["last_agent"]) != place

    def _suspicious(self, row: RowMapping, client: Client) -> bool:
        """Note the risk signals of a request; True where they have put the session into quarantine."""
        if self.config.risk == "off":
            return False
        found = [name for name in risk_signals.signals(row, client) if name in self.config.risk_signals]
        for name in found:
            self.note(row, client, name)
        if not found or self.config.risk == "monitor":
            return False
        reason = Reason("policy", "risk signals", found[0])
        quarantine.enter(self.db, [row["id"]], reason, client)
        return True

    def _serve(self, row: RowMapping, pair: Pair, client: Client, touch: bool) -> Outcome | None:
        """A good pair of a live session: promote, refresh or rotate what is due."""
        if row["standing"] == "next":
            records.promote(self.db, row, client)
        if not row["active"]:
            if not touch:
                raise SessionBusy("nobody waits for a prefetch: it refreshes nothing")
            return renewal.refresh(self, row, pair, client)
        if row["roles_due"] and renewal.read_roles(self, row, client):
            return None
        if row["standing"] in ("current", "sibling") and touch:
            if row["response_lost"]:
                return renewal.repeat(self, row, pair, client)
            if row["rotation_due"]:
                return self._rotate(row, pair)
        return Outcome(Session.of(row))

    def _find(
        self, pair: Pair, client: Client, only: UUID | None, touch: bool, *, judged: bool = False
    ) -> RowMapping | None:
        digests, site = self.config.secrets.digests, self.config.site
        assert pair.session_id is not None  # noqa: S101 - checked by the caller
        return records.find(
            self.db,
            session_hashes=digests(site, "session", pair.session_id),
            refresh_hashes=digests(site, "refresh", pair.refresh_token) if pair.refresh_token else [],
            site=site,
            grace=self.config.grace,
            lost_after=self.config.lost_after,
            rotate_every=self.config.rotate_every,
            roles_every=self.config.roles_every,
            idle=self.config.idle,
            touch_every=self.config.touch_every,
            at_once=risk_signals.AT_ONCE,
            network=risk_signals.network(client.address),
            touch=touch,
            move=judged or self.config.risk != "enforce",
            only=only,
            **records.where(client),
        )

    def _rotate(self, row: RowMapping, pair: Pair) -> Outcome:
        """Hand out a successor to the one tab that wins; the others are served as they are and set no cookie."""
        successor = Pair(new_session_id(), pair.refresh_token)
        if records.rotate(self.db, row, self.credential(successor)):
            return Outcome(Session.of(row), issue=successor, max_age=row["remaining"])
        return Outcome(Session.of(row))

    def _replayed(self, row: RowMapping, client: Client) -> Outcome:
        """A replaced pair came back after its grace: two browsers hold this session, and one of them stole it."""
        reason = Reason("policy", "replay detection", "replayed")
        detail = {name: str(row[name] or "") for name in ("presented", "last_address", "last_agent")}
        scope = Scope(sessions=(row["id"],))
        revocation_id = self.revoke(scope, reason, client, event="authn_token_reuse", detail=detail)
        return Outcome(ended="replayed", ended_by=revocation_id)
