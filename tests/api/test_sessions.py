"""Seeing sessions by the API, and ending one."""

from uuid import uuid4


def ids(answer):
    return [row["id"] for row in answer.json["sessions"]]


def test_the_list_has_all_sites_newest_first(call, started):
    one, two = started(), started("member", "forums")
    answer = call("GET", "/sessions", status=200)
    assert ids(answer) == [str(two.id), str(one.id)]
    assert answer.json["next"] is None
    assert answer.json["total"] == {"count": 2, "exact": True}
    row = answer.json["sessions"][1]
    assert (row["site"], row["state"], row["user_id"]) == ("store", "active", str(one.user_id))
    assert row["created_at"].endswith("Z")


def test_filters_are_those_of_the_console(call, started, idle_out):
    one, two = started(), started("member", "forums", "203.0.113.9")
    for query, wanted in (
        ("site=forums", [two]),
        (f"user={one.user_id}", [one]),
        ("user=shopper@harbour.example", [one]),
        ("ip=203.0.113.0/24", [two]),
        ("ip=203.0.113.9", [two]),
        ("device=Firefox+Linux&site=store", [one]),
        ("state=active", [two, one]),
        ("state=dormant", []),
        ("created_after=2020-01-01", [two, one]),
        ("seen_before=2020-01-01T00:00:00Z", []),
        ("flag=session_use_after_expire", []),
    ):
        assert ids(call("GET", f"/sessions?{query}", status=200)) == [str(each.id) for each in wanted], query
    idle_out()
    assert ids(call("GET", "/sessions?state=dormant", status=200)) == [str(two.id), str(one.id)]


def test_pages_by_cursor_and_by_link(call, started):
    made = [str(started().id) for _ in range(5)]
    found, query = [], "/sessions?limit=2&site=store"
    for size in (2, 2, 1):
        answer = call("GET", query, status=200)
        assert len(ids(answer)) == size
        found += ids(answer)
        if answer.json["next"]:
            link = answer.headers["Link"]
            assert link.endswith('>; rel="next"')
            query = link[1:].partition(">")[0].removeprefix("/api/v1")
    assert "Link" not in answer.headers
    assert found == made[::-1]


def test_one_session_with_its_timeline_and_nothing_secret(call, started, sql):
    one = started()
    answer = call("GET", f"/sessions/{one.id}", status=200)
    assert "session_created" in [event["type"] for event in answer.json["timeline"]]
    assert answer.json["seen_at"][0]["address"] == "192.0.2.1"
    cookies = {cookie.value for cookie in one.browser.cookiejar}
    assert cookies
    assert not [value for value in cookies if value in answer.text]
    assert "hash" not in answer.text
    assert "refresh_token_id" not in answer.text


def test_unknown_sessions_are_404(call):
    for path in (f"/sessions/{uuid4()}", "/sessions/1", f"/revocations/{uuid4()}", "/revocations/x"):
        call("GET", path, status=404)
    call("DELETE", f"/sessions/{uuid4()}", status=404)


def test_ending_one_ends_it_at_once_and_again_is_harmless(call, started, sql, idp):
    one, other = started(), started("member", "forums")
    idp.forget_calls()
    answer = call("DELETE", f"/sessions/{one.id}", status=204)
    assert answer.body == b""
    assert not one.lives
    assert other.lives
    assert len([c for c in idp.calls("/api/jwt/refresh") if c["method"] == "DELETE"]) == 1
    call("DELETE", f"/sessions/{one.id}", status=204)
    rows = sql("SELECT actor, initiating_entity FROM revocations")
    assert [(row["actor"], row["initiating_entity"]) for row in rows] == [("token:robot", "admin")]
    assert call("GET", f"/sessions/{one.id}", status=200).json["state"] == "revoked"


def test_a_dormant_session_can_be_ended(call, started, idle_out):
    one = started()
    idle_out()
    call("DELETE", f"/sessions/{one.id}", status=204)
    assert not one.lives
