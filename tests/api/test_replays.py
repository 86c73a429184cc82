"""A call that is sent again with its Idempotency-Key: done once, answered the same."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shopforum.api import jobs
from shopforum.core import purge

REASON = {"code": "test"}


@pytest.fixture
def revoke(call):
    def send(scope, key, status=None, caller=call, **more):
        body = {"scope": scope, "reason": REASON, **more}
        return caller("POST", "/revocations", body, status, Idempotency_Key=key)

    return send


def test_the_first_answer_comes_again_and_nothing_more_is_ended(revoke, started, sql, idp):
    one = started()
    scope = {"user": str(one.user_id)}
    first = revoke(scope, "k1", 201)
    later = started()
    idp.forget_calls()
    again = revoke(scope, "k1", 201)
    assert again.json == first.json
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert later.lives
    assert idp.calls("/api/jwt/refresh") == []
    assert len(sql("SELECT 1 FROM revocations")) == 1
    # A new key is a new act.
    assert revoke(scope, "k2", 201).json["id"] != first.json["id"]
    assert not later.lives


def test_the_same_body_spelled_otherwise_is_the_same(call, revoke, started):
    one = started()
    first = revoke({"session": str(one.id)}, "k", 201)
    spelled = b'{ "reason": {"code":"test"},"scope":{"session": "%s"}}' % str(one.id).encode()
    again = call("POST", "/revocations", spelled, 201, Idempotency_Key="k")
    assert again.json == first.json


def test_another_body_is_422_and_ends_nothing(revoke, started):
    one, two = started(), started("member", "forums")
    revoke({"session": str(one.id)}, "k", 201)
    revoke({"session": str(two.id)}, "k", 422)
    assert two.lives


def test_keys_belong_to_their_token(caller, revoke, started):
    one, two = started(), started("member", "forums")
    revoke({"session": str(one.id)}, "k", 201)
    revoke({"session": str(two.id)}, "k", 201, caller(name="another"))
    assert not two.lives


def test_a_refusal_is_not_kept(revoke, started, sql):
    one = started()
    revoke({"session": str(one.id)}, "k", 409, expected_count=3)
    assert sql("SELECT 1 FROM api_replays") == []
    revoke({"session": str(one.id)}, "k", 201, expected_count=1)


def test_a_dry_run_uses_no_key(revoke, started):
    one = started()
    revoke({"session": str(one.id)}, "k", 200, dry_run=True)
    revoke({"session": str(one.id)}, "k", 201)


def test_while_the_first_is_at_work_409(revoke, started, sql):
    one, scope = started(), None
    scope = {"session": str(one.id)}
    revoke(scope, "k", 201)
    # As if the first had not come to its act yet.
    sql("UPDATE api_replays SET status = NULL, answer = NULL, request_id = 'another'")
    answer = revoke(scope, "k", 409)
    assert answer.json["type"] == "/api/v1/problems/key-in-progress"
    assert int(answer.headers["Retry-After"]) <= 10, "a call takes moments, not the length of its lease"
    for left, wait in ((80, 40), (30, 30)):
        sql(f"UPDATE api_replays SET claimed_until = clock_timestamp() + interval '{left} seconds'")
        assert abs(int(revoke(scope, "k", 409).headers["Retry-After"]) - wait) <= 5
    # And as if it never had: its lease is over, so this call does it.
    sql("UPDATE api_replays SET claimed_until = now()")
    assert revoke(scope, "k", 201).json["matched"] == 0


def test_after_a_crash_between_the_act_and_its_answer(revoke, started, sql):
    one = started()
    scope = {"user": str(one.user_id)}
    first = revoke(scope, "k", 201)
    sql("UPDATE api_replays SET status = NULL, answer = NULL")
    later = started()
    again = revoke(scope, "k", 201)
    assert again.json == first.json
    assert later.lives
    assert len(sql("SELECT 1 FROM revocations")) == 1
    assert revoke(scope, "k", 201).json == first.json


def test_of_many_at_once_one_acts_and_all_hear_the_same(revoke, started, sql):
    one = started()
    scope = {"user": str(one.user_id)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: revoke(scope, "k"), range(8)))
    assert {answer.status_int for answer in answers} <= {201, 409}
    done = [answer.json for answer in answers if answer.status_int == 201]
    assert done
    assert all(answer == done[0] for answer in done)
    assert len(sql("SELECT 1 FROM revocations")) == 1
    assert revoke(scope, "k", 201).json == done[0]


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256])
def test_an_invalid_idempotency_key(revoke, started, key):
    one = started()
    revoke({"session": str(one.id)}, key, 422)
    assert one.lives


def test_answers_are_kept_for_a_day(revoke, started, sql, apps, later):
    revoke({"session": str(started().id)}, "k", 201)
    db = apps["admin"].services.db
    assert purge.run(jobs.PURGES, db) == 0
    later(25 * 3600)
    assert purge.run(jobs.PURGES, db) == 1
    assert sql("SELECT 1 FROM api_replays") == []
