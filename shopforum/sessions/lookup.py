"""The statement of every signed-in page: find the session of a pair of cookies, judge the pair, extend the session.

It is one statement, so that nothing can change between the judgement and the extension, and so that a page costs one
round trip. The parts below are its expressions; `_FIND` puts them together. Over `s`, a row of `sessions`, and `c`, the
row of `session_credentials` that was found by the hash of the presented session id. Internal.
"""

from uuid import UUID

from ..core import addresses
from ..core.prepared_statements import Prepared
from . import risk_signals
from .audit import Client
from .context import SessionContext
from .live import CLOSED_GATE, IN_USE, UNENDED, matching_rule
from .model import Pair
from .rows import FoundSession
from .vocabulary import PairStatus

# Places kept for one session. Invented user agents must not fill the database, and a session with so many is
# conspicuous enough.
MOST_PLACES = 50

# The presented refresh token is the one that this session id was issued with. A site without refresh tokens has none.
_PAIRED = "c.refresh_hash IS NULL OR c.refresh_hash = ANY (:refresh_hashes)"

# Which of the session's pairs was presented (PairStatus). A sibling comes from a refresh that was repeated because its
# answer was slow: the browser may hold the first answer or the second.
_PAIR_STATUS = f"""CASE WHEN c.generation > s.generation THEN '{PairStatus.NEXT}'
      WHEN c.generation = s.generation THEN '{PairStatus.CURRENT}'
      WHEN c.generation > s.previous AND c.why = 'refresh' AND EXISTS (SELECT 1 FROM session_credentials n
        WHERE n.session_id = s.id AND n.generation = s.generation AND n.why = 'refresh') THEN '{PairStatus.SIBLING}'
      WHEN c.generation > s.floor AND s.promoted_at > now() - :grace * interval '1 second' THEN '{PairStatus.PREVIOUS}'
      ELSE '{PairStatus.SPENT}' END"""

# A successor that no browser has shown after the grace was lost: another is due.
_ROTATION_DUE = """CASE WHEN s.issued = s.generation THEN s.issued_at <= now() - :rotate_every * interval '1 second'
      ELSE s.issued_at <= now() - :grace * interval '1 second' END"""

# A refresh has brought a new one-time token, and the browser still shows the old one.
_RESPONSE_LOST = """s.issued > s.generation AND s.issued_at BETWEEN now() - :grace * interval '1 second'
      AND now() - :lost_after * interval '1 second' AND EXISTS (SELECT 1 FROM session_credentials n
      WHERE n.session_id = s.id AND n.generation = s.issued AND n.refresh_hash <> ALL (:refresh_hashes))"""

# Last seen in another network. A machine with addresses of both families uses now one, now the other: IPv4 and IPv6
# are not compared with each other.
_MOVED = """(family(s.last_address) = family(CAST(:network AS cidr))
    AND NOT s.last_address <<= CAST(:network AS cidr))"""

# Moved, and was in this network a moment ago.
_CAME_BACK = f"""CASE WHEN {_MOVED} THEN EXISTS (SELECT 1 FROM session_places p
      WHERE p.session_id = s.id AND p.address <<= CAST(:network AS cidr)
      AND p.last_at > now() - :at_once * interval '1 second') ELSE false END"""

_ROLES_DUE = (
    "CAST(:roles_every AS float8) > 0 AND s.roles_read_at <= now() - :roles_every * interval '1 second'"
)

_MATCHED = f"""
  SELECT s.id, s.site, s.user_id, s.user_name, s.user_email, s.roles, s.refresh_token_id, s.agent,
    s.last_address, s.last_agent, s.issued, s.end_reason, s.quarantined_at, s.new_sign_in,
    c.generation AS presented,
    {_PAIRED} AS paired,
    {UNENDED} AND gate.id IS NULL AS live,
    coalesce(s.revocation_id, CASE WHEN s.ended_at IS NULL THEN gate.id END) AS ended_by,
    {IN_USE} AS active,
    {_PAIR_STATUS} AS pair_status,
    {_ROTATION_DUE} AS rotation_due,
    {_RESPONSE_LOST} AS response_lost,
    coalesce({_MOVED}, false) AS moved,
    {_CAME_BACK} AS came_back,
    {_ROLES_DUE} AS roles_due,
    rule.id AS rule_id,
    extract(epoch FROM s.absolute_end - now())::int AS ends_in,
    extract(epoch FROM now() - s.authenticated_at)::float8 AS authenticated_ago
  FROM session_credentials c JOIN sessions s ON s.id = c.session_id
    LEFT JOIN LATERAL ({CLOSED_GATE}) gate ON true
    LEFT JOIN LATERAL ({matching_rule()}) rule ON true
  WHERE c.session_hash = ANY (:session_hashes) AND s.site = :site"""

