"""FusionAuth's events are accepted once, in time and signed, and change the sessions that they name."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import requests
from session_fixtures import together
from support import TENANT, Browser, person
from waiting import eventually
from webhooks.webhook_peers import about, application, signed_in

from shopforum.core import purge
from shopforum.sessions import Reason, Scope, jobs
from shopforum.sessions.audit import Client
from shopforum.webhooks import jobs as webhook_jobs

ID = b"1b4e28ba-2fa1-4d2b-883f-0016d3cca427"


def token_of(sql: Any, name: str, site: str) -> dict[str, Any]:
    [row] = sql(
        "SELECT refresh_token_id FROM sessions WHERE user_id = :u AND site = :s AND ended_at IS NULL",
        u=person(name).id,
        s=site,
    )
    return {"id": str(row["refresh_token_id"]), "applicationId": application(site), "userId": person(name).id}


@pytest.fixture
def two_sites(browser: Callable[..., Browser]) -> tuple[Browser, Browser, Browser]:
    """The member at store and forums, and somebody else at the store."""
    clients = browser("store"), browser("forums"), browser("store", "198.51.100.7")
    for client, name in zip(clients, ("member", "member", "shopper"), strict=True):
        client.log_in(name)
    return clients


def test_one_token_ends_one_session(two_sites: Any, fusionauth: Any, sql: Any) -> None:
    token = token_of(sql, "member", "store")
    fusionauth.send(
        fusionauth.event(
            "jwt.refresh-token.revoke",
            userId=person("member").id,
            applicationId=application("store"),
            refreshToken=token,
        )
    )
    assert [signed_in(client) for client in two_sites] == [False, True, True]
    [act] = sql("SELECT * FROM revocations")
    assert (act["initiating_entity"], act["reason_code"]) == ("idp", "revoked_at_provider")
    assert sql("SELECT 1 FROM revocation_outbox") == []


@pytest.mark.parametrize(
    ("kind", "fields", "left"),
    [
        ("jwt.refresh-token.revoke", {"userId": "member"}, [False, False, True]),
        ("jwt.refresh-token.revoke", {"userId": "member", "applicationId": "forums"}, [True, False, True]),
        ("jwt.refresh-token.revoke", {"applicationId": "store"}, [False, True, False]),
        ("user.deactivate", {"user": "member"}, [False, False, True]),
        ("user.delete", {"user": "member"}, [False, False, True]),
        ("user.password.update", {"user": "member"}, [False, False, True]),
        ("user.password.reset.success", {"user": "member"}, [False, False, True]),
        ("user.registration.delete", {"user": "member", "applicationId": "forums"}, [True, False, True]),
        ("user.login.success", {"user": "member"}, [True, True, True]),
        ("jwt.refresh-token.revoke", {"userId": "member", "applicationId": "none"}, [True, True, True]),
        ("test", {}, [True, True, True]),
    ],
)
def test_each_event_ends_what_it_speaks_of(
    two_sites: Any, fusionauth: Any, sql: Any, kind: str, fields: dict[str, str], left: list[bool]
) -> None:
    spelled = {
        name: {
            "user": about,
            "userId": lambda value: person(value).id,
            "applicationId": lambda value: str(uuid.uuid4()) if value == "none" else application(value),
        }[name](value)
        for name, value in fields.items()
    }
    fusionauth.send(fusionauth.event(kind, **spelled))
    assert [signed_in(client) for client in two_sites] == left
    assert sql("SELECT 1 FROM revocation_outbox") == []


def test_a_role_that_is_taken_away_ends_and_a_role_that_is_given_does_not(
    browser: Callable[..., Browser], fusionauth: Any
) -> None:
    forums = browser("forums")
    forums.log_in("moderator")
    for roles, left in ((["member", "moderator", "founder"], True), (["member"], False)):
        fusionauth.send(
            fusionauth.event(
                "user.registration.update",
                user=about("moderator"),
                applicationId=application("forums"),
                registration={"roles": roles},
            )
        )
        assert signed_in(forums) is left


def test_the_login_page_says_why(two_sites: Any, fusionauth: Any) -> None:
    fusionauth.send(fusionauth.event("user.password.update", user=about("member")))
    answer = two_sites[0].get("/shopping-cart", status=302)
    assert "Your password was changed" in answer.follow().text


def test_a_late_event_ends_no_newer_login(browser: Callable[..., Browser], fusionauth: Any) -> None:
    client = browser("store")
    client.log_in("member")
    event = fusionauth.event("user.password.update", user=about("member"))
    event["event"]["createInstant"] -= 60_000
    fusionauth.send(event)
    assert signed_in(client)


def test_an_event_that_is_delivered_again_is_applied_once(two_sites: Any, fusionauth: Any, sql: Any) -> None:
    event = fusionauth.event("user.deactivate", user=about("shopper"))
    fusionauth.send(event)
    two_sites[2].log_in("shopper")
    fusionauth.send(event)
    assert signed_in(two_sites[2])
    assert len(sql("SELECT 1 FROM revocations WHERE initiating_entity = 'idp'")) == 1
    assert refused(sql) == []


def test_an_event_that_is_delivered_eight_times_at_once_is_applied_once(
    two_sites: Any, fusionauth: Any, sql: Any
) -> None:
    event = fusionauth.event("user.deactivate", user=about("shopper"))
    answers = together(*[lambda: fusionauth.send(event).status_int] * 8)
    assert answers == [204] * 8
    assert len(sql("SELECT 1 FROM revocations")) == 1
    assert not signed_in(two_sites[2])


def test_a_late_event_ends_what_should_have_ended_then_and_says_that_it_was_late(
    browser: Callable[..., Browser], two_sites: Any, fusionauth: Any, sql: Any, later: Any
) -> None:
    """The session was there before; the delivery comes an hour after the act, and somebody has signed in since."""
    later(2 * 3600)
    newer = browser("store")
    newer.log_in("member")
    event = fusionauth.event("user.password.update", user=about("member"))
    event["event"]["createInstant"] -= 3_600_000
    fusionauth.send(event)
    assert [signed_in(client) for client in (*two_sites, newer)] == [False, False, True, True]
    [row] = sql("SELECT detail FROM audit_log WHERE event = 'authn_token_revoked'")
    assert 3600 <= row["detail"]["late_seconds"] < 3700
    assert refused(sql) == []


@pytest.mark.parametrize("years", [0.01, 1, 30])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("jwt.refresh-token.revoke", {"applicationId": application("store")}),
        ("user.delete", {"user": about("member")}),
        ("user.registration.delete", {"user": about("member"), "applicationId": application("store")}),
        (
            "user.registration.update",
            {"user": about("member"), "applicationId": application("store"), "registration": {"roles": []}},
        ),
    ],
)
def test_an_old_event_that_somebody_sends_again_ends_nothing_newer(
    two_sites: Any, fusionauth: Any, kind: str, fields: dict[str, Any], years: float
) -> None:
    """A signature has no end: who has kept an event may send it when its id has been forgotten."""
    event = fusionauth.event(kind, **fields)
    event["event"]["createInstant"] -= int(years * 365 * 86_400_000)
    fusionauth.send(event)
    assert all(signed_in(client) for client in two_sites)


def test_a_role_that_was_given_back_since_is_not_taken_by_a_late_event(
    browser: Callable[..., Browser], fusionauth: Any, later: Any
) -> None:
    """The event counts only where it is later than the reading of the session's roles, at its login or at a refresh since."""
    forums = browser("forums")
    forums.log_in("moderator")
    fields = {"applicationId": application("forums"), "registration": {"roles": ["member"]}}
    old = fusionauth.event("user.registration.update", user=about("moderator"), **fields)
    old["event"]["createInstant"] -= 60_000
    fusionauth.send(old)
    assert signed_in(forums)
    later(120)
    old["event"]["id"] = str(uuid.uuid4())
    fusionauth.send(old)
    assert not signed_in(forums)


