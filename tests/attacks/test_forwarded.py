"""Behind the proxy of production.ini, on real sockets: each client has its own address, however the proxy spells it."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from sockets import form, request, send, served
from support import person

from shopforum.core.settings import SettingsError
from shopforum.login.settings import LoginSettings
from shopforum.serving import Server
from shopforum.sessions import Reason, Rule
from shopforum.sessions.audit import Client


@pytest.fixture
def port(apps):
    with served(apps["store"], proxied=True) as port:
        yield port


@pytest.fixture
def log_in(port, browser):
    """`log_in(forwarded, who, password=...)`: send the login form as the proxy passes it on; returns the answer."""

    def attempt(forwarded, who="shopper", **fields):
        client = browser("store")
        page = next(f for f in client.get("/login").forms.values() if "password" in f.fields)
        login = person(who)
        sent = dict(page.submit_fields()) | {"email": login.email, "password": login.password} | fields
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookiejar)
        headers = (f"Cookie: {cookies}", f"X-Forwarded-For: {forwarded}", "X-Forwarded-Proto: https")
        return send(port, form("/login", urlencode(sent), *headers))

    return attempt


@pytest.fixture
def failures(apps, monkeypatch):
    """`failures(n)`: from one address so many are free."""
    services = apps["store"].services
    return lambda count: monkeypatch.setitem(
        services.objects, LoginSettings, replace(services.objects[LoginSettings], address_failures=count)
    )


FORWARDED = [
    ("203.0.113.9", "203.0.113.9"),
    ("203.0.113.9:51112", "203.0.113.9"),
    ("::ffff:203.0.113.9", "203.0.113.9"),
    ("::FFFF:203.0.113.9", "203.0.113.9"),
    ('"[::ffff:203.0.113.9]:51112"', "203.0.113.9"),
    ("[::ffff:203.0.113.9]", "203.0.113.9"),
    ("::ffff:cb00:7109", "203.0.113.9"),
    ("64:ff9b::203.0.113.9", "64:ff9b::cb00:7109"),
    ("2001:db8::7", "2001:db8::7"),
    ("[2001:db8::7]", "2001:db8::7"),
    ("[2001:db8::7]:443", "2001:db8::7"),
    ("fe80::1%eth0", "fe80::1"),
    ("fe80::1%eth0.5", "fe80::1"),
    ("198.51.100.1, ::ffff:203.0.113.9", "203.0.113.9"),
    ("unknown", None),
    ("_hidden:443", None),
]


@pytest.mark.parametrize(("forwarded", "address"), FORWARDED)
def test_a_client_is_stored_by_its_own_address(log_in, sql, forwarded, address):
    assert log_in(forwarded).status == 302
    for table, column in (
        ("sessions", "address"),
        ("sessions", "last_address"),
        ("session_credentials", "seen_address"),
        ("audit_log", "address"),
    ):
        rows = sql(f"SELECT DISTINCT host({column}) AS found FROM {table}")
        assert [row["found"] for row in rows] == [address], table
    assert [row["found"] for row in sql("SELECT host(address) AS found FROM session_places")] == (
        [address] if address else []
    )


@pytest.mark.parametrize(
    "spelled", ["::ffff:203.0.113.{}", "[2001:db8:0:{}::7]:443", "[::ffff:203.0.113.{}]:5{}"]
)
def test_strangers_failures_make_nobody_else_wait(log_in, failures, spelled):
    failures(3)
    for number in range(6):
        answer = log_in(spelled.format(number, number), email=f"p{number}@harbour.example", password="wrong")
        assert answer.status == 422
    assert log_in(spelled.format(99, 99)).status == 302


@pytest.mark.usefixtures("database_clock")
def test_one_client_waits_in_every_spelling(log_in, failures):
    failures(1)
    assert log_in("203.0.113.9", email="a@harbour.example", password="wrong").status == 422
    assert log_in("[::ffff:203.0.113.9]:443").status == 429


def test_a_rule_holds_for_the_forwarded_address(log_in, apps):
    rule = Rule(60, network="::ffff:203.0.113.0/120")
    apps["store"].services.sessions.add_rule(rule, Reason("admin", "ann", "test"), Client())
    assert log_in("::ffff:203.0.113.9").status == 403
    assert log_in("[2001:db8::7]:443").status == 302


@pytest.mark.parametrize(
    ("trusted", "count", "proto", "https"),
    [
        ("192.0.2.1 127.0.0.0/8", "1", "https", True),
        ("192.0.2.1, 127.0.0.1", "1", "https", True),
        ("127.0.0.1", "2", "https, http", True),
        ("127.0.0.1", "2", "https,https", True),
        ("127.0.0.1", "1", "https, http", False),
        ("127.0.0.1", "2", "https, http, http", False),
        ("192.0.2.0/24", "1", "https", False),
        ("127.0.0.1", "1", "http", False),
        ("", "1", "https", False),
    ],
)
def test_several_proxies(apps, logged, trusted, count, proto, https):
    """A form shows which scheme the sites see: an origin of https is their own only behind a trusted proxy that says so."""
    headers = (f"X-Forwarded-Proto: {proto}", "X-Forwarded-For: 203.0.113.9, 203.0.113.10")
    options = {"trusted_proxy": trusted, "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
    with served(apps["store"], **options, trusted_proxy_count=count) as port:
        logged()
        answer = send(port, request("GET", "/login", *headers))
        send(port, request("GET", "/login", *headers))
        send(port, request("GET", "/healthz"))
    said = [json.loads(line) for line in logged().splitlines() if "proxy.unexpected" in line]
    assert answer.status == 200
    assert [line["why"] for line in said] == ([] if https else ["scheme"])
    if not https:
        assert "https://store.test" in said[0]["expected"]
        assert "127.0.0.1" in said[0]["received"]


@pytest.mark.parametrize(
    "options",
    [
        {"trusted_proxy": "10.0.0.0/33"},
        {"trusted_proxy": "proxy.example"},
        {"trusted_proxy": "127.0.0.1", "trusted_proxy_count": "0"},
        {"trusted_proxy": "127.0.0.1", "trusted_proxy_headers": "x-real-ip"},
    ],
)
def test_a_proxy_that_cannot_be_is_refused(apps, options):
    with pytest.raises(SettingsError, match=r"trusted_proxy.* in \[server:main\]"):
        Server(apps["store"], listen="127.0.0.1:0", **options)


def test_a_stranger_cannot_forward(apps, browser, sql, later):
    """Neither the header nor what the server makes of it counts from anybody but the proxy."""
    with served(apps["store"]) as port:
        client = browser("store")
        client.log_in("shopper")
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookiejar)
        later(300)
        sql("UPDATE sessions SET last_address = '198.51.100.1'")
        asked = (
            f"GET /shopping-cart HTTP/1.1\r\nHost: store.test\r\nConnection: close\r\nCookie: {cookies}\r\n"
        )
        assert send(port, asked + "X-Forwarded-For: ::ffff:203.0.113.9\r\n\r\n").status in (200, 302)
    assert sql("SELECT 1 FROM session_places WHERE address <<= '203.0.113.0/24'") == []
