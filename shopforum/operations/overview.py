"""Read for the dashboard: open flags, attacks, and the events of the last day by the hour. Every statement is bounded."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from ..core.database import ResultRow
from ..core.read_only_database import ReadOnlyDatabase
from ..core.sites import SITES
from ..sessions import live
from ..sessions.vocabulary import EventName, FlagKind
from ..web.canary import EFFECTS, Effect
from . import labels
from .event_groups import events_of

HOURS = 24
# Rows of the audit log that are counted by the hour: the latest.
_MOST_ROWS = 200_000
# Rows that are counted at most; of more, each number is a lower bound.
MOST_FLAGS, MOST_REPLAYS, MOST_MESSAGES = 20_000, 10_000, 10_000
# Open incidents that are named.
MOST_INCIDENTS = 5

# The flags that the dashboard counts as attacks, beside replays.
ATTACKS = (
    FlagKind.REFRESH_WITHOUT_SESSION,
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN,
    FlagKind.SESSION_USE_AFTER_EXPIRE,
)
REPLAYS = "replays"

# Sessions of which the dashboard tells how many are bound to a device.
NEWEST = 4_000

_ATTACKS = f"""SELECT kind, sum(count)::bigint AS tries, count(*) AS sessions, max(last_at) AS last_at,
      count(*) FILTER (WHERE s.revocation_id IS NOT NULL) AS revoked, count(*) FILTER (WHERE dismissed_at IS NULL) AS open
    FROM (SELECT session_id, kind, count, last_at, dismissed_at FROM session_flags WHERE kind = ANY (:kinds)
      ORDER BY session_id LIMIT {MOST_FLAGS}) f
    -- OFFSET keeps the planner from reading the whole table instead of these few rows by their key.
    CROSS JOIN LATERAL (SELECT revocation_id FROM sessions WHERE id = f.session_id OFFSET 0) s GROUP BY kind
    UNION ALL
    SELECT '{REPLAYS}', count(*), NULL, max(at), 0, 0 FROM (
      SELECT at FROM audit_log WHERE event = 'authn_token_reuse' ORDER BY id DESC LIMIT {MOST_REPLAYS + 1}) a
    HAVING count(*) > 0"""

_ALERTS = text(
    f"""SELECT f.kind, f.count, f.last_at, f.last_address, s.id, s.site, s.user_id, s.user_name
    FROM (SELECT *, kind = ANY (:minor) AS minor FROM session_flags WHERE dismissed_at IS NULL
      ORDER BY minor, last_at DESC) f
    CROSS JOIN LATERAL (SELECT * FROM sessions s WHERE s.id = f.session_id AND {live.UNENDED} OFFSET 0) s
    ORDER BY f.minor, f.last_at DESC LIMIT 5"""
)

# Messages without a confirmation, the latest loss of rows of the audit log that nobody
# has recovered from yet, codes in place of a password, the newest open incidents, and how soon revocations are felt.
_ALARMS = f"""SELECT count(o.id) AS count, min(o.created_at) AS since, (array_agg(revocation_id ORDER BY id))[1] AS revocation_id,
      (array_agg(last_error ORDER BY id DESC))[1] AS last_error, lost.at AS lost_at, lost.rows AS lost_rows, lost.kept,
      glass.uses, glass.actors, glass.at AS glass_at, lonely.acts, lonely.actors AS lonely_actors, lonely.at AS lonely_at,
      (SELECT count(*) FROM approvals WHERE decided_at IS NULL AND expires_at > now()) AS waiting,
      ARRAY(SELECT place FROM honey_tokens WHERE hits > 0 AND retired_at IS NULL ORDER BY last_hit_at DESC LIMIT 5) AS honey,
      coalesce((SELECT found FROM drift_checks WHERE ended_at IS NOT NULL ORDER BY created_at DESC LIMIT 1), 0) AS drift,
      ARRAY(SELECT ARRAY[id::text, name, ticket] FROM incidents WHERE closed_at IS NULL
        ORDER BY created_at DESC, id DESC LIMIT {MOST_INCIDENTS}) AS incidents,
      (SELECT coalesce(json_agg(e), '[]') FROM ({EFFECTS}) e) AS effects
    FROM (SELECT count(*) AS uses, array_agg(DISTINCT actor ORDER BY actor) AS actors, max(at) AS at FROM audit_log
      WHERE event = '{EventName.BREAK_GLASS_USED}' AND at > now() - interval '1 day') glass
    CROSS JOIN (SELECT count(*) AS acts, array_agg(DISTINCT actor ORDER BY actor) AS actors, max(at) AS at FROM audit_log
      WHERE event = '{EventName.ACTED_ALONE}' AND at > now() - interval '1 day') lonely
    LEFT JOIN (SELECT at, (detail ->> 'rows')::bigint AS rows, (detail ->> 'kept')::bigint AS kept
      FROM audit_log WHERE event = '{EventName.AUDIT_ROWS_LOST}'
        AND id > coalesce((SELECT max(id) FROM audit_log WHERE event = '{EventName.RECOVERED}'), 0)
      ORDER BY id DESC LIMIT 1) lost ON true
    LEFT JOIN (SELECT * FROM revocation_outbox WHERE done_at IS NULL AND last_error IS NOT NULL LIMIT {MOST_MESSAGES + 1}) o ON true
    GROUP BY lost.at, lost.rows, lost.kept, glass.uses, glass.actors, glass.at, lonely.acts, lonely.actors, lonely.at"""

# A share of the newest says how many browsers can, and is read in no time however many sessions there are.
_BOUND = f"""SELECT s.site, count(*) AS sessions, count(*) FILTER (WHERE {live.BOUND}) AS bound
    FROM (SELECT * FROM sessions ORDER BY created_at DESC, id DESC LIMIT {NEWEST}) s
    WHERE {live.LIVE_AMONG_MANY} GROUP BY s.site"""

# The numbers and lines of the dashboard, in one statement.
_SUMMARY = text(
    f"""SELECT a.*, (SELECT coalesce(json_agg(t), '[]') FROM ({_ATTACKS}) t) AS attacks,
      (SELECT coalesce(json_agg(b), '[]') FROM ({_BOUND}) b) AS bound_shares
    FROM ({_ALARMS}) a"""
)

_HOURLY = text(
    f"""WITH hours AS (SELECT generate_series(date_trunc('hour', now(), 'UTC') - interval '{HOURS - 1} hours',
      date_trunc('hour', now(), 'UTC'), interval '1 hour') AS hour)
    SELECT hours.hour, a.event, a.count FROM hours LEFT JOIN (
      SELECT date_bin('1 hour', at, TIMESTAMPTZ '2000-01-01 00:00Z') AS hour, event, count(*) AS count FROM (
        SELECT at, event FROM audit_log WHERE at >= (SELECT min(hour) FROM hours) AND event = ANY (:events)
        ORDER BY at DESC LIMIT {_MOST_ROWS}) recent
      GROUP BY 1, 2) a ON a.hour = hours.hour
    ORDER BY hours.hour"""
)


@dataclass(frozen=True)
class BoundShare:
    """The share of a site's usable sessions that are bound to a device, among the newest NEWEST of all sessions."""

    site: str
    sessions: int
    bound: int