@pytest.mark.parametrize("seconds", [6, 3600, 10**9])
def test_an_event_from_the_future_ends_what_there_is_and_is_taken_once(
    two_sites: Any, fusionauth: Any, seconds: int, later: Any
) -> None:
    """FusionAuth's clock is ahead of ours, and it waits for our answer all the same."""
    event = fusionauth.event("user.deactivate", user=about("member"))
    event["event"]["createInstant"] += seconds * 1000
    fusionauth.send(event)
    assert [signed_in(client) for client in two_sites] == [False, False, True]
    two_sites[0].log_in("member")
    later(23 * 3600)
    purge.run(webhook_jobs.PURGES, fusionauth.browser.app.services.db)
    fusionauth.send(event)
    assert signed_in(two_sites[0])


@pytest.mark.parametrize("instant", [-1, 10**15, 253_402_300_799_000, 10**21, -(10**21), 10**43])
def test_an_instant_that_is_none_is_garbled(two_sites: Any, fusionauth: Any, sql: Any, instant: int) -> None:
    event = fusionauth.event("user.deactivate", user=about("member"))
    event["event"]["createInstant"] = instant
    fusionauth.send(event, status=400)
    assert signed_in(two_sites[0])
    assert [row["detail"]["kind"] for row in refused(sql)] == ["garbled"]


