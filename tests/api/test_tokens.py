"""Tokens: kept as hashes, shown once, good for their scopes and their time; and the console's page for them."""

import re

import pytest
from sqlalchemy import text

import shopforum
from shopforum.core.sites import SettingsError

TOKEN = re.compile(r"sfa_[A-Za-z0-9_-]{43}")


def events(sql, name):
    return sql("SELECT actor, detail FROM audit_log WHERE event = :name ORDER BY id", name=name)


def test_the_database_has_no_token(call, apps):
    assert TOKEN.fullmatch(call.token)
    call("GET", "/sessions", status=200)
    tables = apps["admin"].services.db.all(
        text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    )
    dump = "".join(
        str(apps["admin"].services.db.all(text(f"SELECT t::text FROM {row['relname']} t"))) for row in tables
    )
    assert "robot" in dump
    assert call.token not in dump
    assert call.token.encode().hex() not in dump


@pytest.mark.parametrize(
    "ruin",
    ["revoked_at = now()", "expires_at = now()", "hash = decode('00', 'hex')"],
)
def test_a_token_that_is_over_is_refused_and_noted(call, sql, ruin):
    call("GET", "/sessions", status=200)
    sql(f"UPDATE api_tokens SET {ruin}")
    answer = call("GET", "/sessions", status=401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shopforum", error="invalid_token"'
    rows = events(sql, "api_token_refused")
    assert len(rows) == 1
    assert rows[0]["actor"] == ("" if "hash" in ruin else "token:robot")


def test_an_expiry_is_days_from_now(caller, sql):
    caller(days=30)("GET", "/sessions", status=200)
    assert sql(
        "SELECT 1 FROM api_tokens WHERE expires_at BETWEEN now() + interval '29 days' AND now() + interval '31 days'"
    )


def test_the_last_use_is_written_once_a_minute(call, sql, later):
    for _ in range(3):
        call("GET", "/sessions", status=200)
    first = sql("SELECT last_used_at, xmin::text AS version FROM api_tokens")[0]
    call("GET", "/sessions", status=200)
    assert sql("SELECT last_used_at, xmin::text AS version FROM api_tokens")[0] == first
    later(61)
    call("GET", "/sessions", status=200)
    assert sql("SELECT 1 FROM api_tokens WHERE last_used_at > now() - interval '10 seconds'")


def test_too_many_calls_have_to_wait(call, sql, later):
    call("GET", "/sessions", status=200)
    sql("UPDATE api_rates SET level = 600, at = now() + interval '1 hour'")
    answer = call("GET", "/sessions", status=429)
    assert int(answer.headers["Retry-After"]) >= 1
    later(3601)
    call("GET", "/sessions", status=200)


@pytest.mark.parametrize("rate", ["0", "x", "-1", "1.5", "1000000"])
def test_a_limit_that_makes_no_sense_stops_the_boot(settings, rate):
    with pytest.raises(SettingsError, match=r"api\.calls_per_minute"):
        shopforum.main({}, **settings("admin"), **{"api.calls_per_minute": rate})


def test_a_flood_of_bad_tokens_leaves_a_few_audit_rows(caller_with, call, sql):
    bad = caller_with("sfa_" + "x" * 43)
    answers = [bad("GET", "/sessions") for _ in range(30)]
    statuses = [answer.status_int for answer in answers]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert "Retry-After" in answers[-1].headers
    assert len(events(sql, "api_token_refused")) == statuses.count(401) < 30
    # A caller with a good token from there is not held back.
    call("GET", "/sessions", status=200)


def test_an_owner_makes_one_sees_it_once_and_revokes_it(browser, sql, caller_with):
    admin = browser("admin")
    admin.log_in("owner")
    form = next(form for form in admin.get("/tokens").forms.values() if "days" in form.fields)
    form["name"] = "siem"
    form.set("scopes", True, index=3)
    form["days"] = "90"
    made = form.submit(status=200)
    token = made.html.select_one("#token").text
    assert TOKEN.fullmatch(token)
    assert token not in admin.get("/tokens")
    program = caller_with(token)
    program("GET", "/events", status=200)
    assert program("GET", "/sessions", status=403).json["missing_scope"] == "sessions:read"
    created = events(sql, "api_token_created")[-1]
    assert created["actor"] == "owner@harbour.example"
    assert created["detail"]["scopes"] == ["events:read"]
    form = next(form for form in admin.get("/tokens").forms.values() if form.action.endswith("/revoke"))
    assert form.submit(status=303).location.endswith("/tokens?notice=token_revoked")
    program("GET", "/events", status=401)
    assert events(sql, "api_token_revoked")[0]["detail"]["name"] == "siem"


def test_the_form_says_what_it_does_not_accept(browser, sql):
    admin = browser("admin")
    admin.log_in("owner")
    page = admin.get("/tokens")
    csrf = page.forms[0]["csrf_token"].value
    for fields in (
        {"name": ""},
        {"name": "a b"},
        {"name": "x" * 61},
        {"days": "0"},
        {"days": "99999999999999999999"},
        {"days": "soon"},
        {"scopes": "root"},
        {"scopes": ""},
    ):
        sent = {"csrf_token": csrf, "name": "good", "scopes": "events:read", "days": ""} | fields
        answer = admin.post("/tokens", sent, status=422)
        assert answer.html.select_one(".error-summary"), fields
    assert sql("SELECT 1 FROM api_tokens") == []


def test_the_page_asks_for_a_fresh_password(browser, sql, later):
    admin = browser("admin")
    admin.log_in("owner")
    csrf = admin.get("/tokens").forms[0]["csrf_token"].value
    later(301)
    for answer in (
        admin.get("/tokens", status=302),
        admin.post("/tokens", {"csrf_token": csrf, "name": "x", "scopes": "events:read"}, status=302),
    ):
        assert "why=fresh" in answer.location
    assert sql("SELECT 1 FROM api_tokens") == []
