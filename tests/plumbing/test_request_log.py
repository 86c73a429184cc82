"""The log's line of a request: who asked from where, and how long it waited for whom, without a look-up of its own."""

import json

import pytest


@pytest.fixture
def lines(logged):
    """`lines()`: the lines of requests since it was last asked."""

    def read():
        return [line for line in map(json.loads, logged().splitlines()) if line.get("event") == "request"]

    return read


def test_a_line_names_the_client_the_user_and_the_public_id_of_the_session(browser, lines, sql):
    client = browser("store", address="198.51.100.7")
    client.log_in("shopper")
    client.get("/account/sessions")
    visited, login, page = lines()
    [session] = sql("SELECT id, user_id FROM sessions")
    for line in (login, page):
        assert line["address"] == "198.51.100.7"
        assert line["user_id"] == str(session["user_id"])
        assert line["session_id"] == str(session["id"])
    assert 0 < login["fusionauth_ms"] <= login["ms"]
    assert page["fusionauth_ms"] == 0
    assert visited["address"] == "198.51.100.7"
    assert {"user_id", "session_id"} & visited.keys() == set()


def test_a_page_that_looks_up_no_session_does_so_for_the_log_neither(browser, lines, count_sql):
    client = browser("store")
    client.log_in("shopper")
    lines()
    with count_sql(client) as statements:
        client.get("/robots.txt")
    assert statements == []
    [line] = lines()
    assert "user_id" not in line
