"""FusionAuth's events about users between their logins: names, lost roles, suspicions, refreshes by somebody else, a test."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from support import APPLICATIONS, Browser, Idp, person
from waiting import eventually
from webhooks.webhook_peers import about, application, signed_in

INFO = {"ipAddress": "203.0.113.9", "userAgent": "curl/8.5"}
MODERATORS = {"forums": ["moderator"]}


def group(**roles: list[str]) -> dict[str, Any]:
    """Return a group as FusionAuth's events hold one: roles by application."""
    granted = {
        APPLICATIONS.get(site, site).upper(): [{"id": str(uuid.uuid4()), "name": name} for name in names]
        for site, names in roles.items()
    }
    return {"id": str(uuid.uuid4()), "name": "Staff", "roles": granted}


def members(*names: str) -> list[dict[str, str]]:
    return [{"id": str(uuid.uuid4()), "userId": person(name).id} for name in names]


def old_roles(sql: Any) -> list[str]:
    """Return the sessions whose roles are to be read again, by name."""
    return [
        row["user_name"]
        for row in sql("SELECT user_name FROM sessions WHERE roles_read_at = 'epoch' ORDER BY 1")
    ]


@pytest.fixture
def at_forums(browser: Callable[..., Browser]) -> tuple[Browser, Browser]:
    """The moderator and the member at the forums."""
    clients = browser("forums"), browser("forums", "198.51.100.7")
    for client, name in zip(clients, ("moderator", "member"), strict=True):
        client.log_in(name)
    return clients


def test_a_user_who_leaves_a_group_loses_its_roles(at_forums: Any, fusionauth: Any, sql: Any) -> None:
    removed = {"group": group(**MODERATORS), "members": members("moderator", "member")}
    fusionauth.send(fusionauth.event("group.member.remove", **removed))
    # The member never had the role.
    assert [signed_in(client) for client in at_forums] == [False, True]
    [act] = sql("SELECT * FROM revocations")
    assert act["reason_code"] == "role_removed"


@pytest.mark.parametrize(
    ("kind", "fields", "old"),
    [
        ("group.delete", {"group": group(**MODERATORS)}, ["Moe Mooring"]),
        ("group.delete", {"group": group(forums=["member", "moderator"])}, ["Mia Marsh", "Moe Mooring"]),
        ("group.delete", {"group": group(store=["moderator"], elsewhere=["moderator"])}, []),
        ("group.update", {"group": group(), "original": group(**MODERATORS)}, ["Moe Mooring"]),
        ("group.update", {"group": group(**MODERATORS), "original": group(**MODERATORS)}, []),
        (
            "group.member.update",
            {"group": group(**MODERATORS), "members": members("member")},
            ["Moe Mooring"],
        ),
        ("group.member.update", {"group": group(**MODERATORS), "members": members("moderator")}, []),
        ("group.member.add", {"group": group(**MODERATORS), "members": members("moderator")}, []),
    ],
)
def test_roles_that_may_be_gone_are_read_again(
    at_forums: Any, fusionauth: Any, sql: Any, kind: str, fields: dict[str, Any], old: list[str]
) -> None:
    fusionauth.send(fusionauth.event(kind, **fields))
    assert old_roles(sql) == old
    assert all(signed_in(client) for client in at_forums)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("group.member.remove", {"members": []}),
        ("group.member.remove", {"group": group(), "members": [{"id": "x"}]}),
        ("group.member.remove", {"group": group(), "members": "all"}),
        ("group.delete", {"group": {"roles": {APPLICATIONS["store"]: "all"}}}),
        ("group.update", {"group": group()}),
        ("user.update", {"user": "Mia"}),
        ("user.email.update", {"user": {"email": "a@b.example"}}),
        ("user.login.suspicious", {}),
    ],
)
def test_an_event_without_what_its_type_needs_is_refused(
    fusionauth: Any, kind: str, fields: dict[str, Any]
) -> None:
    fusionauth.send(fusionauth.event(kind, **fields), status=400)