@dataclass(frozen=True)
class Attack:
    """A kind of attack: how many `tries`, on how many `sessions`, how many of these were `revoked` since and how many flags
    are still `open`; and the last try. Replays have no flag: the session was ended at once.
    """

    tries: int
    last_at: datetime
    sessions: int | None = None
    revoked: int = 0
    open: int = 0


@dataclass(frozen=True)
class Attacks:
    """The attacks by kind; a kind without a try is left out. Where `all_counted` is False, there are at least so many."""

    by_kind: dict[str, Attack]

    @property
    def all_counted(self) -> bool:
        """Return whether all flags were counted."""
        return sum(attack.sessions or 0 for attack in self.by_kind.values()) < MOST_FLAGS


@dataclass(frozen=True)
class Alert:
    """An open flag, with its session."""

    kind: str
    count: int
    last_at: datetime
    last_address: str | None
    id: UUID
    site: str
    user_id: UUID
    user_name: str


@dataclass(frozen=True)
class Failures:
    """The messages that the identity provider has not confirmed after a try: their number, since when, the revocation of the oldest, and
    the last error.
    """

    count: int
    since: datetime
    revocation_id: UUID
    last_error: str | None


@dataclass(frozen=True)
class LostRows:
    """Rows of the audit log that a worker has missed `at` an instant: how many at least, and the last row that was kept."""

    at: datetime
    rows: int
    kept: int


