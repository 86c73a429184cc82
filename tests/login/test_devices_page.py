"""Your devices: seen, signed out one by one or all others, only one's own, only with a recent password."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from support import Browser, Idp, person
from webtest import TestResponse

from shopforum.core.user_agents import label, plain_name

Sql = Callable[..., list[dict[str, Any]]]
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.5 Mobile/15E148 Safari/604.1"
)


def devices(client: Browser) -> TestResponse:
    return client.get("/account/sessions", status=200)


def revoke_forms(page: TestResponse) -> list[Any]:
    return [form for form in page.forms.values() if form.action.endswith("/revoke")]


def others_form(page: TestResponse) -> Any:
    return next(form for form in page.forms.values() if form.action.endswith("/revoke-others"))


def token(client: Browser) -> str:
    return str(others_form(devices(client))["csrf_token"].value)


def session_id(sql: Sql, who: str, site: str = "store") -> str:
    query = "SELECT id FROM sessions WHERE user_id = %s AND site = %s ORDER BY created_at DESC"
    return str(sql(query, person(who).id, site)[0]["id"])


@pytest.fixture
def two(browser: Callable[..., Browser]) -> tuple[Browser, Browser]:
    """Two browsers of one person."""
    mine, other = browser("store", "192.0.2.1"), browser("store", "198.51.100.2")
    other.extra_environ["HTTP_USER_AGENT"] = CHROME
    other.log_in("member")
    mine.log_in("member")
    return mine, other


def test_lists_this_device_first(two: tuple[Browser, Browser], idle_out: Callable[[], None]) -> None:
    idle_out()
    page = devices(two[0])
    items = page.html.select("main li.panel")
    assert [item.h3.text for item in items] == ["Firefox on Linux", "Chrome on Windows"]
    assert "This device" in items[0].text
    assert "192.0.2.1" in items[0].text
    assert items[0].find("form") is None
    assert "Signed in, not active" in items[1].text
    assert "198.51.100.2" in items[1].text
    assert "Stays signed in until" in items[1].text
    assert page.html.find("a", href="https://forums.test/account/sessions")


def test_shows_no_secret_and_nobody_elses_device(
    two: tuple[Browser, Browser], browser: Callable[..., Browser]
) -> None:
    browser("store", "203.0.113.5").log_in("shopper")
    browser("forums", "203.0.113.6").log_in("member")
    page = devices(two[0])
    assert "203.0.113" not in page.text
    for client in two:
        for value in client.cookies.values():
            assert value not in page.text


def test_takes_four_statements(two: tuple[Browser, Browser], count_sql: Any) -> None:
    with count_sql(two[0]) as statements:
        devices(two[0])
    assert len(statements) == 4, statements


def test_alone_there_is_nothing_to_sign_out(store: Browser) -> None:
    store.log_in("shopper")
    page = devices(store)
    button = page.html.find("button", string="Sign out all other devices")
    assert button.has_attr("disabled")
    assert "on this device only" in page.text
    answer = others_form(page).submit(status=303).follow()
    assert "Signed out 0 other devices" in answer.text
    devices(store)


def test_signs_one_device_out_at_once(two: tuple[Browser, Browser], idp: Idp, sql: Sql, audit: Any) -> None:
    mine, other = two
    [form] = revoke_forms(devices(mine))
    answer = form.submit(status=303)
    assert answer.location == "/account/sessions?notice=device-signed-out"
    assert "That device is signed out." in answer.follow().text
    refused = other.get("/account/sessions", status=302)
    assert "why=signed_out_elsewhere" in refused.location
    assert "from another device" in refused.follow().text
    [row] = sql("SELECT refresh_token_id FROM sessions WHERE end_reason = 'signed_out_elsewhere'")
    assert [c["path"] for c in idp.calls("/api/jwt/refresh")] == [
        f"/api/jwt/refresh/{row['refresh_token_id']}"
    ]
    [event] = audit("authn_token_revoked")
    assert event["initiating_entity"] == "user"
    assert form.submit(status=303).location.endswith("?notice=device-gone")


def test_signs_all_other_devices_out(two: tuple[Browser, Browser], browser: Callable[..., Browser]) -> None:
    mine, other = two
    third, elsewhere, stranger = browser("store"), browser("forums"), browser("store")
    third.log_in("member")
    elsewhere.log_in("member")
    stranger.log_in("shopper")
    answer = others_form(devices(mine)).submit(status=303)
    assert "Signed out 2 other devices." in answer.follow().text
    for client in (other, third):
        client.get("/account/sessions", status=302)
    for client in (mine, elsewhere, stranger):
        devices(client)


def test_a_device_that_is_not_ones_own_is_not_there(
    browser: Callable[..., Browser], sql: Sql, idp: Idp
) -> None:
    mine, victim, forums = browser("store"), browser("store"), browser("forums")
    mine.log_in("member")
    victim.log_in("shopper")
    forums.log_in("member")
    ids = [
        session_id(sql, "shopper"),
        session_id(sql, "member", "forums"),
        str(uuid.uuid4()),
        "junk",
        "0",
        "%00",
        "' OR 1=1",
        str(uuid.UUID(int=0)),
    ]
    csrf_token = token(mine)
    bodies = set()
    for one in ids:
        answer = mine.post(f"/account/sessions/{one}/revoke", {"csrf_token": csrf_token}, expect_errors=True)
        if one == "%00":
            assert answer.status_int in (400, 404)
            continue
        assert answer.status_int == 404
        bodies.add(answer.html.find("h1").text + answer.html.find("p", class_="lead").text)
    assert len(bodies) == 1
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []
    devices(victim)
    devices(forums)
    assert idp.calls("/api/jwt/refresh") == []


def test_this_device_is_signed_out_by_log_out(store: Browser, sql: Sql) -> None:
    store.log_in("shopper")
    path = f"/account/sessions/{session_id(sql, 'shopper')}/revoke"
    answer = store.post(path, {"csrf_token": token(store)}, status=409)
    assert "Log out" in answer.html.find("main").text
    devices(store)


def test_needs_a_recent_password(two: tuple[Browser, Browser], later: Any) -> None:
    mine, other = two
    page = devices(mine)
    later(16 * 60)
    answer = others_form(page).submit(headers={"Referer": "https://store.test/account/sessions"}, status=302)
    assert answer.location.startswith("/login?next=%2Faccount%2Fsessions")
    assert "why=fresh" in answer.location
    devices(other)
    form = next(form for form in answer.follow().forms.values() if "password" in form.fields)
    form["password"] = person("member").password
    back = form.submit(status=302)
    assert back.location == "/account/sessions"
    others_form(back.follow()).submit(status=303)
    other.get("/account/sessions", status=302)


def test_a_form_of_another_session_signs_nobody_out(two: tuple[Browser, Browser], sql: Sql) -> None:
    mine, other = two
    foreign = token(other)
    mine.post("/account/sessions/revoke-others", {"csrf_token": foreign}, status=403)
    mine.post("/account/sessions/revoke-others", status=403)
    mine.get("/account/sessions/revoke-others", expect_errors=True, status=405)
    headers = {"Origin": "https://forums.test"}
    mine.post("/account/sessions/revoke-others", {"csrf_token": token(mine)}, headers=headers, status=403)
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL") == []


def test_a_device_that_was_not_me_is_reported(two: tuple[Browser, Browser], sql: Sql, audit: Any) -> None:
    mine, other = two
    [form] = revoke_forms(devices(mine))
    answer = form.submit("reported", status=303).follow()
    assert "Now change your password" in answer.text
    [link] = answer.html.select("main .panel a.btn-primary")
    assert link["href"] == "/password/forgot"
    other.get("/account/sessions", status=302)
    [flag] = sql("SELECT kind, session_id FROM session_flags WHERE kind = 'session_reported'")
    assert audit("session_reported")[0]["session_id"] == flag["session_id"]


def test_shows_what_happened_lately_and_not_where_an_admin_sits(store: Browser, sql: Sql) -> None:
    store.log_in("shopper")
    sql(
        "INSERT INTO audit_log (event, site, initiating_entity, user_id, address, agent)"
        " VALUES ('authn_token_revoked', 'all', 'admin', %s, '203.0.113.77', 'Secret/1')",
        person("shopper").id,
    )
    sql(
        "INSERT INTO audit_log (event, site, initiating_entity, user_id) VALUES ('session_renewed', 'store', 'user', %s)",
        person("member").id,
    )
    rows = [row.text.split("\n") for row in devices(store).html.select("tbody tr")]
    texts = [" ".join(part.strip() for part in row if part.strip()) for row in rows]
    assert len(texts) == 2
    assert texts[0].startswith("Devices signed out")
    assert "Support" in texts[0]
    assert "203.0.113.77" not in texts[0]
    assert texts[1].startswith("Logged in")
    assert "Firefox on Linux" in texts[1]


@pytest.mark.parametrize("value", ["3", "-1", "999999", "x", "²", "", "1e3", "<b>"])
def test_a_made_up_count_is_not_shown(store: Browser, value: str) -> None:
    store.log_in("shopper")
    assert 'id="notice"' not in store.get("/account/sessions", {"signed-out": value}).text


def test_is_for_who_is_signed_in(store: Browser) -> None:
    assert "/login?next=%2Faccount%2Fsessions" in store.get("/account/sessions", status=302).location


def test_is_not_on_the_console(admin: Browser) -> None:
    admin.log_in("owner")
    admin.get("/account/sessions", status=404)


@pytest.mark.parametrize(
    ("agent", "expected"),
    [
        (CHROME, "Chrome 138 on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox 140 on Linux"),
        (
            IPHONE,
            "Mobile Safari 18 on iOS",
        ),
        ("curl/8.14.1", "curl 8"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("\x00\ud800" * 1000, "Unknown device"),
        ("(" * 100_000, "Unknown device"),
    ],
)
def test_a_device_has_a_name(agent: str, expected: str) -> None:
    assert label(agent) == expected


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (CHROME, "Chrome on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
            "Safari on Mac",
        ),
        ("", "Unknown device"),
    ],
)
def test_people_read_plain_names_of_their_devices(agent, name):
    assert plain_name(agent) == name
