"""The rows that operators read, as frozen dataclasses: what the lists, the JSON documents and the exports show.

A field of `SessionRow` is a column of every list of sessions: the SELECT, the export and the JSON document take their
columns from it. Instants are in UTC; no row holds a hash or a token.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..core import user_agents
from ..sessions.audit import Client
from ..sessions.risk_signals import is_elsewhere
from ..sessions.vocabulary import BindingState, State


@dataclass(frozen=True)
class SessionRow:
    """A session in a list. `flags` are the kinds of its open flags, `places` counts where it was used from, `bound_at` says since
    when it is bound to its device.
    """

    id: UUID
    site: str
    state: State
    flags: list[str]
    user_id: UUID
    user_name: str
    user_email: str
    agent: str
    address: str | None
    last_agent: str
    last_address: str | None
    created_at: datetime
    authenticated_at: datetime
    last_seen_at: datetime
    idle_end: datetime
    absolute_end: datetime
    refresh_count: int
    refreshed_at: datetime | None
    quarantined_at: datetime | None
    quarantine_reason: str | None
    ended_at: datetime | None
    end_reason: str | None
    revocation_id: UUID | None
    places: int
    binding: BindingState
    bound_at: datetime | None

    @property
    def device(self) -> str:
        """The browser that was used last, by its name: `Firefox on Linux`."""
        return user_agents.label(self.last_agent or self.agent)

    @property
    def other_device(self) -> bool:
        """Return whether the browser that was used last is another than that of the login."""
        return self.device != user_agents.label(self.agent)

    @property
    def other_address(self) -> bool:
        """Return whether the address of the last use is another than that of the login."""
        return self.last_address not in (None, self.address)

    @property
    def live(self) -> bool:
        """Return whether the session can still be ended."""
        return self.state in (State.ACTIVE, State.DORMANT)

    @property
    def in_quarantine(self) -> bool:
        """Return whether the session waits for the password."""
        return self.quarantined_at is not None and self.ended_at is None


@dataclass(frozen=True)
class SessionDetail(SessionRow):
    """One session with the number of its head, the pair of credentials that holds now, and of the head's parent.

    `unshown`: pairs that were handed out since the head took over and that no browser has shown. `bindable_until`: until when
    its browser could bind it to its device; None where it was not asked to.
    """

    head: int
    head_parent: int
    unshown: int
    bindable_until: datetime | None


@dataclass(frozen=True)
class DeviceKey:
    """The key that a session is bound to: its algorithm, and how often and when last its device has proved to have it.

    `proven_until`: copied cookies work until then, and no longer. `skipped_…`: why the browser sent a request without a new proof
    when it last did (`SkipReason`), and when.
    """

    algorithm: str
    proofs: int
    last_proof_at: datetime
    proven_until: datetime | None
    skipped_reason: str | None
    skipped_at: datetime | None


@dataclass(frozen=True)
class Place:
    """An address and a browser from which a session was used."""

    address: str
    agent: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class Flag:
    """A counted reason to look at a session."""

    kind: str
    count: int
    first_at: datetime
    last_at: datetime
    last_address: str | None
    last_agent: str
    dismissed_at: datetime | None
    dismissed_by: str | None
    dismissed_reason: str | None


@dataclass(frozen=True)
class ActRow:
    """An act of a session: an `ActKind`, or an event of the audit log for an act at the console. `reference` names its object. The
    `signed_in_…` say from where the session's user signed in.
    """

    id: int
    at: datetime
    session_id: UUID
    user_id: UUID
    user_name: str
    site: str
    kind: str
    reference: str
    address: str | None
    agent: str
    signed_in_address: str | None
    signed_in_agent: str

    @property
    def elsewhere(self) -> bool:
        """Return whether the act came from elsewhere than the sign-in: from a second holder of the cookies, or a user who travels."""
        return is_elsewhere(self.signed_in_address, self.signed_in_agent, Client(self.address, self.agent))

    @property
    def device(self) -> str:
        """The browser by its name."""
        return user_agents.label(self.agent)


@dataclass(frozen=True)
class PairRow:
    """A pair of credentials that was handed out: its number, the pair it was given for (0 for the login's), why, and when.

    `asked_…`: from where it was asked for. `seen_…`: when and from where it was first shown. `replaced_at`: since when
    another pair holds in its place.
    """

    number: int
    parent: int
    why: str
    created_at: datetime
    asked_address: str | None
    asked_agent: str | None
    seen_at: datetime | None
    seen_address: str | None
    seen_agent: str | None
    replaced_at: datetime | None


@dataclass(frozen=True)
class AuditRow:
    """A row of the audit log without its seal. `seq` is its number in the chain, None until it is sealed."""

    seq: int | None
    id: int
    at: datetime
    event: str
    site: str
    initiating_entity: str
    actor: str
    user_id: UUID | None
    session_id: UUID | None
    revocation_id: UUID | None
    address: str | None
    agent: str
    request_id: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Revocation:
    """An act that ended sessions. `matched` counts them; `marked_at` is None while they are still marked as ended."""

    id: UUID
    created_at: datetime
    scope: str
    site: str | None
    user_id: UUID | None
    initiating_entity: str
    actor: str
    reason_code: str
    reason_admin: str
    reason_user: str
    typed: str
    matched: int
    marked_at: datetime | None

    @property
    def exact(self) -> bool:
        """Return whether `matched` is the whole number. The sessions of a site or of everyone are counted after they have ended;
        until then there are at least so many.
        """
        return self.scope not in ("site", "everyone") or self.marked_at is not None


@dataclass(frozen=True)
class Receipt(Revocation):
    """A revocation with what the identity provider has said to it: messages `confirmed`, `pending` (not sent yet, or
    being sent) and `failed` (tried without success so far). `user_name` is the name of one user whose session it ended.
    """

    confirmed: int
    pending: int
    failed: int
    confirmed_at: datetime | None
    user_name: str | None

    @property
    def revoked(self) -> int:
        """The number of sessions that have ended: all that matched."""
        return self.matched

    @property
    def unconfirmed(self) -> int:
        """The number of messages that the identity provider has not confirmed yet."""
        return self.pending + self.failed


@dataclass(frozen=True)
class Affected:
    """A person to notify, because revocations have ended `sessions` of theirs on the `sites`; `tell` is what to tell them."""

    user_id: UUID
    user_name: str
    user_email: str
    sites: str
    sessions: int
    first_sign_in: datetime
    last_seen_at: datetime
    ended_at: datetime
    tell: str


@dataclass(frozen=True)
class Message:
    """A message to the identity provider, and the instant of its confirmation (`done_at`)."""

    done_at: datetime | None
    attempts: int
    next_try_at: datetime
    last_error: str | None


@dataclass(frozen=True)
class OutboxRow(Message):
    """A message of a revocation: to revoke one refresh token, all of a user, or all of a site where neither is named."""

    site: str
    user_id: UUID | None
    refresh_token_id: UUID | None
    created_at: datetime
