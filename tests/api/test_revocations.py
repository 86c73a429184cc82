"""Ending sessions by the API: every reach, previews, expectations, and receipts that tell what the provider said."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from shopforum.operations import labels

REASON = {"code": "incident", "text": "case 7"}


@pytest.fixture
def revoke(call):
    """`revoke({"site": "store"}, 201, ...)`: POST a revocation."""

    def send(scope, status=201, caller=call, **more):
        body = {"scope": scope, "reason": REASON, **more}
        return caller("POST", "/revocations", body, status)

    return send


def test_one_session(revoke, started, sql):
    one, other = started(), started("member", "forums")
    answer = revoke({"session": str(one.id)})
    assert {name: answer.json[name] for name in ("matched", "revoked")} == {"matched": 1, "revoked": 1}
    assert answer.json["upstream"] == {"confirmed": 1, "pending": 0, "failed": 0}
    assert answer.headers["Location"].endswith(f"/api/v1/revocations/{answer.json['id']}")
    assert not one.lives
    assert other.lives
    row = sql("SELECT * FROM audit_log WHERE event = 'authn_token_revoked'")[0]
    assert (row["actor"], str(row["session_id"])) == ("token:robot", str(one.id))
    assert (row["detail"]["reason"], row["detail"]["reason_admin"]) == ("incident", "case 7")
    assert row["request_id"] == answer.headers["X-Request-ID"]


def test_each_reach_ends_what_it_names_and_nothing_else(revoke, started):
    scopes = (
        (lambda s: {"user": str(s[0].user_id)}, [0, 1]),
        (lambda s: {"user": str(s[0].user_id), "site": "forums"}, [1]),
        (lambda s: {"ip": "203.0.113.0/24"}, [1, 2]),
        (lambda s: {"ip": "203.0.113.5"}, [1]),
        (lambda s: {"site": "forums"}, [1, 2]),
        (lambda s: {"sessions": [str(s[0].id), str(s[2].id)]}, [0, 2]),
        (lambda s: {"filter": {"site": "store", "state": "active"}}, [0]),
        (lambda s: {"filter": {"device": "firefox", "ip": "203.0.113.6"}}, [2]),
        (lambda s: {"everyone": True}, [0, 1, 2]),
    )
    for scope, ended in scopes:
        all_of_them = [
            started("moderator"),
            started("moderator", "forums", "203.0.113.5"),
            started("member", "forums", "203.0.113.6"),
        ]
        answer = revoke(scope(all_of_them))
        assert answer.json["matched"] == answer.json["revoked"] == len(ended)
        assert [number for number, each in enumerate(all_of_them) if not each.lives] == ended
        for each in all_of_them:
            if each.lives:
                revoke({"session": str(each.id)})


def test_a_dry_run_counts_and_changes_nothing(call, revoke, started, sql):
    one = started()
    answer = call("POST", "/revocations", {"scope": {"site": "store"}, "dry_run": True}, 200)
    assert (answer.json["id"], answer.json["matched"], answer.json["revoked"]) == (None, 1, 0)
    revoke({"everyone": True}, 200, dry_run=True)
    assert one.lives
    assert sql("SELECT 1 FROM revocations") == []


def test_an_expectation_that_no_longer_holds_is_409(revoke, started, sql):
    one = started()
    for scope in ({"user": str(one.user_id)}, {"ip": "192.0.2.1"}, {"session": str(one.id)}):
        answer = revoke(scope, 409, expected_count=2)
        assert answer.json["matched"] == 1
    assert one.lives
    assert sql("SELECT 1 FROM revocations") == []
    revoke({"ip": "192.0.2.1"}, expected_count=1)
    assert not one.lives


def test_a_scope_that_matches_nothing_ends_nothing(revoke, started, sql):
    one = started()
    for scope in ({"ip": "203.0.113.0/24"}, {"filter": {"user": "nobody"}}, {"session": str(uuid4())}):
        answer = revoke(scope, 201)
        assert (answer.json["matched"], answer.json["revoked"]) == (0, 0)
        revoke(scope, 409, expected_count=1)
    assert one.lives
    # That it was tried is on record.
    assert len(sql("SELECT 1 FROM revocations WHERE matched = 0")) == 3


def test_everyone_and_a_site_take_a_scope_of_their_own(caller, revoke, started):
    one = started()
    small, large = caller("sessions:revoke"), caller("everyone:revoke")
    for scope in ({"everyone": True}, {"site": "store"}):
        answer = revoke(scope, 403, small)
        assert answer.json["missing_scope"] == "everyone:revoke"
        assert revoke(scope, 403, small, dry_run=True)
    for scope in ({"session": str(one.id)}, {"user": str(one.user_id)}, {"filter": {"site": "store"}}):
        assert revoke(scope, 403, large).json["missing_scope"] == "sessions:revoke"
    assert one.lives
    revoke({"everyone": True}, 201, large)
    assert not one.lives


CROWD = """INSERT INTO sessions (site, user_id, user_name, user_email, roles, authenticated_at, absolute_end,
      idle_end, last_seen_at)
    SELECT 'store', CASE WHEN :one THEN CAST(:user_id AS uuid) ELSE gen_random_uuid() END, 'Somebody', 'some@body.example',
      '{}', now(), now() + interval '1 day', now() + interval '1 hour', now()
    FROM generate_series(1, :count) RETURNING id::text, user_id::text"""


@pytest.fixture
def crowd(sql):
    """`crowd(n)`: live sessions of n people; with `user_id`, of that one."""
    return lambda count, user_id=None: sql(CROWD, count=count, one=user_id is not None, user_id=user_id)


def test_a_wide_act_is_a_site_by_any_name(caller, revoke, started, sql, crowd):
    one, ids = started(), [row["id"] for row in crowd(101)]
    small = caller("sessions:revoke")
    scopes = (
        {"filter": {"state": "active"}},
        {"filter": {"user": "@"}},
        {"filter": {"user": "somebody", "site": "store"}},
        {"sessions": ids},
    )
    for scope in scopes:
        assert revoke(scope, 403, small).json["missing_scope"] == "everyone:revoke", scope
        assert revoke(scope, 403, small, dry_run=True), scope
    assert one.lives
    assert sql("SELECT 1 FROM revocations") == []
    # One person is no whole site, however many sessions that person has.
    crowd(101, one.user_id)
    assert revoke({"filter": {"user": str(one.user_id)}}, 201, small).json["matched"] == 102
    assert not one.lives
    assert revoke({"filter": {"user": "@"}}, 201, caller("everyone:revoke")).json["matched"] == 101


def test_ids_in_batches_are_one_act_in_slices(caller, revoke, started, sql, crowd):
    ids = [row["id"] for row in crowd(130)]
    small = caller("sessions:revoke")
    for start in range(0, 100, 20):
        revoke({"sessions": ids[start : start + 20]}, 201, small)
    answer = revoke({"session": ids[100]}, 403, small, dry_run=False)
    assert answer.json["missing_scope"] == "everyone:revoke"
    assert "101 people would be reached within an hour" in answer.json["detail"]
    small("DELETE", f"/sessions/{ids[101]}", status=403)
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL")) == 100
    assert sql("SELECT 1 FROM audit_log WHERE event = 'api_token_refused' AND detail ->> 'why' = 'reach'")
    # A person who was reached before is not counted again, and another program has an hour of its own.
    [again] = crowd(1, sql("SELECT user_id FROM sessions WHERE ended_at IS NOT NULL LIMIT 1")[0]["user_id"])
    revoke({"session": again["id"]}, 201, small)
    revoke({"session": ids[102]}, 201, caller("sessions:revoke", name="other"))
    # An hour after these acts, and the sessions are still alive.
    sql(
        "SET session_replication_role = replica; UPDATE audit_log SET at = at - interval '1 hour'; "
        "SET session_replication_role = DEFAULT"
    )
    revoke({"session": ids[103]}, 201, small)


def test_of_two_acts_at_once_the_second_counts_the_first(caller, revoke, sql, crowd):
    ids = [row["id"] for row in crowd(120)]
    small = caller("sessions:revoke")
    with ThreadPoolExecutor(4) as pool:
        done = list(
            pool.map(
                lambda n: (
                    small(
                        "POST",
                        "/revocations",
                        {"scope": {"sessions": ids[n * 30 : n * 30 + 30]}, "reason": REASON},
                    ).status_int
                ),
                range(4),
            )
        )
    assert sorted(done) == [201, 201, 201, 403]
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NOT NULL")) == 90


@pytest.mark.parametrize(
    "ask",
    [
        lambda c, row: c("POST", "/revocations", {"scope": {"session": str(row["id"])}, "reason": REASON}),
        lambda c, row: c("POST", "/revocations", {"scope": {"user": str(row["user_id"])}, "reason": REASON}),
        lambda c, row: c("POST", "/revocations", {"scope": {"ip": "192.0.2.0/24"}, "reason": REASON}),
        lambda c, row: c("DELETE", f"/sessions/{row['id']}"),
        lambda c, row: c(
            "POST",
            "/global-token-revocation",
            {"sub_id": {"format": "opaque", "id": str(row["user_id"])}},
        ),
        lambda c, row: c(
            "POST",
            "/global-token-revocation",
            {"sub_id": {"format": "email", "email": "owner@harbour.example"}},
        ),
    ],
)
def test_an_owner_at_the_console_takes_the_greater_scope(caller, browser, sql, ask):
    console = browser("admin", "192.0.2.1")
    console.log_in("owner")
    [row] = sql("SELECT id, user_id FROM sessions")
    assert ask(caller("sessions:revoke"), row).json["missing_scope"] == "everyone:revoke"
    assert console.get("/sessions").status_int == 200
    assert ask(caller("sessions:revoke", "everyone:revoke"), row).status_int in (201, 204)
    assert console.get("/sessions").status_int == 302


def test_the_receipt_follows_the_provider(call, revoke, started, idp, sql, apps):
    one = started()
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
    answer = revoke({"session": str(one.id)})
    assert answer.json["upstream"] == {"confirmed": 0, "pending": 0, "failed": 1}
    assert not one.lives
    receipt = f"/revocations/{answer.json['id']}"
    assert call("GET", receipt, status=200).json["upstream"]["failed"] == 1
    sql("UPDATE revocation_outbox SET next_try_at = now()")
    from shopforum.sessions import jobs

    apps["admin"].services.idp.breaker.reset()
    jobs.run_once(apps["admin"].services.sessions)
    after = call("GET", receipt, status=200).json
    assert after["upstream"] == {"confirmed": 1, "pending": 0, "failed": 0}
    assert after["reason"] == {"code": "incident", "text": "case 7", "user_text": ""}
    assert after["actor"] == "token:robot"


def test_an_unknown_reason_is_refused_with_the_known_ones(call, started, sql):
    one = started()
    reason = {"code": "edr-alert", "text": "host 12"}
    answer = call("POST", "/revocations", {"scope": {"session": str(one.id)}, "reason": reason}, 422)
    [error] = answer.json["errors"]
    assert error["field"] == "reason.code"
    assert all(code in error["detail"] for code in labels.REASONS)
    assert one.lives
    assert sql("SELECT 1 FROM revocations") == []


def test_all_that_a_revocation_has_ended_page_by_page(call, started):
    ones = [started(who) for who in ("shopper", "member", "moderator")]
    scope = {"sessions": [str(one.id) for one in ones[1:]]}
    receipt = call("POST", "/revocations", {"scope": scope, "reason": {"code": "test"}}, 201).json["id"]
    first = call("GET", f"/revocations/{receipt}/sessions?limit=1", status=200)
    assert first.json["total"] == {"count": 2, "exact": True}
    second = call("GET", first.headers["Link"].partition(">")[0].removeprefix("</api/v1"), status=200)
    assert second.json["next"] is None
    found = [row["id"] for answer in (first, second) for row in answer.json["sessions"]]
    assert found == [str(ones[2].id), str(ones[1].id)]
    call("GET", f"/revocations/{uuid4()}/sessions", status=404)
    call("GET", f"/revocations/{receipt}/sessions?cursor=x", status=422)


def test_global_token_revocation(call, started, sql):
    one, two, other = started(), started("shopper", "store", "203.0.113.1"), started("member", "forums")
    call("POST", "/global-token-revocation", {"sub_id": {"format": "email", "email": "x@y.example"}}, 404)
    call("POST", "/global-token-revocation", {"sub_id": {"format": "opaque", "id": str(uuid4())}}, 404)
    wrong = {"sub_id": {"format": "phone_number", "phone_number": "1"}}
    call("POST", "/global-token-revocation", wrong, 422)
    subject = {"format": "email", "email": "Shopper@harbour.example"}
    assert call("POST", "/global-token-revocation", {"sub_id": subject}, 204).body == b""
    assert not one.lives
    assert not two.lives
    assert other.lives
    call("POST", "/global-token-revocation", {"sub_id": {"format": "opaque", "id": str(other.user_id)}}, 204)
    assert not other.lives


def test_global_token_revocation_by_issuer_and_subject(call, started, idp):
    one = started()
    ours, sub = {"format": "iss_sub", "iss": idp.url}, str(one.user_id)
    refused = (
        ({**ours, "iss": "https://elsewhere.example", "sub": sub}, 404),
        ({**ours, "sub": str(uuid4())}, 404),
        ({**ours, "sub": "no id of ours"}, 404),
        ({"format": "iss_sub", "sub": sub}, 422),
    )
    for subject, status in refused:
        call("POST", "/global-token-revocation", {"sub_id": subject}, status)
    assert one.lives
    call("POST", "/global-token-revocation", {"sub_id": {**ours, "iss": f"{idp.url}/", "sub": sub}}, 204)
    assert not one.lives


def test_it_works_while_the_provider_is_away(revoke, call, started, idp):
    one = started()
    idp.hook("fail", path="/", times=50, status=503)
    assert call("GET", "/sessions", status=200).json["total"]["count"] == 1
    assert revoke({"session": str(one.id)}).json["upstream"]["confirmed"] == 0
    call("GET", "/events", status=200)
    call("DELETE", f"/sessions/{one.id}", status=204)
