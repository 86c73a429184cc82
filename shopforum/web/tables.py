"""The tables of the canary, with which the worker measures how soon a revocation is felt."""

from sqlalchemy import BigInteger, Column, Float, Table, Text, func, text
from sqlalchemy.dialects.postgresql import UUID

from ..core.tables import Instant, metadata

# The canaries: the columns of `sessions` that decide whether a session is live, and no person, no cookie, no browser. One a
# minute for all workers together; kept for an hour.
canaries = Table(
    "canaries",
    metadata,
    Column("id", UUID, primary_key=True, server_default=func.gen_random_uuid()),
    Column("minute", Instant, nullable=False, unique=True),
    Column("site", Text, nullable=False),
    # The id of no user. Gates of users are looked up by it.
    Column("user_id", UUID, nullable=False, server_default=func.gen_random_uuid()),
    Column("epoch", BigInteger, nullable=False),
    Column("authenticated_at", Instant, nullable=False, server_default=text("now()")),
    Column("absolute_end", Instant, nullable=False),
    Column("ended_at", Instant),
)

# How many seconds it took until a place refused a canary that was revoked; NULL where it did not, and why. Kept for a day.
canary_times = Table(
    "canary_times",
    metadata,
    Column("at", Instant, primary_key=True, server_default=func.clock_timestamp()),
    # The address of a node as in `canary.nodes`, or fusionauth.
    Column("place", Text, primary_key=True),
    Column("seconds", Float),
    Column("why", Text, nullable=False, server_default=""),
)