def test_a_sample_that_is_years_old_is_taken(fusionauth: Any) -> None:
    """The button in FusionAuth that sends a test event."""
    event = fusionauth.event("test", message="It works!")
    event["event"]["createInstant"] = 1_505_762_615_056
    fusionauth.send(event)


def test_a_forged_event_is_refused(two_sites: Any, fusionauth: Any, sql: Any) -> None:
    body = fusionauth.event("user.deactivate", user=about("member"))
    signed = fusionauth.sign(b"another body")
    kid = fusionauth.key.kid
    raw = str(body).encode()
    public = fusionauth.key.public_pem()
    for signature in (
        "",
        "x",
        "a.b.c",
        "." * 9000,
        "\u00e9.a.b",
        signed,
        signed[:-2],
        fusionauth.forge(raw, "secret" * 8, "HS256", kid=kid),
        fusionauth.forge(raw, None, "none", kid=kid),
        fusionauth.forge(raw, public.replace("-----", "")[:64], "HS256", kid=kid),
    ):
        fusionauth.send(raw, signature=signature, status=403)
    assert signed_in(two_sites[0])
    # Ten refusals, and a row for the first and each power of two.
    assert [row["detail"]["count"] for row in refused(sql)] == [1, 2, 4, 8]
    assert refused(sql)[0]["initiating_entity"] == "idp"


def test_one_bit_of_the_body_is_enough(two_sites: Any, fusionauth: Any) -> None:
    body = b'{"event":{"id":"%s"}}' % str(uuid.uuid4()).encode()
    fusionauth.send(body + b" ", signature=fusionauth.sign(body), status=403)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"event": 1}',
        b'{"event": {"id": "1", "type": "test", "createInstant": 1}}',
        b'{"event": {"id": "%s", "type": 5, "createInstant": 1}}' % ID,
        b'{"event": {"id": "%s", "type": "test", "createInstant": true}}' % ID,
        b"[" * 100_000,
    ],
)
def test_a_garbled_event_is_refused(console: Any, fusionauth: Any, sql: Any, body: bytes) -> None:
    fusionauth.send(body, status=400)
    assert [row["detail"]["kind"] for row in refused(sql)] == ["garbled"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("user.deactivate", {}),
        ("user.deactivate", {"user": "x"}),
        ("user.deactivate", {"user": {"id": 7}}),
        ("jwt.refresh-token.revoke", {}),
        ("jwt.refresh-token.revoke", {"userId": None, "user": {}}),
        ("jwt.refresh-token.revoke", {"refreshToken": {"id": str(uuid.uuid4())}}),
        ("jwt.refresh-token.revoke", {"refreshToken": "x", "userId": str(uuid.uuid4())}),
    ],
)
def test_an_event_without_its_subject_ends_nothing(
    two_sites: Any, fusionauth: Any, kind: str, fields: dict[str, Any]
) -> None:
    fusionauth.send(fusionauth.event(kind, **fields), status=400)
    assert all(signed_in(client) for client in two_sites)


