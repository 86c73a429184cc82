"""The rows of sessions and of their pairs of credentials.

The columns that a page view changes (`last_seen_at`, `idle_end`) are in no index, so that the update stays heap-only
(docs/sessions.md, "What it costs"). The comments of the columns are in the database, too, where psql shows them.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, UUID

from ...core.tables import Instant
from .columns import created_at, metadata

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
    created_at("When the session was written."),
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
    created_at("When the pair was issued."),
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
