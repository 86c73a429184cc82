"""The statement of every signed-in page: find the session of a pair of cookies, with the facts that the rules go by.

It is one plain SELECT: a page where nothing is due writes nothing and takes no transaction id. The writes that are due
are the statements of records.py, each of which repeats its conditions. The parts below are its expressions over `s`, a
row of `sessions`, and `c`, the row of `session_credentials` that was found by the hash of the presented session id.
Internal.
"""

from ..core import addresses
from ..core.prepared_statements import Prepared
from . import risk_signals
from .audit import Client
from .context import SessionContext
from .live import BOUND, CLOSED_GATE, IN_USE, UNBINDABLE, UNENDED, WITH_KEY, matching_rule
from .model import Pair
from .rows import FoundSession

# The presented refresh token is the one that this session id was issued with. A site without refresh tokens has none.
_PAIRED = "c.refresh_hash IS NULL OR c.refresh_hash = ANY (:refresh_hashes)"

# The newest pair that was handed out carries another refresh token than the presented one: the response to a refresh
# with a one-time token got lost.
_OUTDATED = """CASE WHEN s.unshown > 0 THEN EXISTS (SELECT 1 FROM session_credentials n
      WHERE n.session_id = s.id AND n.number = s.issued AND n.refresh_hash <> ALL (:refresh_hashes)) ELSE false END"""

# Seconds for the rules of rotation.py, by this statement's clock.
_AGES = """extract(epoch FROM now() - s.head_since)::float8 AS head_age,
    extract(epoch FROM s.last_seen_at - s.head_since)::float8 AS head_used_for,
    extract(epoch FROM s.due_at - now())::float8 AS due_in,
    extract(epoch FROM now() - c.replaced_at)::float8 AS replaced_age"""

# Was in the client's network a moment ago, and has been in another since.
_WAS_HERE = """CASE WHEN s.last_address <<= CAST(:network AS cidr) THEN false ELSE EXISTS (SELECT 1 FROM session_places p
      WHERE p.session_id = s.id AND p.address <<= CAST(:network AS cidr)
      AND p.last_at > now() - :at_once * interval '1 second') END"""

# Also where the provider has announced that roles may be gone (provider_events.py).
_ROLES_DUE = """s.roles_read_at = 'epoch' OR (CAST(:roles_every AS float8) > 0
    AND s.roles_read_at <= now() - :roles_every * interval '1 second')"""

_FIND = Prepared(
    "find",
    f"""
  SELECT s.id, s.site, s.user_id, s.user_name, s.user_email, s.roles, s.refresh_token_id, s.agent,
    s.last_address, s.last_agent, s.end_reason, s.quarantined_at, s.quarantine_reason, s.new_sign_in,
    s.head, s.head_parent, s.issued, s.unshown, c.number, c.parent, c.seen_at IS NOT NULL AS seen,
    {_AGES},
    {_PAIRED} AS paired,
    {UNENDED} AND gate.id IS NULL AS live,
    coalesce(s.revocation_id, CASE WHEN s.ended_at IS NULL THEN gate.id END) AS ended_by,
    {IN_USE} AS active,
    {_OUTDATED} AS token_outdated,
    s.last_seen_at < now() - :touch_every * interval '1 second' AS touch_due,
    {_WAS_HERE} AS was_here,
    {_ROLES_DUE} AS roles_due,
    {BOUND} AS bound,
    CASE WHEN {BOUND} THEN {WITH_KEY} ELSE false END AS with_key,
    {UNBINDABLE} AS unbindable,
    rule.id AS rule_id,
    extract(epoch FROM s.absolute_end - now())::int AS ends_in,
    extract(epoch FROM now() - s.authenticated_at)::float8 AS authenticated_ago,
    extract(epoch FROM now() - greatest(s.authenticated_at, s.code_given_at))::float8 AS confirmed_ago
  FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    LEFT JOIN LATERAL ({CLOSED_GATE}) gate ON true
    LEFT JOIN LATERAL ({matching_rule()}) rule ON true
  WHERE c.session_hash = ANY (:session_hashes) AND s.site = :site""",
)


def find(context: SessionContext, pair: Pair, client: Client) -> FoundSession | None:
    """Return the session that the pair's session id belongs to, or None. One SELECT, which changes nothing.

    Raises ValueError for a pair without a session id.
    """
    if pair.session_id is None:
        raise ValueError("a session is found by its session id")
    config, digests = context.config, context.config.secrets.digests
    row = context.db.one(
        _FIND,
        session_hashes=digests(config.site, "session", pair.session_id),
        refresh_hashes=digests(config.site, "refresh", pair.refresh_token) if pair.refresh_token else [],
        bound_hashes=digests(config.site, "bound", pair.bound_cookie) if pair.bound_cookie else [],
        site=config.site,
        roles_every=config.roles_every,
        touch_every=config.touch_every,
        at_once=risk_signals.AT_ONCE,
        network=addresses.household(client.address),
        address=client.address,
        device=client.parameters()["device"],
    )
    return None if row is None else FoundSession(**row)
