"""Each page takes a known number of SQL statements, the session's own among them: it may only go down.

The console reads in transactions with a time limit of their own, whose SET counts as a statement here.
"""

import pytest

PAGES = [
    ("store", "shopper", "/", 3),
    ("store", "shopper", "/products", 3),
    ("store", "shopper", "/shopping-cart", 2),
    ("store", "shopper", "/orders", 2),
    ("store", "shopper", "/account/sessions", 4),
    ("forums", "member", "/", 3),
    ("forums", "member", "/posts", 2),
    ("forums", "member", "/search", 2),
    ("forums", "member", "/account/sessions", 4),
    ("admin", "owner", "/", 12),
    ("admin", "owner", "/sessions", 8),
    ("admin", "owner", "/audit", 4),
    ("admin", "owner", "/revocations", 6),
    ("admin", "owner", "/revoke-everyone", 4),
]


@pytest.mark.parametrize(("site", "who", "path", "at_most"), PAGES)
def test_a_page_takes_no_more_than(browser, count_sql, site, who, path, at_most):
    client = browser(site)
    client.log_in(who)
    client.get(path, status="*")
    with count_sql(client) as statements:
        answer = client.get(path, status="*")
    assert answer.status_int == 200
    assert len(statements) <= at_most, statements


@pytest.mark.parametrize(
    ("site", "who", "path"), [("store", "shopper", "/shopping-cart"), ("forums", "member", "/posts")]
)
def test_extending_the_session_costs_one_statement_more_once_a_minute(
    browser, count_sql, sql, later, site, who, path
):
    client = browser(site)
    client.log_in(who)
    later(300)
    with count_sql(client) as statements:
        client.get(path, status=200)
    assert len(statements) == 3
    with count_sql(client) as statements:
        client.get(path, status=200)
    assert len(statements) == 2
    assert sql("SELECT 1 FROM sessions WHERE idle_end > now() + interval '29 minutes'")


@pytest.mark.parametrize(
    ("site", "path"), [("store", "/"), ("store", "/login"), ("forums", "/login"), ("store", "/nothing")]
)
def test_a_visitor_costs_nothing_for_a_session(browser, count_sql, site, path):
    client = browser(site)
    with count_sql(client) as statements:
        client.get(path, status="*")
    assert not [statement for statement in statements if "session" in statement]


@pytest.mark.parametrize(("site", "who", "at_most"), [("store", "shopper", 13), ("admin", "owner", 14)])
def test_a_login_with_another_browser_takes_no_more_than(browser, count_sql, site, who, at_most):
    """The check of the deny rules, the throttle, the session with two rows of the audit log, and the question about the new browser."""
    client = browser(site)
    client.log_in(who)
    client.reset()
    with count_sql(client) as statements:
        client.log_in(who)
    assert len(statements) <= at_most, statements
