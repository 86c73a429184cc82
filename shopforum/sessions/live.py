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

# The gates of sites and of everyone, whose keys come before those of users. OFFSET keeps the planner from going through all
# gates in the order of their numbers.
_WIDE_GATES = "SELECT epoch FROM revocation_gates WHERE key < 'user' OFFSET 0"
# User gates that are read in whole for a list. Of more, each session's are looked up by their keys.
_FEW_GATES = 1000
_USER_GATES = f"SELECT split_part(key, '@', 1) AS key FROM revocation_gates WHERE key LIKE 'user:%' LIMIT {_FEW_GATES + 1}"

# Equal to GATED, for statements that go through thousands of rows: what stands in front is looked up once a statement and
# rules most sessions out.
GATED_AMONG_MANY = f"""(
    (coalesce(s.epoch < (SELECT max(epoch) FROM ({_WIDE_GATES}) wide), false)
      OR coalesce(s.epoch < (SELECT max(epoch) FROM revocation_gates), false)
        AND ((SELECT count(*) > {_FEW_GATES} FROM ({_USER_GATES}) few) OR 'user:' || s.user_id IN ({_USER_GATES})))
    AND {GATED})"""

# The row alone. A gate may have ended the session although its row does not say so.
IN_TIME = "s.absolute_end > now()"
UNENDED = f"s.ended_at IS NULL AND {IN_TIME}"

LIVE = f"{UNENDED} AND NOT {GATED}"
# Equal to LIVE, for lists of the newest first. Of a sum the planner has no index and no statistics: those of these columns
# are as old as the latest ANALYZE, by which hardly a session is in use now, so that it would read all and sort them.
LIVE_AMONG_MANY = f"s.ended_at IS NULL AND s.absolute_end + interval '0' > now() AND NOT {GATED_AMONG_MANY}"

IN_USE = "s.idle_end > now()"
_IN_USE_AMONG_MANY = "s.idle_end + interval '0' > now()"
REFRESHABLE = "s.refresh_token_id IS NOT NULL"


def _state(gated: str) -> str:
    # A gate does not reach a session that was over before the gate closed.
    return f"""CASE WHEN s.revocation_id IS NOT NULL THEN '{State.REVOKED}'
    WHEN NOT ({UNENDED}) THEN '{State.EXPIRED}'
    WHEN {gated} THEN '{State.REVOKED}'
    WHEN {IN_USE} THEN '{State.ACTIVE}'
    WHEN {REFRESHABLE} THEN '{State.DORMANT}'
    ELSE '{State.EXPIRED}' END"""


STATE = _state(GATED)
STATE_AMONG_MANY = _state(GATED_AMONG_MANY)

# The state as one condition for each of its values, so that an index of the rows that have not ended can serve it. The
# part that rules most rows out comes first.
STATES = {
    State.ACTIVE: f"{_IN_USE_AMONG_MANY} AND {LIVE_AMONG_MANY}",
    State.DORMANT: f"NOT ({_IN_USE_AMONG_MANY}) AND {REFRESHABLE} AND {LIVE_AMONG_MANY}",
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
