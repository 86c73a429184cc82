"""The tables of API tokens and of their rate limits. A token is kept as a keyed hash (`sessions.keyring`): nothing here can
be used to call.
"""

from sqlalchemy import CheckConstraint, Column, Double, Index, LargeBinary, Table, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from ..core.tables import Instant, metadata

# Never deleted: the audit log names them. Two may share a name while a client changes from one to the next.
tokens = Table(
    "api_tokens",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("hash", LargeBinary, nullable=False, unique=True),
    # The key that made the hash (`Keyring.ids`); NULL in rows from before keys had ids. A use moves the token to the newest.
    Column("key_id", Text),
    Column("name", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("created_at", Instant, nullable=False, server_default=func.clock_timestamp()),
    Column("created_by", Text, nullable=False),
    # The user who made the token and whose rights it has; null for the command line and the demo.
    Column("maker_id", UUID),
    Column("expires_at", Instant, nullable=False),
    # Written at most once a minute.
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    CheckConstraint("cardinality(scopes) > 0", name="some_scope"),
    Index("ix_api_tokens_name", "name"),
    Index("ix_api_tokens_maker_id", "maker_id"),
)

# A leaky bucket for each token, and for each address that sends bad tokens: `level` calls were in it at `at`.
rates = Table(
    "api_rates",
    metadata,
    Column("key", Text, primary_key=True),
    Column("level", Double, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_api_rates_at", "at"),
)
