"""Role by route by reach: no way of ending, quarantining, releasing or refusing sessions reaches further than its actor may.

`CONSOLE` and `API` have every way. Each is tried by each role, or by tokens of different scopes, for each reach. The
act is carried out, or it is refused with 403; then nothing was changed, and the audit log says who tried.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import click
import pytest
from admin.approval_steps import decide, path_of
from api.conftest import Caller, make_token
from click.testing import CliRunner
from page_forms import form_of
from pyramid.security import NO_PERMISSION_REQUIRED
from support import Browser
from webtest import TestResponse

from shopforum.api import ApiApp
from shopforum.cli import main
from shopforum.core.permissions import READ
from shopforum.operations import incidents, limits, plans
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


def acts(app: Any, harmless: set[str]) -> set[tuple[str, str]]:
    """The routes and methods of an app that take more than a harmless permission."""
    introspector = app.registry.introspector
    found: set[tuple[str, str]] = set()
    for item in introspector.get_category("permissions"):
        permission = item["introspectable"]["value"]
        if {*str(permission).split()} <= harmless:
            continue
        for view in item["related"]:
            if view.category_name == "views" and view["route_name"]:
                methods = view["request_methods"] or ("GET", "POST")
                methods = (methods,) if isinstance(methods, str) else methods
                found |= {(view["route_name"], method) for method in methods if method != "HEAD"}
    return found


def test_every_act_of_the_console_is_in_the_table(apps: dict[str, Any]):
    mine = {(way.route, way.method) for way in CONSOLE} | {(way.route, "GET") for way in CONSOLE if way.page}
    found = acts(apps["admin"], {READ, NO_PERMISSION_REQUIRED})
    assert found == mine | APPROVAL | {*CONSOLE_OTHERS}, "a new act needs a way in the table"
    assert not mine & {*CONSOLE_OTHERS}


def test_every_act_of_the_api_is_in_the_table(apps: dict[str, Any]):
    app = apps["admin"].services.get(ApiApp).router
    mine = {(way.route, way.method) for way in API}
    found = acts(app, {"sessions:read", "events:read", NO_PERMISSION_REQUIRED})
    assert found == mine | {*API_OTHERS}, "a new act needs a way in the table"
    assert not mine & {*API_OTHERS}


@pytest.fixture
def world(apps: dict[str, Any], sql: Sql, monkeypatch: pytest.MonkeyPatch) -> World:
    for module in (limits, plans):
        monkeypatch.setattr(module, "PEOPLE", PEOPLE)
    return World(sql, apps["admin"].services)


def cells(ways: tuple[Way, ...], *, limited: bool) -> Iterator[tuple[Way, str]]:
    """All ways and reaches. The act on as many people as an hour allows comes before the one on one more; an actor without
    that limit, or without any right to act, is not tried twice.
    """
    for way in ways:
        for reach in REACHES:
            if reach in way.reaches and (limited or reach not in (MOST, NEXT)):
                yield way, reach


def confirmed(path: str, target: dict[str, Any], reach: str, csrf: str) -> Any:
    """Return the fields of a form that says everything that any page asks for."""
    count = str(len(NUMBERS[reach]))
    more = {"csrf_token": csrf, "confirm": "yes", "reason": "incident", "text": "INC-7", "span": "3600"}
    return urlencode({**more, "shown": count, "number": count, **target}, doseq=True)


def check(
    world: World, way: Way, reach: str, *, allowed: bool, act: Callable[[], TestResponse], actor: str
) -> None:
    """Act, and see that all was done or nothing."""
    at = f"{way.name}, {reach}, {actor}"
    before, last = world.snapshot(), world.last()
    answer = act()
    after, events = world.snapshot(), world.written(last)
    if not allowed:
        assert answer.status_int == 403, (at, answer)
        assert after == before, at
        [(event, who)] = events
        assert (event in ("authz_fail", "api_token_refused"), who) == (True, actor), (at, events)
        return
    assert answer.status_int in (200, 201, 204, 303), (at, answer)
    state, rules, event = way.effect
    start = "quarantined" if way.effect is RELEASE else "served"
    states = {each: state if each in ids_of(reach) else start for each in before[0]}
    if reach == EVERYONE and way.effect is END and after[1]["gates"]:
        states[ids_of(OWNER)[0]] = state
    assert after[0] == states, at
    assert after[1]["rules"] == rules, at
    assert (event, actor) in events, (at, events)
    assert not {"authz_fail", "api_token_refused"} & {name for name, _ in events}, at


@pytest.mark.parametrize("role", ["viewer", "responder", "owner"])
def test_every_way_of_the_console(role: str, world: World, console: Callable[[str], Browser]):
    client = console(role)
    csrf = form_of(client.get("/help"), "/logout")["csrf_token"].value
    actor = f"{role}@harbour.example"
    dirty = True
    for way, reach in cells(CONSOLE, limited=role == "responder"):
        allowed = role == "owner" or (
            role == "responder" and reach not in WIDE and not (reach == NEXT and way.counts)
        )
        if dirty or way.effect in (RELEASE, LIFT):
            world.begin(way, reach)
        dirty = allowed or way.effect in (RELEASE, LIFT)
        path, target = way.build(world, reach)
        if way.page and reach == (OVER if OVER in way.reaches else SITE):
            before = world.snapshot()
            shown = client.get(f"{path}?{urlencode(target, doseq=True)}", expect_errors=True)
            assert shown.status_int == (200 if allowed else 403), (way.name, reach)
            assert world.snapshot() == before, way.name
        sent = confirmed(path, target, reach, csrf)
        check(
            world,
            way,
            reach,
            allowed=allowed,
            act=lambda path=path, sent=sent: client.post(path, sent, expect_errors=True),
            actor=actor,
        )


TOKENS = {
    "reader": ("sessions:read", "events:read"),
    "limited": ("sessions:read", "sessions:revoke"),
    "whole": ("everyone:revoke",),
    "full": ("sessions:read", "sessions:revoke", "everyone:revoke", "events:read"),
}


def may(scopes: tuple[str, ...], way: Way, reach: str) -> bool:
    """Return whether a token with these scopes may go this way so far."""
    if not {*scopes} & {*way.scopes}:
        return False
    if "everyone:revoke" in scopes:
        # Containing an incident takes one scope; ending sessions takes the scope that their number takes.
        return reach in WIDE or "sessions:revoke" in scopes or way.name == "contain an incident"
    return reach not in WIDE and not (reach == NEXT and way.counts)


@pytest.mark.parametrize("name", TOKENS)
def test_every_way_of_the_api(name: str, world: World, apps: dict[str, Any]):
    call = Caller(apps["admin"], make_token(apps["admin"], *TOKENS[name], name=name))
    dirty = True
    for way, reach in cells(API, limited=name == "limited"):
        allowed = may(TOKENS[name], way, reach)
        if dirty or way.effect is LIFT:
            world.begin(way, reach)
        dirty = allowed or way.effect is LIFT
        path, body = way.build(world, reach)
        if name == "limited" and isinstance(body, dict) and "reason" in body:
            before = world.snapshot()
            dry = call("POST", path, {**body, "dry_run": True})
            assert dry.status_int == (403 if reach in WIDE else 200), (
                way,
                reach,
            )
            assert world.snapshot() == before
        check(
            world,
            way,
            reach,
            allowed=allowed,
            act=lambda way=way, path=path, body=body: call(way.method, path, body),
            actor=f"token:{name}",
        )


def lower(sql: Sql, client: Browser, role: str) -> None:
    """Give the newest session of an owner another role, as FusionAuth would at the next refresh."""
    sql(
        """UPDATE sessions SET roles = ARRAY[:role], roles_read_at = now() + interval '1 hour'
        WHERE site = 'admin' AND user_name <> 'Somebody' RETURNING 1""",
        role=role,
    )


@pytest.mark.parametrize("role", ["viewer", "responder"])
def test_a_form_saved_before_the_role_was_lowered(
    role: str, world: World, console: Callable[[str], Browser], sql: Sql
):
    client = console("owner")
    saved = []
    for way in CONSOLE:
        reach = OVER if OVER in way.reaches else SITE
        world.begin(way, reach)
        path, target = way.build(world, reach)
        if way.page:
            page = client.get(f"{path}?{urlencode(target, doseq=True)}", status=200)
            fields = dict(form_of(page, path).submit_fields())
        else:
            fields = {"csrf_token": form_of(client.get("/help"), "/logout")["csrf_token"].value}
        saved.append((way, reach, path, {**{name: text for name, text in fields.items() if text}, **target}))
    lower(sql, client, role)
    for way, reach, path, fields in saved:
        world.begin(way, reach)
        now = f"/rules/{world.rule_id}/lift" if way.effect is LIFT else path
        sent = confirmed(now, fields, reach, fields["csrf_token"])
        check(
            world,
            way,
            reach,
            allowed=False,
            act=lambda now=now, sent=sent: client.post(now, sent, expect_errors=True),
            actor="owner@harbour.example",
        )


APPROVED = (
    "end everyone's or a site's",
    "end by filter",
    "quarantine ticked sessions",
    "release by filter",
    "add a rule",
    "contain an incident",
)


def test_only_a_second_owner_approves(world: World, owners: tuple[Browser, Browser], sql: Sql):
    first, second = owners
    csrf = form_of(first.get("/help"), "/logout")["csrf_token"].value
    for way in CONSOLE:
        if way.name not in APPROVED:
            continue
        reach = OVER if OVER in way.reaches else SITE
        world.begin(way, reach)
        before = world.snapshot()
        path, target = way.build(world, reach)
        asked = path_of(first.post(path, confirmed(path, target, reach, csrf)))
        waits = (before[0], {**before[1], "approvals": before[1]["approvals"] + 1})
        assert world.snapshot() == waits, way.name
        assert "approval_over" in decide(first, asked).location
        for role in ("viewer", "responder"):
            token = form_of(second.get(asked), "/logout")["csrf_token"].value
            lower(sql, second, role)
            second.post(asked, {"csrf_token": token, "decision": "approve"}, status=403)
            first.post(asked, {"csrf_token": csrf, "decision": "approve"}, status=403)
            assert world.snapshot() == waits, way.name
            lower(sql, second, "owner")
        last = world.last()
        decide(second, asked)
        assert way.effect[2] in [event for event, _ in world.written(last)], way.name
        assert {world.snapshot()[0][each] for each in ids_of(reach)} == {way.effect[0]}, way.name


@pytest.mark.parametrize("reach", [OVER, SITE])
def test_a_call_sent_again_reaches_no_further(reach: str, world: World, apps: dict[str, Any], sql: Sql):
    limited = Caller(apps["admin"], make_token(apps["admin"], *TOKENS["limited"], name="limited"))
    full = Caller(apps["admin"], make_token(apps["admin"], *TOKENS["full"], name="full"))
    for way in API:
        if way.route not in ("/api/v1/revocations", "/api/v1/rules") or way.method != "POST":
            continue
        key = way.name.replace(" ", "-")
        world.begin()
        path, body = way.build(world, reach)
        before = world.snapshot()
        for _ in range(2):
            limited("POST", path, body, 403, Idempotency_Key=key)
        assert world.snapshot() == before, way.name
        full("POST", path, body, 201, Idempotency_Key=key)
        # Sent again the act is not done again, and even less by a token that has lost the scope for it.
        world.begin()
        before = world.snapshot()
        limited("POST", path, body, 403, Idempotency_Key=key)
        assert full("POST", path, body, 201, Idempotency_Key=key).headers["Idempotent-Replayed"] == "true"
        sql("UPDATE api_tokens SET scopes = '{sessions:revoke}' WHERE name = 'full' RETURNING 1")
        full("POST", path, body, Idempotency_Key=key)
        full("POST", path, body, 403, Idempotency_Key=f"{key}-2")
        assert world.snapshot() == before, way.name
        sql(
            "UPDATE api_tokens SET scopes = '{sessions:revoke,everyone:revoke}' WHERE name = 'full' RETURNING 1"
        )


# The command line acts as the operator, without a limit: `docs/operations.md` says so. Each command with its effect.
COMMANDS = {
    "sessions revoke": (["--everyone", "--reason", "incident"], END),
    "sessions quarantine": (["--device", "curl", "--reason", "incident"], QUARANTINE),
    "sessions release": (["--device", "curl", "--reason", "incident"], RELEASE),
    "sessions rule add": (["--device", "curl", "--reason", "incident"], REFUSE),
    "sessions rule lift": ([], LIFT),
    "sessions incident contain": ([], END_AND_REFUSE),
}
# Ends sessions after a restored backup; `tests/cli/test_recover.py` has it.
OTHER_COMMANDS = {"recover"}


def asking(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """The commands that ask before they act."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            if found is not None:
                yield from asking(found, (*path, name))
    elif any(option.name == "yes" for option in command.params):
        yield " ".join(path)