@pytest.mark.parametrize("kind", ["user.update", "user.email.update"])
def test_a_new_name_and_address_are_those_of_the_sessions(
    at_forums: Any, fusionauth: Any, sql: Any, audit_of: Any, kind: str
) -> None:
    event = fusionauth.event(
        kind, user={**about("member"), "email": "mia@new.example", "fullName": "Mia Moor"}, info=INFO
    )
    for _ in range(2):
        fusionauth.send(event)
    rows = sql("SELECT user_name, user_email FROM sessions ORDER BY user_name")
    assert [tuple(row.values()) for row in rows] == [
        ("Mia Moor", "mia@new.example"),
        ("Moe Mooring", person("moderator").email),
    ]
    [row] = audit_of("user_updated")
    assert (str(row["user_id"]), row["initiating_entity"], row["detail"]["sessions"]) == (
        person("member").id,
        "idp",
        1,
    )
    assert "mia@new.example" not in str(row)


def test_an_old_name_does_not_come_back(at_forums: Any, fusionauth: Any, sql: Any) -> None:
    event = fusionauth.event("user.update", user={**about("member"), "fullName": "Mia Maiden"})
    event["event"]["createInstant"] -= 60_000
    fusionauth.send(event)
    assert sql("SELECT 1 FROM sessions WHERE user_name = 'Mia Maiden'") == []


@pytest.mark.parametrize(
    ("kind", "name", "threats"),
    [
        ("user.login.suspicious", "login_suspicious", ["ImpossibleTravel"]),
        ("user.login.new-device", "login_new_device", None),
    ],
)
def test_suspicions_are_facts_in_the_audit_log(
    fusionauth: Any, audit_of: Any, kind: str, name: str, threats: list[str] | None
) -> None:
    more = {"threatsDetected": threats} if threats else {}
    event = fusionauth.event(
        kind, user=about("member"), applicationId=application("store"), info=INFO, **more
    )
    for _ in range(2):
        fusionauth.send(event)
    fusionauth.send(fusionauth.event(kind, user=about("member"), applicationId=str(uuid.uuid4())))
    [row] = audit_of(name)
    assert (str(row["user_id"]), row["site"], row["detail"].get("threats")) == (
        person("member").id,
        "store",
        threats,
    )
    assert (str(row["address"]), row["agent"]) == ("203.0.113.9", "curl/8.5")


def test_a_test_event_says_that_it_came(fusionauth: Any, audit_of: Any) -> None:
    fusionauth.send(fusionauth.event("test", message="It works!", tenantId=str(uuid.uuid4())))
    [row] = audit_of("webhook_tested")
    assert (row["site"], row["initiating_entity"]) == ("admin", "idp")


def test_a_token_that_is_refreshed_by_somebody_else_is_flagged(
    store: Browser, fusionauth: Any, idp: Idp, sql: Any, address: str, later: Any
) -> None:
    """A stolen refresh token works at FusionAuth, past our sites: nobody there asks who refreshes."""
    idp.hook("webhook", url=address)
    store.log_in("shopper")
    token = store.cookies["__Host-refresh"]
    flags = "SELECT kind, host(last_address) AS address, last_agent FROM session_flags"
    event = fusionauth.event(
        "jwt.refresh", applicationId=application("store"), refreshToken=token, token="x", info=INFO
    )
    # Our own refresh tells of itself just now.
    fusionauth.send(event)
    assert sql(flags) == []
    later(3600)
    requests.post(f"{idp.url}/api/jwt/refresh", json={"refreshToken": token}, timeout=60).raise_for_status()
    eventually(lambda: [row["kind"] for row in sql(flags)] == ["refreshed_elsewhere"])
    event["event"]["id"] = str(uuid.uuid4())
    fusionauth.send(event)
    assert sql(flags) == [{"kind": "refreshed_elsewhere", "address": "203.0.113.9", "last_agent": "curl/8.5"}]
    assert token not in str(sql("SELECT * FROM audit_log")) + str(sql("SELECT * FROM webhook_events"))


def test_a_refresh_of_ours_is_no_foreign_one(
    store: Browser, idp: Idp, fusionauth: Any, sql: Any, address: str, later: Any
) -> None:
    store.log_in("shopper")
    idp.hook("webhook", url=address)
    later(3600)
    assert signed_in(store)
    eventually(lambda: sql("SELECT 1 FROM webhook_events WHERE type = 'jwt.refresh'") != [])
    assert sql("SELECT kind FROM session_flags") == []


@pytest.fixture
def audit_of(sql: Any) -> Callable[[str], list[Any]]:
    return lambda event: sql("SELECT * FROM audit_log WHERE event = :event ORDER BY id", event=event)
