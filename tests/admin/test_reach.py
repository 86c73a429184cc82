"""Role by route by reach: no way of ending, quarantining, releasing or refusing sessions reaches further than its actor may.

`reach_ways.py` has every way. Each is tried by each role, or by tokens of different scopes, for each reach. The
act is carried out, or it is refused with 403; then nothing was changed, and the audit log says who tried.
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import click
import pytest
from admin.approval_steps import decide, path_of
from admin.reach_ways import (
    API,
    API_OTHERS,
    APPROVAL,
    CONSOLE,
    CONSOLE_OTHERS,
    END,
    END_AND_REFUSE,
    EVERYONE,
    LIFT,
    MOST,
    NEXT,
    NUMBERS,
    OVER,
    OWNER,
    PEOPLE,
    QUARANTINE,
    REACHES,
    REFUSE,
    RELEASE,
    SITE,
    WIDE,
    Sql,
    Way,
    World,
    ids_of,
)
from api.conftest import Caller, make_token
from click.testing import CliRunner
from page_forms import form_of
from pyramid.security import NO_PERMISSION_REQUIRED
from support import Browser
from webtest import TestResponse

from shopforum.api import ApiApp
from shopforum.cli import main
from shopforum.core.permissions import READ
from shopforum.operations import limits, plans


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
