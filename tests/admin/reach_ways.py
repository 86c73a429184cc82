"""Each way of ending, quarantining, releasing or refusing sessions, on the console and by the API, and the people whom they reach.

`CONSOLE` and `API` have every way; `CONSOLE_OTHERS` and `API_OTHERS` have the acts that do none of these.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from shopforum.operations import incidents, plans
from shopforum.operations.filters import parse_query
from shopforum.sessions import Reason, live
from shopforum.sessions.audit import Client

Sql = Callable[..., list[Any]]

# The reaches: how many people, and whose sessions. NEXT is one person more, in an act of its own, after an act on as many
# people as an hour allows.
ONE, MOST, NEXT, OVER, SITE, EVERYONE, OWNER = REACHES = (
    *("one session", "the limit", "one more within the hour", "one more than the limit"),
    *("a site", "everyone", "an owner at the console"),
)
# They take the permission for whole sites, whatever was done before.
WIDE = (OVER, SITE, EVERYONE, OWNER)

# The limit here is a few people, as what it is makes no difference; `test_plans.py` has the real one.
PEOPLE = 5

# The people: as many as the limit in one network, one next to it, one more on the same site, two on another site; and an owner.
NUMBERS = {
    ONE: [1],
    MOST: [*range(1, PEOPLE + 1)],
    NEXT: [PEOPLE + 1],
    OVER: [*range(1, PEOPLE + 2)],
    SITE: [*range(1, PEOPLE + 3)],
    EVERYONE: [*range(1, PEOPLE + 5)],
    OWNER: [999],
}
ALL = [*NUMBERS[EVERYONE], *NUMBERS[OWNER]]


def session_of(number: int) -> str:
    return str(UUID(int=10_000 + number))


def user_of(number: int) -> str:
    return str(UUID(int=20_000 + number))


def ids_of(reach: str) -> list[str]:
    return [session_of(number) for number in NUMBERS[reach]]


# The same reaches as filters. A rule or an incident needs more than a site.
FILTERS = {
    ONE: {"user": user_of(1)},
    MOST: {"ip": "203.0.113.0/24"},
    NEXT: {"user": user_of(PEOPLE + 1)},
    OVER: {"ip": "203.0.112.0/23"},
    SITE: {"site": "store"},
    EVERYONE: {"device": "curl"},
    OWNER: {"user": user_of(999)},
}
RULES = {**FILTERS, SITE: {"site": "store", "device": "curl"}}
USERS = {reach: {"user": FILTERS[reach]["user"]} for reach in (ONE, NEXT, OWNER)}
SITES = {SITE: {"site": "store"}}

_INSERT = """INSERT INTO sessions (id, site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end, last_seen_at, address,
    agent, quarantined_at, quarantine_reason, epoch)
  SELECT (CAST(:ids AS uuid[]))[n], CASE WHEN n > :people THEN 'admin' WHEN n > :people - 2 THEN 'forums' ELSE 'store' END,
    (CAST(:users AS uuid[]))[n], 'Somebody', CASE WHEN n > :people THEN ARRAY['owner'] ELSE ARRAY[]::text[] END, now(),
    now() + interval '1 day', now() + interval '1 hour', now(),
    CAST(CASE WHEN n <= :most THEN '203.0.113.7' WHEN n = :most + 1 THEN '203.0.112.7' ELSE '192.0.2.200' END AS inet),
    CASE WHEN n > :people THEN '' ELSE 'curl/8.5' END, CASE WHEN :quarantined THEN now() END,
    CASE WHEN :quarantined THEN 'incident' END, (SELECT n FROM revocation_counter)
  FROM generate_series(1, :people + 1) n"""
_PLACES = """INSERT INTO session_places (session_id, address, agent)
  SELECT id, address, agent FROM sessions WHERE user_name = 'Somebody' RETURNING 1"""
_DELETE = """DELETE FROM sessions WHERE user_name = 'Somebody'; DELETE FROM session_places; DELETE FROM revocation_gates;
  DELETE FROM standing_rules"""
_RULE = """INSERT INTO standing_rules (until, user_id, site, network, device, actor, reason_code, reason_admin, reason_user)
  VALUES (now() + interval '1 hour', CAST(:user AS uuid), :site, CAST(:ip AS cidr), :device, 'somebody', 'incident', '', '')
  RETURNING id"""
# The state of each session, and the rows of an act in the other tables.
_SNAPSHOT = f"""SELECT (SELECT jsonb_object_agg(s.id, CASE WHEN s.ended_at IS NOT NULL OR {live.GATED} THEN 'ended'
      WHEN s.quarantined_at IS NOT NULL THEN 'quarantined' ELSE 'served' END)
      FROM sessions s WHERE s.id = ANY (CAST(:ids AS uuid[]))) AS states,
    (SELECT count(*) FROM standing_rules WHERE lifted_at IS NULL) AS rules,
    (SELECT count(*) FROM revocations) AS revocations, (SELECT count(*) FROM revocation_gates) AS gates,
    (SELECT count(*) FROM approvals) AS approvals"""

# The effects of acts: the state of the sessions, the rules in force afterwards, and the row in the audit log.
END = ("ended", 0, "authn_token_revoked")
END_AND_REFUSE = ("ended", 1, "authn_token_revoked")
QUARANTINE = ("quarantined", 0, "session_quarantined")
RELEASE = ("served", 0, "session_released")
REFUSE = ("served", 1, "standing_rule_added")
LIFT = ("served", 0, "standing_rule_lifted")


@dataclass
class World:
    """The people's sessions in the database, and an incident and a rule for each reach."""

    sql: Sql
    services: Any
    incident_ids: dict[str, UUID] = field(default_factory=dict)
    rule_id: str = ""

    def begin(self, way: "Way | None" = None, reach: str = "") -> None:
        """Put the sessions back to what they were: served, or in quarantine; with a rule in force that is to be lifted."""
        self.sql(
            f"{_DELETE}; {_INSERT}; {_PLACES}",
            ids=[*map(session_of, ALL)],
            users=[*map(user_of, ALL)],
            most=PEOPLE,
            people=len(NUMBERS[EVERYONE]),
            quarantined=way is not None and way.effect is RELEASE,
        )
        if way is not None and way.effect is LIFT:
            fields = {"user": None, "site": None, "ip": None, "device": "", **RULES[reach]}
            self.rule_id = str(self.sql(_RULE, **fields)[0]["id"])

    def incident(self, reach: str) -> str:
        if reach not in self.incident_ids:
            reason = Reason("admin", "somebody", "incident")
            chosen = [parse_query(urlencode(RULES[reach]))]
            self.incident_ids[reach] = incidents.begin(self.services.db, reach, "", chosen, reason, Client())
        return f"/incidents/{self.incident_ids[reach]}/contain"

    def snapshot(self) -> tuple[dict[str, str], dict[str, int]]:
        """Everything that an act could change, without the audit log."""
        [row] = self.sql(_SNAPSHOT, ids=[*map(session_of, ALL)])
        left = dict(row)
        return left.pop("states"), left

    def last(self) -> int:
        """The number of the newest row of the audit log."""
        last: int = self.sql("SELECT coalesce(max(id), 0) AS last FROM audit_log")[0]["last"]
        return last

    def written(self, last: int) -> list[tuple[str, str]]:
        """The rows of the audit log since `last`: event and actor."""
        rows = self.sql("SELECT event, actor FROM audit_log WHERE id > :last ORDER BY id", last=last)
        return [(row["event"], row["actor"]) for row in rows]


