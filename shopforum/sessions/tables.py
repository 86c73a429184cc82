"""The tables of the session core, on a MetaData of their own: a host application adds it to its alembic targets.

Nothing here can be used to sign in: credentials are stored as keyed hashes (`keyring.py`), refresh tokens not at all.
All instants are the database's. The columns that a page view changes (`last_seen_at`, `idle_end`) are in no index, so
that the update stays heap-only (docs/sessions.md, "What it costs"). The comments of the
columns are in the database, too, where psql shows them.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, CIDR, INET, JSONB, UUID

from ..core.tables import NAMING_CONVENTION

metadata = MetaData(naming_convention=NAMING_CONVENTION)

Instant = DateTime(timezone=True)


def _now(comment: str | None = None) -> Column:  # type: ignore[type-arg]
    """Return a column `created_at` that the database's clock fills in."""
    return Column(
        "created_at", Instant, nullable=False, server_default=func.clock_timestamp(), comment=comment
    )


# One row is one sign-in of one user in one browser, from the password to the end. A refresh or a rotation gives it a new
# pair of credentials, never a new row.
sessions = Table(
    "sessions",
    metadata,
    Column(
        "id",
        UUID,
        primary_key=True,
        server_default=func.gen_random_uuid(),
        comment="Public handle; opens nothing.",
    ),
    Column("site", Text, nullable=False, comment="The only site that serves the session."),
    Column("user_id", UUID, nullable=False, comment="The user, by the identity provider's id."),
    Column("user_name", Text, nullable=False, comment="The user's name, as the provider last gave it."),
    Column(
        "user_email",
        Text,
        nullable=False,
        server_default="",
        comment="The user's address, as the provider last gave it.",
    ),
    Column(
        "roles",
        ARRAY(Text),
        nullable=False,
        comment="The user's roles on the site, as the provider last gave them.",
    ),
    Column(
        "refresh_token_id",
        UUID,
        comment="The provider's id of the refresh token. Not a secret: it revokes, it cannot refresh.",
    ),
    _now("When the session was written."),
    Column(
        "authenticated_at",
        Instant,
        nullable=False,
        comment="When the password was given. A refresh never moves it (NIST SP 800-63B-4, 5.2).",
    ),
    Column(
        "code_given_at",
        Instant,
        comment="When a code of the admin's authenticator last stood in for a fresh password, on the console alone. It extends nothing.",
    ),
    Column(
        "epoch",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="The newest revocation that the session came after: gates with a larger number end it. Read before the password is checked; an excepted session gets the number of the revocation.",
    ),
    Column("absolute_end", Instant, nullable=False, comment="When the session is over, whatever its use."),
    Column(
        "idle_end",
        Instant,
        nullable=False,
        comment="When the session idles out: dormant with a refresh token, expired without one. Each use moves it.",
    ),
    Column("last_seen_at", Instant, nullable=False, comment="The last use, written once a minute at most."),
    Column("address", INET, comment="The client's address at the login."),
    Column("agent", Text, nullable=False, server_default="", comment="The user agent at the login."),
    Column("last_address", INET, comment="The client's address at the last use."),
    Column("last_agent", Text, nullable=False, server_default="", comment="The user agent at the last use."),
    Column(
        "head",
        Integer,
        nullable=False,
        server_default="1",
        comment="The number of the pair that holds now (rotation.py).",
    ),
    Column(
        "head_parent",
        Integer,
        nullable=False,
        server_default="0",
        comment="The pair that the head was given for; 0 for the login's.",
    ),
    Column(
        "head_since",
        Instant,
        nullable=False,
        server_default=func.clock_timestamp(),
        comment="When the head took over.",
    ),
    Column("issued", Integer, nullable=False, server_default="1", comment="The number of the newest pair."),
    Column(
        "unshown",
        Integer,
        nullable=False,
        server_default="0",
        comment="Successors issued since the head took over, none of them shown yet.",
    ),
    Column(
        "due_at",
        Instant,
        nullable=False,
        server_default=func.clock_timestamp(),
        comment="When the next successor may be issued.",
    ),
    Column("refreshed_at", Instant, comment="The last refresh at the provider."),
    Column("refresh_count", Integer, nullable=False, server_default="0", comment="The number of refreshes."),
    Column("lease", UUID, comment="The refresh in flight: its request asks the provider, the others wait."),
    Column("lease_until", Instant, comment="When the lease expires."),
    Column(
        "roles_read_at",
        Instant,
        nullable=False,
        server_default=func.clock_timestamp(),
        comment="When the provider was last asked for the roles (`sessions.roles_every`).",
    ),
    Column(
        "login_form",
        LargeBinary,
        comment="A keyed hash of what the browser held when it sent the login form: of several sent at once one leaves a session.",
    ),
    Column(
        "new_sign_in",
        UUID,
        comment="A sign-in of the same user with a new browser that the owner has not been asked about yet.",
    ),
    Column(
        "quarantined_at", Instant, comment="Since when nothing is served before the password is given again."
    ),
    Column("quarantine_reason", Text, comment="The code of the reason for the quarantine."),
    Column(
        "bindable_until",
        Instant,
        comment="Until when the browser may bind the session to a key of its device; NULL where it was not asked to.",
    ),
    Column("bound_at", Instant, comment="Since when the session is bound. A bound session stays bound."),
    Column(
        "ended_at",
        Instant,
        comment="When the session was ended; NULL for a live one, for one that only timed out, and for one behind a gate until the gate sweep.",
    ),
    Column("end_reason", Text, comment="Why it was ended: `EndReason` in vocabulary.py."),
    Column("revocation_id", UUID, comment="The revocation that ended it."),
    CheckConstraint("(quarantined_at IS NULL) = (quarantine_reason IS NULL)", name="quarantined_with_reason"),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended_with_reason"),
    CheckConstraint("head_parent < head AND head <= issued AND unshown >= 0", name="pairs_in_order"),
    CheckConstraint("idle_end <= absolute_end", name="idle_within_absolute"),
    # Lists show the newest sign-in first, mostly of sessions that have not ended.
    Index("ix_sessions_created_at_id", "created_at", "id"),
    Index("ix_sessions_live", "created_at", "id", postgresql_where=text("ended_at IS NULL")),
    Index("ix_sessions_user_id_created_at_id", "user_id", "created_at", "id"),
    Index("ix_sessions_site_created_at_id", "site", "created_at", "id"),
    # Filters of the console. `last_agent` changes only when the browser does.
    Index("ix_sessions_agent", "agent"),
    Index("ix_sessions_last_agent", "last_agent"),
    Index("ix_sessions_revocation_id", "revocation_id", postgresql_where=text("revocation_id IS NOT NULL")),
    Index("ix_sessions_absolute_end", "absolute_end"),
    # Sessions that a gate may have ended and that are not marked yet (gate_sweep.py).
    Index("ix_sessions_unended", "absolute_end", postgresql_where=text("ended_at IS NULL")),
    Index("ix_sessions_unended_of_site", "site", "absolute_end", postgresql_where=text("ended_at IS NULL")),
    Index("ix_sessions_quarantined", "created_at", "id", postgresql_where=text("quarantined_at IS NOT NULL")),
    Index("ix_sessions_bound", "created_at", "id", postgresql_where=text("bound_at IS NOT NULL")),
    postgresql_with={"fillfactor": "80"},
)