_ELSEWHERE = "IS DISTINCT FROM (CAST(:address AS inet), :agent)"

# Extend the idle timeout of a session that is served: at most once in `touch_every` from one place. From a new place
# only where `move` allows it (Sessions with `risk = enforce` judge the place first).
_TOUCH = f"""
  UPDATE sessions t SET last_seen_at = now(), last_address = CAST(:address AS inet), last_agent = :agent,
    idle_end = least(now() + :idle * interval '1 second', t.absolute_end)
  FROM matched m WHERE :touch AND t.id = m.id AND m.paired AND m.live AND m.active
    AND m.pair_status <> '{PairStatus.SPENT}' AND m.rule_id IS NULL AND t.quarantined_at IS NULL
    AND (CAST(:only AS uuid) IS NULL OR t.id = :only) AND t.ended_at IS NULL AND t.idle_end > now()
    AND CASE WHEN (t.last_address, t.last_agent) {_ELSEWHERE} THEN :move
      ELSE t.last_seen_at < now() - :touch_every * interval '1 second' END
  RETURNING t.id"""

# Write the place of a request that has extended the session, or that must not extend it and comes from a new place.
_PLACE = f"""
  INSERT INTO session_places (session_id, address, agent)
  SELECT m.id, CAST(:address AS inet), :agent FROM matched m
  WHERE CAST(:address AS inet) IS NOT NULL AND m.paired AND m.live AND m.active
    AND (m.id IN (SELECT id FROM touched)
      OR (NOT (:touch AND :move) AND (m.last_address, m.last_agent) {_ELSEWHERE}))
    AND ((SELECT count(*) FROM session_places p WHERE p.session_id = m.id) < {MOST_PLACES}
      OR EXISTS (SELECT 1 FROM session_places p WHERE (p.session_id, p.address, p.agent)
        = (m.id, CAST(:address AS inet), :agent)))
  ON CONFLICT (session_id, address, agent) DO UPDATE SET last_at = now()"""

_FIND = Prepared(
    "find",
    f"WITH matched AS ({_MATCHED}\n), touched AS ({_TOUCH}\n), placed AS ({_PLACE}\n) SELECT * FROM matched",
)


def find(
    context: SessionContext,
    pair: Pair,
    client: Client,
    *,
    only: UUID | None,
    touch: bool,
    move: bool,
) -> FoundSession | None:
    """Return the session that the pair's session id belongs to, or None. One statement, which also extends the session
    where the pair is good and the session was not seen lately.

    `only` is the one session that may be extended, if given. `touch=False` extends nothing. `move=False` does not
    extend a session from a place that is not its last. Raises ValueError for a pair without a session id.
    """
    if pair.session_id is None:
        raise ValueError("a session is found by its session id")
    config, digests = context.config, context.config.secrets.digests
    row = context.db.one(
        _FIND,
        session_hashes=digests(config.site, "session", pair.session_id),
        refresh_hashes=digests(config.site, "refresh", pair.refresh_token) if pair.refresh_token else [],
        site=config.site,
        grace=config.grace,
        lost_after=config.lost_after,
        rotate_every=config.rotate_every,
        roles_every=config.roles_every,
        idle=config.idle,
        touch_every=config.touch_every,
        at_once=risk_signals.AT_ONCE,
        network=addresses.household(client.address),
        touch=touch,
        move=move,
        only=only,
        **client.parameters(),
    )
    return None if row is None else FoundSession(**row)