def test_too_large_an_event_is_refused(fusionauth: Any, sql: Any) -> None:
    fusionauth.send(fusionauth.event("test", padding="x" * 256 * 1024), status=413)
    assert [row["detail"]["kind"] for row in refused(sql)] == ["oversized"]


@pytest.mark.parametrize("tenant", [ID.decode(), "x", 7])
def test_another_tenants_event_ends_nothing_here_and_undoes_nothing_there(
    two_sites: Any, fusionauth: Any, tenant: Any
) -> None:
    fusionauth.send(fusionauth.event("user.deactivate", user=about("member"), tenantId=tenant))
    fusionauth.send(fusionauth.event("user.deactivate", tenantId=tenant))
    assert signed_in(two_sites[0])


@pytest.mark.parametrize("spelled", [str.upper, str.lower])
def test_ids_are_compared_as_ids(
    two_sites: Any, fusionauth: Any, console: Any, monkeypatch: pytest.MonkeyPatch, spelled: Any
) -> None:
    """The ini, or an event, may have them in capitals."""
    services = console.services
    ids = {site: spelled(one) for site, one in services.idp_settings.applications.items()}
    idp = replace(services.idp_settings, tenant_id=spelled(TENANT), applications=ids)
    monkeypatch.setattr(services, "idp_settings", idp)
    event = fusionauth.event(
        "jwt.refresh-token.revoke", applicationId=application("store").upper(), tenantId=TENANT.upper()
    )
    fusionauth.send(event)
    assert [signed_in(client) for client in two_sites] == [False, True, False]


def test_reads_and_sets_no_cookie_and_takes_nothing_but_post(fusionauth: Any, count_sql: Any) -> None:
    fusionauth.browser.log_in("owner")
    with count_sql(fusionauth.browser) as statements:
        answer = fusionauth.send(fusionauth.event("test"))
    assert "Set-Cookie" not in answer.headers
    assert not [statement for statement in statements if "session_credentials" in statement]
    for method in ("get", "put", "delete"):
        getattr(fusionauth.browser, method)("/webhooks/fusionauth", status=405)


def test_is_not_there_unless_turned_on(admin: Browser) -> None:
    admin.post("/webhooks/fusionauth", "{}", content_type="application/json", status=404)


def test_revoking_at_the_provider_is_felt_here(two_sites: Any, idp: Any, address: str, sql: Any) -> None:
    idp.hook("webhook", url=address)
    requests.delete(
        f"{idp.url}/api/jwt/refresh",
        params={"userId": person("member").id},
        headers={"Authorization": idp.api_key},
        timeout=60,
    ).raise_for_status()
    eventually(lambda: not signed_in(two_sites[0]))
    assert [signed_in(client) for client in two_sites] == [False, False, True]


def test_our_own_revocation_comes_back_and_ends_nothing_new(
    browser: Callable[..., Browser], idp: Any, address: str, sql: Any
) -> None:
    idp.hook("webhook", url=address)
    store = browser("store")
    store.log_in("member")
    # A user as a whole, told to the provider by user and application.
    store.app.services.sessions.revoke(
        Scope(user_id=uuid.UUID(person("member").id)), Reason("admin", "a test", "test"), Client()
    )
    eventually(lambda: bool(sql("SELECT 1 FROM webhook_events")))
    store.log_in("member")
    assert signed_in(store)
    assert [row["initiating_entity"] for row in sql("SELECT initiating_entity FROM revocations")] == ["admin"]
    calls = [c["path"] for c in idp.calls("/api/jwt/refresh")]
    assert len(calls) == 2  # one for each site: what came back was not told again


def revoke_everyone(apps: Any) -> None:
    apps["admin"].services.sessions.revoke(Scope(everyone=True), Reason("admin", "a test", "test"), Client())


def acts(sql: Any) -> list[str]:
    """Return the initiators of the revocations so far, in order."""
    return [row["initiating_entity"] for row in sql("SELECT * FROM revocations ORDER BY created_at")]


