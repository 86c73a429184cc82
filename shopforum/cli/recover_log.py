"""Read what a restored database has lost from a copy of the audit log, and apply it again.

A copy is a file of JSON lines: of `shopforum audit export`, of the console's export, of the API's events, or of the messages of
a webhook. Applied are: revocations whose receipt the database does not have, the lifting of deny rules that are in force
again, deny rules that are gone and would still be in force, and the revocation of API tokens that are valid again. Each can be
applied twice without harm.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shopforum.api_tokens import tokens
from shopforum.api_tokens.tokens import Actor
from shopforum.core.ids import parse_uuid
from shopforum.core.sites import SITES
from shopforum.operations import audit_queries, deny_rules
from shopforum.operations.deny_rules import DenyRuleRow
from shopforum.sessions import Reason, Rule, Scope, revocation
from shopforum.sessions.audit import Client
from shopforum.sessions.vocabulary import EndReason, EventName, InitiatingEntity

from .deployment import Deployment

# Bytes of a line that are read at most: a row that names 500 sessions and users has 40,000.
_LONGEST = 1_000_000


@dataclass(frozen=True)
class LogRow:
    """A row of a copy of the audit log, as far as it says what was done. `seq` is its number in the audit chain, 0 where the copy
    does not tell.
    """

    seq: int
    at: datetime
    event: str
    site: str
    user_id: UUID | None
    session_id: UUID | None
    revocation_id: UUID | None
    detail: Mapping[str, Any]

    @property
    def scope(self) -> Scope | None:
        """The scope of a revocation; None where the row does not name one. A filter's is the sessions that it names."""
        if self.revocation_id is None:
            return None
        site = self.site if self.site in SITES else None
        match self.detail.get("scope"):
            case "session" | "filter":
                ids = (*_ids(self.detail.get("sessions")),) or ((self.session_id,) if self.session_id else ())
                return Scope(sessions=ids) if ids else None
            case "user" if self.user_id:
                return Scope(user_id=self.user_id, site=site)
            case "site" if site:
                return Scope(site=site)
            case "everyone":
                return Scope(everyone=True)
        return None


@dataclass(frozen=True)
class Lost:
    """The acts that the database has lost. `unnamed` revocations ended more sessions than the copy names; `unreadable` lines of the file were
    no rows.
    """

    revocations: Sequence[LogRow] = ()
    lifted: Sequence[UUID] = ()
    added: Sequence[LogRow] = ()
    tokens: Sequence[UUID] = ()
    unnamed: int = 0
    unreadable: int = 0


@dataclass
class Applied:
    """The acts that were applied again, as numbers. `revocations` are the ids of the new receipts."""

    revocations: list[str] = field(default_factory=list)
    lifted: int = 0
    added: int = 0
    tokens: int = 0


def read(lines: Iterable[bytes]) -> tuple[list[LogRow], int]:
    """Return the rows of a copy in their order, and how many lines are no rows."""
    rows, unreadable = [], 0
    for line in lines:
        if not line.strip():
            continue
        row = _row(line) if len(line) <= _LONGEST else None
        if row is None:
            unreadable += 1
        else:
            rows.append(row)
    return rows, unreadable


def lost(found: Deployment, rows: Sequence[LogRow], unreadable: int) -> Lost:
    """Compare a copy of the audit log with the database. Changes nothing. Raises sqlalchemy.exc.DBAPIError."""
    ended = {row.revocation_id: row for row in rows if row.revocation_id and row.scope}
    known = audit_queries.known_revocations(found.read_db, [*ended])
    revocations = [row for id_, row in ended.items() if id_ not in known]
    unnamed = sum(
        row.detail.get("count", 0) > len(row.scope.sessions)
        for row in revocations
        if row.scope and row.scope.by_id
    )
    in_force = deny_rules.in_force(found.read_db)
    lifts = {_id(row.detail, "rule") for row in rows if row.event == EventName.DENY_RULE_LIFTED}
    token_ids = {_id(row.detail, "token") for row in rows if row.event == EventName.API_TOKEN_REVOKED}
    valid = {
        one.id
        for one in tokens.listed(found.read_db, found.sessions.config.secrets)
        if one.revoked_at is None
    }
    now = found.sessions.now()
    added = [
        row
        for row in rows
        if row.event == EventName.DENY_RULE_ADDED
        and _id(row.detail, "rule") not in lifts
        and (rule := _rule(row, now)) is not None
        and not any(_same(rule, one) for one in in_force)
    ]
    return Lost(
        revocations,
        [one.id for one in in_force if one.id in lifts],
        added,
        sorted(valid & token_ids),
        unnamed,
        unreadable,
    )