@dataclass(frozen=True)
class BreakGlassUses:
    """The codes that stood in for a password within a day: how many, whose, and when the last one did."""

    count: int
    actors: list[str]
    at: datetime


@dataclass(frozen=True)
class LonelyActs:
    """The acts without a second owner within a day: how many, whose, and when the last one was."""

    count: int
    actors: list[str]
    at: datetime


@dataclass(frozen=True)
class OpenIncident:
    """An incident that is not closed."""

    id: UUID
    name: str
    ticket: str


@dataclass(frozen=True)
class Alarms:
    """The alarms that the dashboard shows above all: revocations that the provider has not confirmed, lost rows of the audit log that
    nobody has recovered from yet (`shopforum recover`), codes that stood in for a password, acts without a second owner, how many
    requests wait for one, how many disagreements the latest comparison with FusionAuth has found, the places of honey tokens that were presented, and the newest open incidents, MOST_INCIDENTS at most. Beside them how soon revocations are felt, by place.
    """

    failures: Failures | None
    lost: LostRows | None
    break_glass: BreakGlassUses | None
    lonely: LonelyActs | None
    waiting: int
    drift: int
    honey: list[str]
    incidents: list[OpenIncident]
    effects: list[Effect]

    @property
    def any(self) -> bool:
        """Return whether there is anything to say."""
        told = (self.failures, self.lost, self.break_glass, self.lonely, self.waiting, self.drift)
        return any((*told, self.honey, self.incidents)) or any(one.unfelt for one in self.effects)


@dataclass(frozen=True)
class Summary:
    """The alarms, the attacks, and the share of bound sessions of each site that has sessions, in the order of the sites."""

    alarms: Alarms
    attacks: Attacks
    bound_shares: list[BoundShare]


@dataclass(frozen=True)
class Hourly:
    """The last HOURS hours, the oldest first, and for each charted event how often it happened in each of them."""

    hours: list[datetime]
    counts: dict[str, list[int]]


def alerts(db: ReadOnlyDatabase) -> list[Alert]:
    """Return the latest five open flags on sessions that have not ended; flags that say little come last."""
    minor = [kind for kind, label in labels.FLAGS.items() if label.severity == "info"]
    return [Alert(**row) for row in db.all(_ALERTS, minor=minor)]


def summary(db: ReadOnlyDatabase) -> Summary:
    """Return what the dashboard says in a number or a line: its alarms, the attacks, and the shares of bound sessions."""
    row = db.only(_SUMMARY, kinds=list(ATTACKS))
    attacks = {
        one.pop("kind"): Attack(**{**one, "last_at": datetime.fromisoformat(one["last_at"])})
        for one in map(dict, row["attacks"])
    }
    bound = {one["site"]: BoundShare(**one) for one in row["bound_shares"]}
    return Summary(_alarms(row), Attacks(attacks), [bound[site] for site in SITES if site in bound])


def _alarms(row: ResultRow) -> Alarms:
    failures = Failures(row["count"], row["since"], row["revocation_id"], row["last_error"])
    lost = LostRows(row["lost_at"], row["lost_rows"], row["kept"]) if row["lost_at"] else None
    uses = BreakGlassUses(row["uses"], row["actors"], row["glass_at"]) if row["uses"] else None
    incidents = [OpenIncident(UUID(key), name, ticket) for key, name, ticket in row["incidents"]]
    lonely = LonelyActs(row["acts"], row["lonely_actors"], row["lonely_at"]) if row["acts"] else None
    return Alarms(
        failures if failures.count else None,
        lost,
        uses,
        lonely,
        row["waiting"],
        row["drift"],
        row["honey"],
        incidents,
        [Effect(**one) for one in row["effects"]],
    )


def hourly(db: ReadOnlyDatabase, charted: list[str]) -> Hourly:
    """Count events of the last day by the hour. `charted` names events, or groups of events."""
    rows = db.all(_HOURLY, events=sorted({event for name in charted for event in events_of(name)}))
    hours = sorted({row["hour"] for row in rows})
    counts = {}
    for name in charted:
        by_hour, events = dict.fromkeys(hours, 0), events_of(name)
        for row in rows:
            if row["event"] in events:
                by_hour[row["hour"]] += row["count"]
        counts[name] = list(by_hour.values())
    return Hourly(hours, counts)