# The request of a way for a reach: a path and the fields that name the target, or a path and a JSON body.
Build = Callable[[World, str], tuple[str, Any]]


@dataclass(frozen=True)
class Way:
    """A way to act: its route and method, the reaches that it can name, and its effect. `counts`: the acts of an hour add up.
    `page`: GET shows the same target. `scopes`: those of which a token needs one.
    """

    name: str
    route: str
    effect: tuple[str, int, str]
    build: Build
    reaches: tuple[str, ...] = REACHES
    method: str = "POST"
    counts: bool = True
    page: bool = False
    scopes: tuple[str, ...] = ()


def fields_of(path: str, target: Callable[[str], Any]) -> Build:
    return lambda world, reach: (path, target(reach))


def by_filter(reach: str) -> dict[str, Any]:
    return {"filter": urlencode(FILTERS[reach]), "digest": plans.digest(map(UUID, ids_of(reach)))}


def by_ids(reach: str) -> dict[str, Any]:
    return {"session": ids_of(reach)}


def rule_fields(reach: str) -> dict[str, Any]:
    names = {"user": "user", "ip": "network", "device": "device", "site": "on_site"}
    return {names[name]: value for name, value in RULES[reach].items()}


CONSOLE = (
    Way("end by filter", "admin_revoke", END, fields_of("/sessions/revoke", by_filter), page=True),
    Way("end ticked sessions", "admin_revoke", END, fields_of("/sessions/revoke", by_ids), page=True),
    Way(
        "end all of a user or a site",
        "admin_revoke",
        END,
        fields_of("/sessions/revoke", lambda reach: {**(USERS | SITES)[reach], "word": "store"}),
        reaches=(ONE, NEXT, SITE, OWNER),
    ),
    Way(
        "end by filter, and refuse",
        "admin_revoke",
        END_AND_REFUSE,
        fields_of(
            "/sessions/revoke",
            lambda reach: {**by_filter(reach), "block": "y"},
        ),
        reaches=(ONE, MOST, NEXT, OVER, EVERYONE, OWNER),
    ),
    Way(
        "end everyone's or a site's",
        "admin_everyone",
        END,
        fields_of(
            "/revoke-everyone",
            lambda reach: {"word": "store", "site": "store"} if reach == SITE else {"word": "everyone"},
        ),
        reaches=(SITE, EVERYONE),
        page=True,
    ),
    Way(
        "quarantine by filter",
        "admin_quarantine",
        QUARANTINE,
        fields_of("/sessions/quarantine", by_filter),
        page=True,
    ),
    Way(
        "quarantine ticked sessions",
        "admin_quarantine",
        QUARANTINE,
        fields_of("/sessions/quarantine", by_ids),
    ),
    Way("release by filter", "admin_release", RELEASE, fields_of("/sessions/release", by_filter), page=True),
    Way("release ticked sessions", "admin_release", RELEASE, fields_of("/sessions/release", by_ids)),
    Way("add a rule", "admin_rules", REFUSE, fields_of("/rules", rule_fields)),
    Way(
        "lift a rule",
        "admin_rule_lift",
        LIFT,
        lambda world, reach: (f"/rules/{world.rule_id}/lift", {}),
        counts=False,
        page=True,
    ),
    Way(
        "contain an incident",
        "admin_incident_contain",
        END_AND_REFUSE,
        lambda world, reach: (world.incident(reach), {}),
        page=True,
    ),
)
# An approval carries out what another owner has asked for; `test_approvals.py` has it.
APPROVAL = {("admin_approval", "POST")}
# Acts that end, quarantine, release and refuse no session, and what they do.
CONSOLE_OTHERS = {
    ("admin_dismiss", "GET"): "flags",
    ("admin_dismiss", "POST"): "flags",
    ("admin_flag", "POST"): "flags",
    ("admin_select", "POST"): "ticks of a list",
    ("admin_user_select", "POST"): "ticks of a list",
    ("admin_drift", "POST"): "a comparison",
    ("admin_honey", "POST"): "honey tokens",
    ("admin_honey_retire", "POST"): "honey tokens",
    ("admin_incidents", "POST"): "an incident's name and filters",
    ("admin_incident_filters", "POST"): "an incident's name and filters",
    ("admin_incident_filter_remove", "POST"): "an incident's name and filters",
    ("admin_incident_notes", "POST"): "an incident's notes",
    ("admin_incident_close", "POST"): "an incident's state",
    ("admin_tokens", "GET"): "API tokens",
    ("admin_tokens", "POST"): "API tokens",
    ("admin_token_revoke", "POST"): "API tokens",
    ("admin_user_tokens", "POST"): "API tokens",
    ("admin_redeliver", "POST"): "webhooks",
}

