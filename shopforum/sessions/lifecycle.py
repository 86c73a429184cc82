"""A session from login to its end: the rules, without SQL and without HTTP of their own.

The rule against stolen cookies is one: a request is signed in only by a session id and a refresh token that were
issued together. It is checked on every request. Session ids are replaced at every refresh and every few minutes in
between, in two phases: the old pair stays good until the browser has shown the new one, so that a response that got
lost costs nothing; a pair that was replaced and comes back has two holders, and the session ends.
docs/sessions.md tells it at length.
"""

import time
import uuid
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, RowMapping

from . import audit, outbox, records, revocation
from .audit import Client, Event
from .authority import Authority, AuthorityUnavailable, Refreshed, RefreshRefused
from .config import Config
from .database import Database
from .model import Login, Outcome, Pair, Session, SessionBusy
from .records import Credential
from .revocation import Reason, Scope
from .tokens import new_session_id


class Sessions:
    """The sessions of one site. Thread-safe; holds no state of any session."""

    def __init__(self, db: Database, config: Config, authority: Authority) -> None:
        self.db = db
        self.config = config
        self.authority = authority

    def now(self) -> Any:
        """The database's clock. To be read before the provider is asked for a login."""
        return records.now(self.db)

    def start(self, login: Login, client: Client, replaced: UUID | None = None) -> Outcome:
        """A new session with a new pair of credentials, whatever was presented (fixation, ASVS 5.0 7.2.4).

        `replaced` is the session this browser had until now; it ends in the same transaction. Raises ValueError
        where the site's sessions need a refresh token and the login brought none.
        """
        if self.config.renewable and not (login.refresh_token and login.refresh_token_id):
            raise ValueError("the provider issued no refresh token: is it enabled for this application?")
        pair = Pair(new_session_id(), login.refresh_token if self.config.renewable else None)
        values = {k: v for k, v in vars(login).items() if k != "refresh_token"} | {"roles": list(login.roles)}
        if not self.config.renewable:
            values["refresh_token_id"] = None
        with self.db.transaction() as connection:
            if replaced:
                why = Reason("user", login.user_email or str(login.user_id), "superseded")
                self._revoke(connection, Scope(sessions=(replaced,)), why, client)
            row = records.start(
                connection,
                site=self.config.site,
                idle=self.config.idle,
                absolute=self.config.absolute,
                **values,
                **vars(self._credential(pair)),
                **records.where(client),
            )
            audit.write(connection, self._event("session_created", client, row["id"], login.user_id, "user"))
            if row["ended_by"]:
                revocation.end_late(connection, row["ended_by"], row["id"])
            # ASVS 5.0 7.1.2: at the maximum, those that were idle longest make room.
            excess = records.excess(connection, login.user_id, self.config.site, self.config.max_per_user)
            if excess:
                why = Reason("policy", "session limit", "evicted")
                self._revoke(
                    connection, Scope(sessions=excess), why, client, event="excess_sessions_exceeded"
                )
        session = Session.of(
            {"id": row["id"], "site": self.config.site, "authenticated_ago": 0.0, **vars(login)}
        )
        return Outcome(session, issue=pair, max_age=row["remaining"])

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
            # Somebody else is refreshing. No connection and no lock is held while waiting (ASVS 5.0 15.4.3).
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
    ) -> UUID:
        """End what the scope holds, tell the provider at once if it answers, and return the revocation's id."""
        with self.db.transaction() as connection:
            revocation_id = self._revoke(
                connection, scope, reason, client, spare=spare, event=event, detail=detail
            )
        if scope.gate:
            revocation.mark(self.db, revocation_id, scope)
        outbox.deliver(self.db, self.authority, revocation_id)
        return revocation_id

    def logout(self, session: Session, client: Client) -> None:
        """End the session for its owner, here and at the provider."""
        reason = Reason("user", session.user_email or str(session.user_id), "logout")
        self.revoke(Scope(sessions=(session.id,)), reason, client, event="session_logout")

    def of_user(self, user_id: UUID) -> list[RowMapping]:
        """The user's live sessions on this site, last seen first, with their `state` (active or dormant)."""
        return records.of_user(self.db, user_id, self.config.site)

    def _resume_once(
        self, pair: Pair, client: Client, only: UUID | None, touch: bool, refresh: bool
    ) -> Outcome | None:
        """None means: somebody else is refreshing this session, look again."""
        row = self._find(pair, client, only, touch) if pair.session_id else None
        if row is None:
            if pair.refresh_token:
                self._note_lone_refresh_token(pair.refresh_token, client)
            return Outcome()
        if not row["paired"]:
            self._note(row, client, "session_without_refresh_token")
            return Outcome()
        if not row["live"]:
            if row["ended_by"]:
                self._note(row, client, "session_use_after_expire")
            reason = row["end_reason"] or ("revoked" if row["ended_by"] else "expired")
            return Outcome(ended=reason, ended_by=row["ended_by"])
        # A refresh that was repeated because its answer was slow: the browser may well show the first answer. Not so
        # for rotations: a thief who is always first, and waits for the owner to have another, would never be found.
        if row["standing"] == "spent" or (row["standing"] == "sibling" and client.agent != row["last_agent"]):
            return self._replayed(row, client)
        if only is not None and row["id"] != only:
            # The form belongs to another session: the caller refuses it, and this one is left untouched.
            return Outcome(Session.of(row))
        if not refresh:
            return Outcome(Session.of(row))
        return self._serve(row, pair, client, touch)

    def _serve(self, row: RowMapping, pair: Pair, client: Client, touch: bool) -> Outcome | None:
        """A good pair of a live session: promote, refresh or rotate what is due."""
        if row["standing"] == "next":
            records.promote(self.db, row, client)
        if not row["active"]:
            if not touch:
                raise SessionBusy("nobody waits for a prefetch: it refreshes nothing")
            return self._refresh(row, pair, client)
        if row["standing"] in ("current", "sibling") and touch:
            if row["response_lost"]:
                return self._repeat_refresh(row, pair, client)
            if row["rotation_due"]:
                return self._rotate(row, pair)
        return Outcome(Session.of(row))

    def _find(self, pair: Pair, client: Client, only: UUID | None, touch: bool) -> RowMapping | None:
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
            idle=self.config.idle,
            touch_every=self.config.touch_every,
            touch=touch,
            only=only,
            **records.where(client),
        )

    def _rotate(self, row: RowMapping, pair: Pair) -> Outcome:
        """Hand out a successor to the one tab that wins; the others are served as they are and set no cookie."""
        successor = Pair(new_session_id(), pair.refresh_token)
        if records.rotate(self.db, row, self._credential(successor)):
            return Outcome(Session.of(row), issue=successor, max_age=row["remaining"])
        return Outcome(Session.of(row))

    def _refresh(self, row: RowMapping, pair: Pair, client: Client) -> Outcome | None:
        """The session has idled out: ask the provider, once for however many tabs ask us."""
        if row["refresh_token_id"] is None or pair.refresh_token is None:
            return Outcome(ended="expired")
        lease = uuid.uuid4()
        if not records.claim(self.db, row, lease, self.config.lease):
            return None
        try:
            answer = self.authority.refresh(pair.refresh_token)
        except RefreshRefused:
            expired = self._event("session_expired", client, row["id"], row["user_id"], "idp")
            if records.expire(self.db, expired, lease, "refresh_refused"):
                return Outcome(ended="expired")
            # Too late: the lease has passed to another request, which may have used a one-time token up.
            return None
        except BaseException:
            # Whatever it was, it was not the token: the next request may try again at once.
            records.release(self.db, row["id"], lease)
            raise
        return self._renew(row, answer, lease, client)

    def _repeat_refresh(self, row: RowMapping, pair: Pair, client: Client) -> Outcome | None:
        """The browser still shows a one-time token that was exchanged a while ago: that response got lost.

        Within its own grace the provider answers with the newer token again. If it does not, the session goes on as
        it is; nobody is signed out for a lost response before the idle time-out. The lease is kept until it runs
        out, so that the provider is not asked by every request.
        """
        lease = uuid.uuid4()
        if pair.refresh_token is not None and records.claim(self.db, row, lease, self.config.lease):
            try:
                answer = self.authority.refresh(pair.refresh_token)
            except (RefreshRefused, AuthorityUnavailable):
                return Outcome(Session.of(row))
            return self._renew(row, answer, lease, client)
        return Outcome(Session.of(row))

    def _renew(self, row: RowMapping, answer: Refreshed, lease: UUID, client: Client) -> Outcome | None:
        """Take the provider's answer; None where the session was revoked meanwhile, or the lease ran out: look
        again, the row knows which.
        """
        if answer.user_id != row["user_id"] or answer.refresh_token_id not in (None, row["refresh_token_id"]):
            return self._mixed_up(row, client)
        successor = Pair(new_session_id(), answer.refresh_token)
        renewed = records.renew(
            self.db,
            self._event("session_renewed", client, row["id"], row["user_id"], "user"),
            self._credential(successor),
            id=row["id"],
            lease=lease,
            idle=self.config.idle,
            refresh_token_id=answer.refresh_token_id,
            roles=list(answer.roles) if answer.roles is not None else None,
        )
        if not renewed:
            return None
        roles = frozenset(answer.roles) if answer.roles is not None else None
        return Outcome(Session.of(row, roles), issue=successor, max_age=row["remaining"])

    def _replayed(self, row: RowMapping, client: Client) -> Outcome:
        """A replaced pair came back after its grace: two browsers hold this session, and one of them stole it."""
        reason = Reason("policy", "replay detection", "replayed")
        detail = {name: str(row[name] or "") for name in ("presented", "last_address", "last_agent")}
        scope = Scope(sessions=(row["id"],))
        revocation_id = self.revoke(scope, reason, client, event="authn_token_reuse", detail=detail)
        return Outcome(ended="replayed", ended_by=revocation_id)

    def _mixed_up(self, row: RowMapping, client: Client) -> Outcome:
        """The provider answered for somebody else: nothing it says can be trusted with this session."""
        reason = Reason("system", "refresh", "identity_mismatch")
        self.revoke(Scope(sessions=(row["id"],)), reason, client)
        return Outcome(ended="expired")

    def _note(self, row: RowMapping, client: Client, kind: str) -> None:
        records.flag(self.db, self._event(kind, client, row["id"], row["user_id"], "user"), kind)

    def _note_lone_refresh_token(self, refresh_token: str, client: Client) -> None:
        """A1: a refresh token without its session id. It is not sent to the provider; its owner is told apart."""
        row = records.by_refresh_token(
            self.db, self.config.secrets.digests(self.config.site, "refresh", refresh_token)
        )
        if row is not None:
            self._note(row, client, "refresh_without_session")

    def _revoke(
        self, connection: Connection, scope: Scope, reason: Reason, client: Client, **options: Any
    ) -> UUID:
        return revocation.revoke(connection, scope, reason, client, sites=self.config.sites, **options)

    def _credential(self, pair: Pair) -> Credential:
        digest, site = self.config.secrets.digest, self.config.site
        assert pair.session_id is not None  # noqa: S101 - only new pairs are stored, and they have one
        return Credential(
            digest(site, "session", pair.session_id),
            digest(site, "refresh", pair.refresh_token) if pair.refresh_token else None,
        )

    def _event(self, name: str, client: Client, session_id: UUID, user_id: UUID, entity: str) -> Event:
        return Event(
            name, self.config.site, client, initiating_entity=entity, session_id=session_id, user_id=user_id
        )