for name in ("user_email", "user_name"):
    Index(
        f"ix_sessions_{name}",
        func.lower(sessions.c[name]).label("lowered"),
        postgresql_ops={"lowered": "text_pattern_ops"},
    )

# Every pair of credentials ever handed out, one row each, until the session is purged. The rows reveal a replay of a spent
# pair, from where each was asked for, and from where it was first shown. `parent` is the number of the pair that it was
# given for, 0 for the login's; `replaced_at` is when another pair took over from it.
credentials = Table(
    "session_credentials",
    metadata,
    Column("session_hash", LargeBinary, primary_key=True, comment="Keyed hash of the session id."),
    Column(
        "session_id",
        UUID,
        ForeignKey("sessions.id", ondelete="CASCADE"),
        nullable=False,
        comment="The session.",
    ),
    Column("number", Integer, nullable=False, comment="The number of the pair within its session."),
    Column(
        "parent",
        Integer,
        nullable=False,
        comment="The number of the pair that it was given for; 0 for the login's.",
    ),
    Column("refresh_hash", LargeBinary, comment="Keyed hash of the refresh token."),
    Column(
        "key_id",
        Text,
        comment="The key that made both hashes (`Keyring.ids`). NULL in rows from before keys had ids.",
    ),
    Column("why", Text, nullable=False, comment="Why the pair was issued: login, rotation or refresh."),
    _now("When the pair was issued."),
    Column("seen_at", Instant, comment="When the pair was first shown."),
    Column("seen_address", INET, comment="The client's address when it was first shown."),
    Column("seen_agent", Text, comment="The user agent when it was first shown."),
    Column("asked_address", INET, comment="The client's address of the request that got it."),
    Column("asked_agent", Text, comment="The user agent of the request that got it."),
    Column("replaced_at", Instant, comment="When another pair took over from it."),
    CheckConstraint("parent < number", name="parent_first"),
    CheckConstraint("replaced_at IS NULL OR seen_at IS NOT NULL", name="replaced_was_shown"),
    UniqueConstraint("session_id", "number"),
    Index("ix_session_credentials_refresh_hash", "refresh_hash"),
)