def apply(found: Deployment, todo: Lost, who: str, client: Client) -> Applied:
    """Apply what was lost. A revocation of a user, a site or everyone spares who has signed in after it.

    Raises sqlalchemy.exc.DBAPIError.
    """
    done, sessions = Applied(), found.sessions
    for row in todo.revocations:
        scope = row.scope
        if scope is None:
            continue
        by_id = scope.by_id
        id_ = revocation.revoke_and_tell(
            sessions.context,
            scope,
            _reason(row, who),
            client,
            before=None if by_id else row.at,
            # FusionAuth can only be told of all of a user or a site, later logins included.
            upstream=by_id,
            detail={"applied_again": row.seq, "revocation": str(row.revocation_id)},
        )
        done.revocations.append(str(id_))
    for rule_id in todo.lifted:
        done.lifted += sessions.lift_rule(rule_id, who, client, "Lifted again after a restore")
    now = sessions.now()
    for row in todo.added:
        rule = _rule(row, now)
        if rule is not None:
            sessions.add_rule(rule, _reason(row, who), client, detail={"applied_again": row.seq})
            done.added += 1
    for token_id in todo.tokens:
        done.tokens += tokens.revoke(sessions.db, Actor(who, client), token_id=token_id)
    return done


def _reason(row: LogRow, who: str) -> Reason:
    code = str(row.detail.get("reason") or EndReason.RESTORED)
    text = "Applied again after a restore" + (f", row {row.seq} of the audit log" if row.seq else "")
    return Reason(InitiatingEntity.ADMIN, who, code, text, str(row.detail.get("reason_user") or ""))


def _rule(row: LogRow, now: datetime) -> Rule | None:
    """Return the deny rule that a row has added, for the rest of its time; None where that is over, or the row names none."""
    seconds = row.detail.get("seconds")
    if not isinstance(seconds, int | float):
        return None
    left = (row.at + timedelta(seconds=seconds) - now).total_seconds()
    try:
        return Rule(
            left,
            user_id=_id(row.detail, "user_id"),
            site=row.site if row.site in SITES else None,
            network=row.detail.get("network"),
            device=str(row.detail.get("device") or ""),
        )
    except ValueError:
        return None


def _same(rule: Rule, there: DenyRuleRow) -> bool:
    one, other = rule, there.rule
    return (one.user_id, one.site, one.network, one.words) == (
        other.user_id,
        other.site,
        other.network,
        other.words,
    )


def _row(line: bytes) -> LogRow | None:
    """Read a line: a row of an export, an event of the API, or a message of a webhook."""
    try:
        found = json.loads(line)
        inner = found.get("data", found)
        subject = inner.get("sub_id") or {}
        at = datetime.fromisoformat(str(found.get("at") or found["timestamp"]))
        detail = inner.get("detail", inner)
        seq = inner.get("seq", found.get("id"))
        return LogRow(
            seq if isinstance(seq, int) else 0,
            at if at.tzinfo else at.replace(tzinfo=UTC),
            str(found.get("event") or found["type"]),
            str(inner.get("site", "")),
            parse_uuid(inner.get("user_id")) or _subject(subject, "user"),
            parse_uuid(inner.get("session_id")) or _subject(subject, "session"),
            parse_uuid(inner.get("revocation_id")),
            detail if isinstance(detail, dict) else {},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _subject(subject: Mapping[str, Any], name: str) -> UUID | None:
    part = subject.get(name)
    named = part.get("id") if isinstance(part, dict) else None
    return parse_uuid(named) if isinstance(named, str) else None


def _id(detail: Mapping[str, Any], name: str) -> UUID | None:
    value = detail.get(name)
    return parse_uuid(value) if isinstance(value, str) else None


def _ids(values: Any) -> Iterator[UUID]:
    for value in values if isinstance(values, list) else ():
        if isinstance(value, str) and (found := parse_uuid(value)):
            yield found