REASON = {"reason": {"code": "incident"}}
SMALL, BOTH = ("sessions:revoke",), ("sessions:revoke", "everyone:revoke")


def scope(named: Mapping[str, Any]) -> Build:
    return lambda world, reach: ("/revocations", {"scope": named[reach], **REASON})


API = (
    Way(
        "end named sessions",
        "/api/v1/revocations",
        END,
        scope({reach: {"sessions": ids_of(reach)} for reach in REACHES}),
        scopes=BOTH,
    ),
    Way(
        "end a session",
        "/api/v1/sessions/{id}",
        END,
        lambda world, reach: (f"/sessions/{ids_of(reach)[0]}", None),
        reaches=(ONE, NEXT, OWNER),
        method="DELETE",
        scopes=SMALL,
    ),
    Way(
        "end by filter",
        "/api/v1/revocations",
        END,
        scope({reach: {"filter": FILTERS[reach]} for reach in REACHES}),
        scopes=BOTH,
    ),
    Way(
        "end an address, a user, a site, everyone",
        "/api/v1/revocations",
        END,
        scope(FILTERS | {EVERYONE: {"everyone": True}}),
        scopes=BOTH,
    ),
    Way(
        "end all of a user",
        "/api/v1/global-token-revocation",
        END,
        lambda world, reach: (
            "/global-token-revocation",
            {"sub_id": {"format": "opaque", "id": FILTERS[reach]["user"]}},
        ),
        reaches=(ONE, NEXT, OWNER),
        scopes=SMALL,
    ),
    Way(
        "add a rule",
        "/api/v1/rules",
        REFUSE,
        lambda world, reach: ("/rules", {**RULES[reach], "seconds": 600, **REASON}),
        scopes=SMALL,
    ),
    Way(
        "lift a rule",
        "/api/v1/rules/{id}",
        LIFT,
        lambda world, reach: (f"/rules/{world.rule_id}", None),
        method="DELETE",
        counts=False,
        scopes=SMALL,
    ),
    Way(
        "contain an incident",
        "/api/v1/incidents/{id}/contain",
        END_AND_REFUSE,
        lambda world, reach: (world.incident(reach), {"seconds": 600}),
        scopes=BOTH,
    ),
)
API_OTHERS = {
    ("/api/v1/rules", "GET"): "the list of rules",
    ("/api/v1/incidents", "POST"): "an incident's name and filters",
    ("/api/v1/incidents/{id}/filters", "POST"): "an incident's name and filters",
    ("/api/v1/incidents/{id}/filters/remove", "POST"): "an incident's name and filters",
    ("/api/v1/approvals/{id}", "GET"): "a request as it stands",
}
