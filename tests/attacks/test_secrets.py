"""A dump of the database and the logs give away nothing that opens a session or is a password."""

import hashlib
import re

import clocks
import pytest
from http_helpers import credentials
from sqlalchemy import text
from support import person

PAGES = {"store": ["/", "/shopping-cart", "/account/sessions", "/nothing-here"], "forums": ["/", "/posts"]}


def everything_stored(apps):
    """The whole database as text, the way a dump shows it; binary columns as hex and as bytes."""
    db = apps["store"].services.db
    tables = db.all(text("SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'"))
    rows = [
        str(row["row"])
        for table in tables
        for row in db.all(text(f"SELECT t::text AS row FROM {table['name']} t"))
    ]
    return "\n".join(rows)


def test_no_secret_in_the_database_the_logs_or_a_page(store, forums, admin, browser, apps, idp, logged):
    secrets = {person(who).password for who in ("shopper", "member", "responder")}
    pages = []
    for client, who, site in ((store, "shopper", "store"), (forums, "member", "forums")):
        client.log_in(who, status=422, password="wrong-guess-of-a-password")
        client.log_in(who)
        for _ in range(2):
            secrets |= set(credentials(client).values())
            pages += [client.get(path, status="*") for path in PAGES[site]]
            clocks.idle_out(apps[site].services.db)
        secrets |= set(credentials(client).values())
    admin.log_in("responder")
    secrets |= set(credentials(admin).values())
    pages += [admin.get(path) for path in ("/", "/sessions", "/audit")]
    idp.hook("fail", path="/api/login", times=1, status=500)
    browser("store").log_in("shopper", status=503)
    secrets.add("wrong-guess-of-a-password")
    lines = logged()
    assert '"event": "request"' in lines
    places = {
        "database": everything_stored(apps),
        "logs": lines,
        "pages": "\n".join(p.text for p in pages),
    }
    assert len(secrets) >= 10
    for secret in secrets:
        for place, content in places.items():
            assert secret not in content, place
            assert secret.encode().hex() not in content, place


def test_a_dump_matches_no_value_without_the_key(store, apps):
    """Not even a plain SHA-256 of the cookies is stored: a dump cannot be held against values found elsewhere."""
    store.log_in("shopper")
    stored = everything_stored(apps)
    for value in credentials(store).values():
        assert hashlib.sha256(value.encode()).hexdigest() not in stored


@pytest.mark.parametrize(
    "agent", ['x"\n{"event": "forged"}', "\x1b[2J\x1b[31mred", "a" * 5000, "\u2028\u202e"]
)
def test_no_user_agent_breaks_a_log_line(store, logged, agent):
    store.get("/login", headers={"User-Agent": agent.encode("utf-8").decode("latin-1").replace("\n", " ")})
    store.log_in("shopper")
    lines = logged().splitlines()
    assert lines
    for line in lines:
        assert not re.search(r"[\x00-\x1f\x7f\u2028]", line)
        assert line.startswith("{")
