"""Drift: where the live sessions here and the refresh tokens at FusionAuth do not agree, by a lost webhook or a lost message.

FusionAuth lists tokens by user alone. So the users with sessions that are not over by time are read page by page, and FusionAuth is
asked for each, a few at a time and with no connection to the database held. Each disagreement is checked a second time,
because a login, a refresh or a revocation may have come meanwhile.

A user about whom FusionAuth gives no proper answer, while it answers a question about nobody, is left out, and named: one broken
account does not hold up all others.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import text

from ..core.read_only_database import ReadOnlyDatabase
from ..idp import FusionAuth
from ..idp.token_answers import IssuedTokens
from ..sessions import AuthorityUnavailable, live
from ..sessions.vocabulary import State

# Before the first user.
FIRST = UUID(int=0)
# Users of one page, and calls of FusionAuth at the same time.
_PAGE = 100
_AT_ONCE = 4
# A login has its token a moment before its session.
_LOGIN = timedelta(minutes=5)

_USERS = text(
    f"""SELECT DISTINCT s.user_id FROM sessions s WHERE s.user_id > :after AND {live.IN_TIME}
    AND {live.REFRESHABLE} ORDER BY s.user_id LIMIT {_PAGE}"""
)

_SESSIONS = text(
    f"""SELECT s.id, s.user_id, s.site, s.refresh_token_id, {live.STATE} AS state, EXISTS (
      SELECT 1 FROM revocation_outbox o WHERE o.done_at IS NULL AND (o.refresh_token_id = s.refresh_token_id
        OR (o.refresh_token_id IS NULL AND o.site = s.site AND (o.user_id IS NULL OR o.user_id = s.user_id)))) AS pending
    FROM sessions s WHERE s.user_id = ANY (CAST(:users AS uuid[])) AND {live.REFRESHABLE}"""
)

_NOW = text("SELECT clock_timestamp() AS now")


class DriftKind(StrEnum):
    """The kinds of disagreement between a session and a refresh token."""

    TOKEN_GONE = "token_gone"  # noqa: S105 - the name of a kind
    TOKEN_LEFT = "token_left"  # noqa: S105 - the name of a kind
    TOKEN_UNKNOWN = "token_unknown"  # noqa: S105 - the name of a kind


MEANINGS = {
    DriftKind.TOKEN_GONE: "The session is live here, and FusionAuth has no such token: its user was deleted, or it was revoked "
    "there and the webhook was lost. Its next refresh is refused. End it now:",
    DriftKind.TOKEN_LEFT: "The session was revoked here, and FusionAuth still has its token, although nothing waits to be told. Here "
    "it opens nothing. Revoke it at FusionAuth:",
    DriftKind.TOKEN_UNKNOWN: "FusionAuth has a token for which there never was a session, or none any more: another program logs "
    "in to this application, or a login broke off. Revoke it at FusionAuth, unless you know whose it is:",
}


@dataclass(frozen=True)
class Drift:
    """One disagreement. `session_id` is None for a token without a session."""

    kind: DriftKind
    site: str
    user_id: UUID
    token_id: UUID
    session_id: UUID | None

    def remedy(self, ini: str) -> str:
        """Return the command, or the call of FusionAuth, that ends it."""
        if self.kind == DriftKind.TOKEN_GONE:
            return f"shopforum sessions revoke {ini} --session {self.session_id} --reason incident"
        return f"DELETE /api/jwt/refresh/{self.token_id}"


@dataclass(frozen=True)
class Page:
    """The drift of the next users: how many `users` were compared, which were `left_out`, and the `last` of them all, None where
    there is no further page.
    """

    found: list[Drift]
    users: int
    left_out: list[UUID]
    last: UUID | None


def find(db: ReadOnlyDatabase, idp: FusionAuth) -> Iterator[Page]:
    """Find the drift of all users, in the order of their ids. Raises AuthorityUnavailable, sqlalchemy.exc.DBAPIError."""
    after: UUID | None = FIRST
    while after is not None:
        found = page(db, idp, after)
        yield found
        after = found.last


def page(db: ReadOnlyDatabase, idp: FusionAuth, after: UUID) -> Page:
    """Find the drift of the next users after one, FIRST for the first page. Raises as `find` does."""
    users = [row["user_id"] for row in db.all(_USERS, after=after)]
    if not users:
        return Page([], 0, [], None)
    first, left_out = _look(db, idp, users)
    again, left_out_again = _look(db, idp, sorted({one.user_id for one in first})) if first else ([], [])
    unanswered = [*left_out, *left_out_again]
    last = users[-1] if len(users) == _PAGE else None
    return Page([one for one in first if one in again], len(users) - len(unanswered), unanswered, last)


def _look(db: ReadOnlyDatabase, idp: FusionAuth, users: Sequence[UUID]) -> tuple[list[Drift], list[UUID]]:
    """Compare once; return the drift, and the users about whom FusionAuth gave no answer. FusionAuth is asked first, then the
    database.
    """
    began: datetime = db.only(_NOW)["now"]
    listed, left_out = _listed(idp, users)
    found, known = [], set()
    for row in db.all(_SESSIONS, users=list(listed)):
        known.add(row["refresh_token_id"])
        there = {token.id for token in listed[row["user_id"]].tokens}
        has_token = row["refresh_token_id"] in there
        is_live = row["state"] in (State.ACTIVE, State.DORMANT)
        about = (row["site"], row["user_id"], row["refresh_token_id"], row["id"])
        if is_live and not has_token and listed[row["user_id"]].complete:
            found.append(Drift(DriftKind.TOKEN_GONE, *about))
        if has_token and row["state"] == State.REVOKED and not row["pending"]:
            found.append(Drift(DriftKind.TOKEN_LEFT, *about))
    for user_id, issued in listed.items():
        for token in issued.tokens:
            site = idp.site_of(token.application_id)
            if site and token.id not in known and token.issued_at < began - _LOGIN:
                found.append(Drift(DriftKind.TOKEN_UNKNOWN, site, user_id, token.id, None))
    return sorted(found, key=lambda one: (one.user_id, one.kind, one.token_id)), left_out


def _listed(idp: FusionAuth, users: Sequence[UUID]) -> tuple[dict[UUID, IssuedTokens], list[UUID]]:
    """Ask FusionAuth for the tokens of users, and for a second time about those that it gave no answer for; return the tokens by user,
    and the users without an answer. Raises AuthorityUnavailable where FusionAuth does not even answer for nobody.
    """
    listed: dict[UUID, IssuedTokens] = {}
    left = list(users)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in range(2):
            answers = dict(zip(left, pool.map(lambda user_id: _tokens(idp, user_id), left), strict=True))
            listed |= {user_id: tokens for user_id, tokens in answers.items() if tokens is not None}
            left = [user_id for user_id, tokens in answers.items() if tokens is None]
            if not left:
                break
            idp.refresh_tokens(uuid4())
    return listed, left


def _tokens(idp: FusionAuth, user_id: UUID) -> IssuedTokens | None:
    try:
        return idp.refresh_tokens(user_id)
    except AuthorityUnavailable:
        return None