def test_every_act_of_the_command_line_is_in_the_table():
    assert {*asking(main)} == {*COMMANDS} | OTHER_COMMANDS


def test_the_command_line_has_no_limit_and_leaves_its_name(world: World, write_ini: Callable[..., str]):
    ini = write_ini(**{"admin.two_people": "true"})
    for command, (options, effect) in COMMANDS.items():
        way = Way(command, "", effect, lambda world, reach: ("", None))
        world.begin(way, EVERYONE)
        named = {
            "sessions rule lift": world.rule_id,
            "sessions incident contain": world.incident(EVERYONE).split("/")[2],
        }
        more = [named[command]] if command in named else []
        last = world.last()
        done = CliRunner().invoke(main, [*command.split(), ini, *more, *options, "--yes"])
        assert done.exit_code in (0, 4), (command, done.output)
        states, left = world.snapshot()
        assert {states[each] for each in ids_of(EVERYONE)} == {effect[0]}, command
        assert left["rules"] == effect[1], command
        events = world.written(last)
        assert effect[2] in [event for event, _ in events], command
        assert {who.partition(":")[0] for _, who in events} == {"cli"}, command
        # Lifting a rule takes one owner; the others take two, and going without the second is a row of its own.
        assert ("acted_alone" in [event for event, _ in events]) == (effect is not LIFT), command
