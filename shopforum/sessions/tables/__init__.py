"""The tables of the session core, on a MetaData of their own: a host application adds it to its alembic targets.

Nothing here can be used to sign in: credentials are stored as keyed hashes (`keyring.py`), refresh tokens not at all.
All instants are the database's.
"""

from .activity import acts, flags, places, refused_requests
from .audit import audit_head, audit_keys, audit_log
from .binding import bound_cookies, challenges, keys
from .columns import metadata
from .deny_rules import standing_rules
from .honey import honey_tokens
from .revocation import counter, gates, outbox, revocations
from .session import credentials, sessions

__all__ = [
    "acts",
    "audit_head",
    "audit_keys",
    "audit_log",
    "bound_cookies",
    "challenges",
    "counter",
    "credentials",
    "flags",
    "gates",
    "honey_tokens",
    "keys",
    "metadata",
    "outbox",
    "places",
    "refused_requests",
    "revocations",
    "sessions",
    "standing_rules",
]
