"""The definitions of a session's condition: live, active, dormant, revoked, expired and withheld.

Each definition is a fragment of SQL over a row of `sessions` under the alias `s`. No other module spells one out. A
statement that is text takes the fragment in an f-string; a statement in SQLAlchemy Core takes `condition(fragment)`.

| word | means |
|---|---|
| live | not ended, before the absolute end, and behind no gate |
| active | live, and used within the idle timeout |
| dormant | live and idle, with a refresh token that can wake it |
| revoked | ended by a revocation, or live until a gate closed behind it |
| expired | over by time, or ended without a revocation |
| withheld | live, but not served: quarantined, refused by a deny rule, or bound and used without its key |

All instants are compared with `now()`, the start of the statement or of its transaction.
"""

from sqlalchemy import Boolean, ColumnElement, literal_column

from .vocabulary import BindingState, State, Withheld

# The earliest gate that has closed on the session: a gate of its user, its site or everyone with a later number than the
# session's. The numbers come from one counter (revocation.py), so no clock decides which came first.
CLOSED_GATE = """SELECT g.revocation_id AS id FROM revocation_gates g
    WHERE g.epoch > s.epoch AND s.authenticated_at <= g.authenticated_until
    AND g.key = ANY (ARRAY['everyone', 'site:' || s.site, 'user:' || s.user_id, 'user:' || s.user_id || '@' || s.site])
    ORDER BY g.epoch LIMIT 1"""

GATED = f"EXISTS ({CLOSED_GATE})"

# Equal to GATED, for statements that go through tens of thousands of rows: the condition in front is looked up once a
# statement and rules most sessions out.
GATED_AMONG_MANY = f"""(
    (coalesce(s.epoch < (SELECT max(epoch) FROM revocation_gates WHERE key NOT LIKE 'user:%'), false)
      OR 'user:' || s.user_id IN (SELECT split_part(key, '@', 1) FROM revocation_gates WHERE key LIKE 'user:%'))
    AND {GATED})"""

# The row alone. A gate may have ended the session although its row does not say so.
IN_TIME = "s.absolute_end > now()"
UNENDED = f"s.ended_at IS NULL AND {IN_TIME}"

LIVE = f"{UNENDED} AND NOT {GATED}"
LIVE_AMONG_MANY = f"{UNENDED} AND NOT {GATED_AMONG_MANY}"

IN_USE = "s.idle_end > now()"
REFRESHABLE = "s.refresh_token_id IS NOT NULL"

# A gate does not reach a session that was over before the gate closed.
STATE = f"""CASE WHEN s.revocation_id IS NOT NULL THEN '{State.REVOKED}'
    WHEN NOT ({UNENDED}) THEN '{State.EXPIRED}'
    WHEN {GATED} THEN '{State.REVOKED}'
    WHEN {IN_USE} THEN '{State.ACTIVE}'
    WHEN {REFRESHABLE} THEN '{State.DORMANT}'
    ELSE '{State.EXPIRED}' END"""

# STATE as one condition for each of its values, so that an index of the rows that have not ended can serve it. What
# rules most rows out comes first.
STATES = {
    State.ACTIVE: f"{IN_USE} AND {LIVE_AMONG_MANY}",
    State.DORMANT: f"NOT {IN_USE} AND {REFRESHABLE} AND {LIVE_AMONG_MANY}",
    State.REVOKED: f"s.revocation_id IS NOT NULL OR ({UNENDED} AND {GATED_AMONG_MANY})",
    State.EXPIRED: f"""s.revocation_id IS NULL AND (s.ended_at IS NOT NULL OR s.absolute_end <= now()
      OR (NOT {GATED_AMONG_MANY} AND NOT {IN_USE} AND NOT {REFRESHABLE}))""",
}

# Seconds after a login in which its browser may bind the session: it registers its key within a second; a slow key store may
# take some more.
BINDING_WINDOW = 60
BOUND = "s.bound_at IS NOT NULL"
# Unbound, and the time is over in which the browser could have bound it.
UNBINDABLE = f"NOT ({BOUND}) AND coalesce(s.bindable_until <= now(), true)"
BINDINGS = {
    BindingState.BOUND: BOUND,
    BindingState.OFFERED: f"NOT ({BOUND}) AND s.bindable_until > now()",
    BindingState.UNBOUND: UNBINDABLE,
}
BINDING = f"""CASE WHEN {BOUND} THEN '{BindingState.BOUND}' WHEN {UNBINDABLE} THEN '{BindingState.UNBOUND}'
    ELSE '{BindingState.OFFERED}' END"""

# The request brings a bound cookie of this session that is alive. Binds its hashes as `:bound_hashes`.
WITH_KEY = """EXISTS (SELECT 1 FROM session_bound_cookies b WHERE b.hash = ANY (:bound_hashes)
    AND b.session_id = s.id AND b.expires_at > now())"""
# A bound session changes only for a request that was found with its key, as `:with_key` says.
KEYED = "(s.bound_at IS NULL OR CAST(:with_key AS boolean))"

QUARANTINED = "s.ended_at IS NULL AND s.quarantined_at IS NOT NULL"

# Over a row of `standing_rules` under the alias `r`.
RULE_IN_FORCE = "r.lifted_at IS NULL AND r.until > now()"


def matching_rule(user: str = "s.user_id", site: str = "s.site") -> str:
    """Return a SELECT of the oldest deny rule in force that refuses a client: its `id`, or no row.

    `user` and `site` are SQL expressions. The statement binds the client as `:address` and `:device`
    (`user_agents.text`). A client without an address is in no network.
    """
    return f"""SELECT r.id FROM standing_rules r WHERE {RULE_IN_FORCE}
    AND (r.user_id IS NULL OR r.user_id = {user}) AND (r.site IS NULL OR r.site = {site})
    AND (r.network IS NULL OR CAST(:address AS inet) <<= r.network)
    AND (r.device = '' OR NOT EXISTS (SELECT 1 FROM regexp_split_to_table(r.device, ' ') word
      WHERE position(word IN CAST(:device AS text)) = 0))
    ORDER BY r.created_at LIMIT 1"""


# Why a live session is not served to a request with its key, or NULL where it is. Binds the client as `matching_rule` does.
WITHHELD = f"""CASE WHEN EXISTS ({matching_rule()}) THEN '{Withheld.BLOCKED}'
    WHEN s.quarantined_at IS NOT NULL THEN '{Withheld.QUARANTINED}' END"""


def condition(fragment: str) -> ColumnElement[bool]:
    """Return a fragment as an element of SQLAlchemy Core, for a statement whose table `sessions` is called `s`."""
    return literal_column(f"({fragment})", Boolean)