# The key of a bound session: one row for each, from the first accepted proof on. The private half never leaves the device.
keys = Table(
    "session_keys",
    metadata,
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    # ES256 or RS256, and the key as DER (SubjectPublicKeyInfo).
    Column("algorithm", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("last_proof_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("proofs", Integer, nullable=False, server_default="1"),
    # Why the browser could not renew its bound cookie when it last said so (`SkipReason`), and when.
    Column("skipped_reason", Text),
    Column("skipped_at", Instant),
)

# The challenges that a browser may sign, as keyed hashes: each is good once, for one purpose and one session.
challenges = Table(
    "session_challenges",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    # `registration`, `renewal` (given with a bound cookie) or `asked` (without one, and signed like a renewal).
    Column("purpose", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_challenges_session_id_expires_at", "session_id", "expires_at"),
    Index("ix_session_challenges_expires_at", "expires_at"),
)

# The bound cookies of bound sessions, as keyed hashes. A renewal revokes no earlier one, so several may be alive.
bound_cookies = Table(
    "session_bound_cookies",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_bound_cookies_session_id", "session_id"),
    Index("ix_session_bound_cookies_expires_at", "expires_at"),
)

# The counter of revocations that close a gate; one row. Its lock orders them, and the number becomes visible with the gate.
# A sequence would not do: its number is out before the commit.
counter = Table(
    "revocation_counter",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("n", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("one", name="one_row"),
)

# One row revokes a user, a site or everyone at once, logins in flight included: it ends every session in its reach whose
# `epoch` is smaller. A *dated* gate speaks of an event in the past, of which a webhook told late: it leaves sessions alone
# that were authenticated after it.
gates = Table(
    "revocation_gates",
    metadata,
    Column("key", Text, primary_key=True),
    Column("dated", Boolean, primary_key=True, server_default=text("false")),
    Column("epoch", BigInteger, nullable=False),
    Column("authenticated_until", Instant, nullable=False, server_default=text("'infinity'")),
    Column("revocation_id", UUID, nullable=False),
    CheckConstraint("dated = (authenticated_until < 'infinity')", name="dated_until"),
    Index("ix_revocation_gates_epoch", "epoch"),
)

# Revocations with their reasons: one row for each act, whatever its reach.
revocations = Table(
    "revocations",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    _now(),
    Column("scope", Text, nullable=False),
    Column("site", Text),
    Column("user_id", UUID),
    Column("initiating_entity", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_admin", Text, nullable=False, server_default=""),
    Column("reason_user", Text, nullable=False, server_default=""),
    # The filter's text (`Scope.filter_text`), where the scope was a filter.
    Column("typed", Text, nullable=False, server_default=""),
    Column("matched", Integer, nullable=False),
    # Its number, and until when a session that it ends was authenticated, where it closed a gate.
    Column("epoch", BigInteger),
    Column("authenticated_until", Instant),
    # Sessions that a gate has ended are marked later, in small steps (gate_sweep.py). `swept_at`: when none was found any
    # more; `marked_at`: when no login can be in flight any more that did not see the gate.
    Column("swept_at", Instant),
    Column("marked_at", Instant),
    Index("ix_revocations_created_at_id", "created_at", "id"),
    Index("ix_revocations_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index(
        "ix_revocations_not_by_user", "created_at", "id", postgresql_where=text("initiating_entity <> 'user'")
    ),
    Index("ix_revocations_gates", "created_at", "epoch", postgresql_where=text("epoch IS NOT NULL")),
    Index("ix_revocations_unmarked", "created_at", postgresql_where=text("marked_at IS NULL")),
)

# Messages that the identity provider must still get. They are written in the transaction of the revocation, so that
# neither exists without the other, and are done when the provider has agreed.
outbox = Table(
    "revocation_outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("revocation_id", UUID, ForeignKey("revocations.id", ondelete="CASCADE"), nullable=False),
    Column("site", Text, nullable=False),
    Column("user_id", UUID),
    Column("refresh_token_id", UUID),
    _now(),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_try_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("done_at", Instant),
    Column("last_error", Text),
    # When the provider was last told and may have acted on it; whether its own announcement of it has come back since.
    Column("sent_at", Instant),
    Column("echoed", Boolean, nullable=False, server_default=text("false")),
    Index("ix_revocation_outbox_revocation_id", "revocation_id"),
    Index(
        "ix_revocation_outbox_sent_at",
        "sent_at",
        postgresql_where=text("refresh_token_id IS NULL AND NOT echoed"),
    ),
    Index("ix_revocation_outbox_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    Index("ix_revocation_outbox_open", "next_try_at", postgresql_where=text("done_at IS NULL")),
)

# Acts, attempts and refusals. Rows are never changed. `detail` holds names and counts, no secret.
audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("event", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("initiating_entity", Text, nullable=False),
    Column("actor", Text, nullable=False, server_default=""),
    Column("user_id", UUID),
    Column("session_id", UUID),
    Column("revocation_id", UUID),
    Column("address", INET),
    Column("agent", Text, nullable=False, server_default=""),
    Column("request_id", Text, nullable=False, server_default=""),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    # Given by the sealer (audit_chain.py): numbers without gaps, and the seal over the row and all before it.
    Column("seq", BigInteger),
    Column("mac", LargeBinary),
    Index("uq_audit_log_seq", "seq", unique=True, postgresql_where=text("seq IS NOT NULL")),
    Index("ix_audit_log_unsealed", "id", postgresql_where=text("seq IS NULL")),
    Index("ix_audit_log_session_id_id", "session_id", "id", postgresql_where=text("session_id IS NOT NULL")),
    Index("ix_audit_log_user_id_id", "user_id", "id", postgresql_where=text("user_id IS NOT NULL")),
    Index("ix_audit_log_event_id", "event", "id"),
    Index("ix_audit_log_site_id", "site", "id"),
    Index("ix_audit_log_at", "at"),
    # Searches of the console: where a request came from, which request it was, and words of an act's reason.
    Index("ix_audit_log_address_id", "address", "id", postgresql_where=text("address IS NOT NULL")),
    Index("ix_audit_log_request_id_id", "request_id", "id", postgresql_where=text("request_id <> ''")),
    Index(
        "ix_audit_log_reasoned", "id", postgresql_where=text("(detail ->> 'reason_admin'::text) <> ''::text")
    ),
    Index("ix_audit_log_actor_id", "actor", "id", postgresql_where=text("actor <> ''")),
    # The acts of an incident.
    Index(
        "ix_audit_log_incident",
        text("(detail ->> 'incident')"),
        "id",
        postgresql_where=text("detail ? 'incident'"),
    ),
    Index("ix_audit_log_request_id", "request_id", postgresql_where=text("request_id <> ''")),
    Index(
        "ix_audit_log_revocation_id_id",
        "revocation_id",
        "id",
        postgresql_where=text("revocation_id IS NOT NULL"),
    ),
    # The sites append; the worker alone may need more (docs/operations.md), here and in the next two tables.
    info={"sites_need": ("SELECT", "INSERT")},
)

# The newest seal of the audit log; one row.
audit_head = Table(
    "audit_head",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("seq", BigInteger, nullable=False),
    Column("mac", LargeBinary, nullable=False),
    CheckConstraint("one", name="one_row"),
    info={"sites_need": ("SELECT",)},
)

# The keys that have sealed the audit log, and the first and the last row that each has sealed. While a key is replaced, two
# may take turns. Rows from before the table are in no range.
audit_keys = Table(
    "audit_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    CheckConstraint("first_seq <= last_seq", name="range_in_order"),
    info={"sites_need": ("SELECT",)},
)

# The places from which a session was used, one row each: a second holder of copied cookies shows beside the first.
places = Table(
    "session_places",
    metadata,
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("address", INET, primary_key=True),
    Column("agent", Text, primary_key=True),
    Column("first_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Index("ix_session_places_address_session_id", "address", "session_id"),
    Index("ix_session_places_agent", "agent"),
)

# Flags: suspicious uses of a session, counted. One row for each session and kind, so that a flood stays one row.
flags = Table(
    "session_flags",
    metadata,
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("count", Integer, nullable=False, server_default="1"),
    Column("first_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("last_address", INET),
    Column("last_agent", Text, nullable=False, server_default=""),
    # Dismissed by an admin as harmless. The next use of the kind opens the flag again.
    Column("dismissed_at", Instant),
    Column("dismissed_by", Text),
    Column("dismissed_reason", Text),
)

# Requests that were refused although their cookies belong to a session: why, and by which facts (refusals.py). Only holders of a
# part of its cookies leave rows here, a session keeps the newest hundred, and the worker deletes them after a month.
refused_requests = Table(
    "refused_requests",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session_id", UUID, ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    # The site that was asked, which is another one than the session's where its cookie was sent elsewhere.
    Column("site", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("request_id", Text, nullable=False, server_default=""),
    Column("address", INET),
    Column("agent", Text, nullable=False, server_default=""),
    # Further requests of the same kind within the same second.
    Column("more", Integer, nullable=False, server_default="0"),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index("ix_refused_requests_session_id_id", "session_id", "id"),
    Index("ix_refused_requests_at", "at"),
    Index("ix_refused_requests_request_id", "request_id", postgresql_where=text("request_id <> ''")),
)

# What somebody did on a session (acts.py), without the content: it outlives the session's row, and is deleted when `expires_at` has come.
acts = Table(
    "session_acts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("session_id", UUID, nullable=False),
    Column("user_id", UUID, nullable=False),
    Column("site", Text, nullable=False),
    Column("at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("kind", Text, nullable=False),
    # What the act is about: the number of an order, the id of a post or a topic.
    Column("reference", Text, nullable=False, server_default=""),
    Column("address", INET),
    Column("agent", Text, nullable=False, server_default=""),
    Column("expires_at", Instant, nullable=False),
    Index("ix_session_acts_session_id_id", "session_id", "id"),
    Index("ix_session_acts_user_id_id", "user_id", "id"),
    Index("ix_session_acts_expires_at", "expires_at"),
)

# Deny rules: no login, no refresh and no page for a client that matches all that a row names.
standing_rules = Table(
    "standing_rules",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    _now(),
    Column("until", Instant, nullable=False),
    Column("user_id", UUID),
    Column("site", Text),
    Column("network", CIDR),
    # Words that name a browser, as `user_agents.words` returns them, separated by one space.
    Column("device", Text, nullable=False, server_default=""),
    Column("actor", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_admin", Text, nullable=False, server_default=""),
    Column("reason_user", Text, nullable=False, server_default=""),
    # The revocation that the rule was made with, if any.
    Column("revocation_id", UUID),
    Column("hits", Integer, nullable=False, server_default="0"),
    Column("last_hit_at", Instant),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    CheckConstraint("user_id IS NOT NULL OR network IS NOT NULL OR device <> ''", name="names_something"),
    Index("ix_standing_rules_unlifted", "until", postgresql_where=text("lifted_at IS NULL")),
    Index("ix_standing_rules_created_at_id", "created_at", "id"),
)

# Secrets that belong to nobody, planted where a thief would look (honey.py).
honey_tokens = Table(
    "honey_tokens",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    _now(),
    Column("hash", LargeBinary, nullable=False, unique=True),
    Column("key_id", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("hits", Integer, nullable=False, server_default="0"),
    Column("first_hit_at", Instant),
    Column("last_hit_at", Instant),
    Column("last_address", INET),
    Column("last_agent", Text, nullable=False, server_default=""),
    Column("retired_at", Instant),
    Column("retired_by", Text),
    Index("ix_honey_tokens_created_at_id", "created_at", "id"),
)