@pytest.fixture
def delayed(idp: Any, apps: Any, sql: Any, address: str) -> Callable[[], None]:
    """Everyone is revoked while the provider is away; `delayed()` has it told, and waits for its events."""
    idp.hook("webhook", url=address)
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=100, status=503)
    revoke_everyone(apps)

    def tell() -> None:
        before = len(sql("SELECT 1 FROM webhook_events"))
        idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=0)
        apps["admin"].services.idp.breaker.reset()
        while sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL"):
            sql("UPDATE revocation_outbox SET next_try_at = now() WHERE done_at IS NULL")
            jobs.run_once(apps["admin"].services.sessions)
        eventually(lambda: len(sql("SELECT 1 FROM webhook_events")) >= before + 2)

    return tell


def test_the_echo_of_everyones_revocation_ends_nobody_who_has_logged_in_since(
    browser: Callable[..., Browser], delayed: Callable[[], None], fusionauth: Any, sql: Any
) -> None:
    """The provider hears of it late, and says so: that is our own word, however long after our gate it comes."""
    clients = browser("store"), browser("forums"), browser("store")
    for client, name in zip(clients, ("member", "member", "shopper"), strict=True):
        client.log_in(name)
    delayed()
    assert all(signed_in(client) for client in clients)
    assert acts(sql) == ["admin"]
    # Each was told once, and said so once: a second word of the same reach is somebody's in FusionAuth.
    fusionauth.send(fusionauth.event("jwt.refresh-token.revoke", applicationId=application("store")))
    assert [signed_in(client) for client in clients] == [False, True, False]
    assert acts(sql) == ["admin", "idp"]


@pytest.mark.parametrize(
    "fields",
    [
        {"applicationId": application("store"), "userId": person("member").id},
        {"userId": person("member").id},
    ],
)
def test_an_event_of_another_reach_than_the_revocation_is_no_echo(
    browser: Callable[..., Browser], apps: Any, fusionauth: Any, sql: Any, fields: dict[str, str]
) -> None:
    revoke_everyone(apps)
    client = browser("store")
    client.log_in("member")
    fusionauth.send(fusionauth.event("jwt.refresh-token.revoke", **fields))
    assert not signed_in(client)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("done_at = now() - interval '6 seconds', sent_at = now() - interval '7 seconds'", "told long ago"),
        ("sent_at = NULL, done_at = NULL", "never told"),
        ("sent_at = now() - interval '36 seconds', done_at = NULL", "given up"),
        ("echoed = true", "has come back already"),
        ("site = 'admin'", "another site"),
    ],
)
def test_a_revocation_of_another_moment_is_no_echo(
    browser: Callable[..., Browser], apps: Any, fusionauth: Any, sql: Any, change: str, why: str
) -> None:
    revoke_everyone(apps)
    sql(f"UPDATE revocation_outbox SET {change}")
    client = browser("store")
    client.log_in("member")
    fusionauth.send(fusionauth.event("jwt.refresh-token.revoke", applicationId=application("store")))
    assert not signed_in(client), why


@pytest.mark.parametrize("status", [401, 403, 400])
def test_a_message_that_the_provider_has_refused_has_no_echo(
    browser: Callable[..., Browser], apps: Any, idp: Any, fusionauth: Any, sql: Any, status: int
) -> None:
    """An admin in FusionAuth revokes by hand what our key may not: that is news."""
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=100, status=status)
    revoke_everyone(apps)
    client = browser("store")
    client.log_in("member")
    fusionauth.send(fusionauth.event("jwt.refresh-token.revoke", applicationId=application("store")))
    assert not signed_in(client)


def test_of_two_at_once_one_is_the_echo(
    browser: Callable[..., Browser], apps: Any, fusionauth: Any, sql: Any
) -> None:
    revoke_everyone(apps)
    client = browser("store")
    client.log_in("member")
    events = [fusionauth.event("jwt.refresh-token.revoke", applicationId=application("store")) for _ in "ab"]
    together(*[lambda one=one: fusionauth.send(one) for one in events])
    assert acts(sql) == ["admin", "idp"]
    assert not signed_in(client)


def refused(sql: Any) -> list[Any]:
    return sql("SELECT * FROM audit_log WHERE event = 'webhook_refused' ORDER BY id")
