"""The test hooks: they do what they say, hide secrets, and refuse what they do not know."""

import base64
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests


def calls(world):
    return requests.get(f"{world.hooks}/calls", timeout=30).json()["calls"]


def test_calls_are_recorded_without_hooks_and_without_secrets(login, client, world, hook, person):
    token = login().success_response["refreshToken"]
    assert requests.delete(f"{world.hooks}/calls", timeout=30).ok
    login()
    client.revoke_refresh_token_by_token(token)
    client.revoke_refresh_tokens_by_user_id(person.id)
    hook("advance", seconds=0)
    answer = requests.get(f"{world.hooks}/calls", timeout=30)
    assert answer.json()["calls"] == [
        {"method": "POST", "path": "/api/login"},
        {"method": "DELETE", "path": "/api/jwt/refresh", "query": "token=***"},
        {"method": "DELETE", "path": "/api/jwt/refresh", "query": f"userId={person.id}"},
    ]
    assert token not in answer.text


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_lambda_adds_replaces_and_removes_claims(login, client, world, hook, person):
    hook(
        "lambda",
        applicationId=world.store.upper(),
        set={"roles": ["x"], "new": {"a": 1}},
        remove=["applicationId"],
    )
    answer = login().success_response
    renewed = client.exchange_refresh_token_for_jwt({"refreshToken": answer["refreshToken"]}).success_response
    for token in (answer["token"], renewed["token"]):
        claims = claims_of(token)
        assert (claims["roles"], claims["new"], claims["sub"]) == (["x"], {"a": 1}, person.id)
        assert "applicationId" not in claims
    other = claims_of(login(applicationId=world.forums).success_response["token"])
    assert other["applicationId"] == world.forums
    hook("reset")
    assert claims_of(login().success_response["token"])["applicationId"] == world.store


def test_a_lambda_refuses_who_gave_the_right_password(login, hook):
    hook("lambda", refuse="LoginRestricted")
    answer = login()
    assert (answer.status, answer.error_response["generalErrors"][0]["code"]) == (400, "[LoginRestricted]")
    assert login(password="wrong").status == 404


@pytest.mark.parametrize(
    "body", [{"set": {"sub": "x"}}, {"remove": ["exp"]}, {"set": []}, {"remove": "x"}, {"x": 1}]
)
def test_a_lambda_leaves_reserved_claims_alone(world, body):
    assert requests.post(f"{world.hooks}/lambda", json=body, timeout=30).status_code == 400


def test_a_fault_replaces_the_next_answers_only(login, hook):
    hook("fail", path="/api/login", times=2, status=503, body={"a": 1}, headers={"Retry-After": "7"})
    for _ in range(2):
        answer = login()
        assert (answer.status, answer.response.json()) == (503, {"a": 1})
        assert answer.response.headers["Retry-After"] == "7"
    assert login().status == 200


def test_a_fault_takes_a_prefix_a_method_and_garbage(login, client, hook, person):
    hook("fail", path="/api/", method="get", times=1, status=200, body="<p>", content_type="text/plain")
    assert login().status == 200
    answer = client.retrieve_user(person.id)
    assert (answer.response.text, answer.response.headers["Content-Type"]) == ("<p>", "text/plain")
    assert client.retrieve_user(person.id).status == 200


def test_the_longest_path_wins_and_times_zero_clears(login, hook):
    hook("fail", path="/api/", times=100, status=500)
    hook("fail", path="/api/login", times=100, status=502)
    assert login().status == 502
    hook("fail", path="/api/login", times=0)
    assert login().status == 500
    hook("reset")
    assert login().status == 200


class _Pauses(threading.Event):
    """Notes how long the provider is told to wait, and lets no time go by."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def wait(self, timeout=None):
        self.noted.append(timeout)
        return False


def test_a_delay_alone_slows_the_real_answer(login, hook, provider, monkeypatch):
    pauses = _Pauses()
    monkeypatch.setattr(provider._service.state, "_wake", pauses)
    hook("fail", path="/api/login", delay_seconds=0.2)
    assert login().status == 200
    assert pauses.noted == [0.2]
    assert login().status == 200
    assert pauses.noted == [0.2]


def test_reset_wakes_a_delayed_call(login, hook, world):
    hook("fail", path="/api/login", delay_seconds=60, status=500)
    requests.delete(f"{world.hooks}/calls", timeout=30).raise_for_status()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(login)
        while {"method": "POST", "path": "/api/login"} not in calls(world):
            pass
        hook("reset")
        assert slow.result(timeout=30).status == 500


def test_a_dropped_answer_is_work_done_but_never_told(login, refresh, hook, world, person):
    hook("policy", usage="OneTimeUse")
    token = login().success_response["refreshToken"]
    hook("fail", path="/api/jwt/refresh", drop=True)
    with pytest.raises(requests.ConnectionError):
        refresh(token)
    assert refresh(token).status == 400


def test_expire_by_token_by_user_and_by_address(login, refresh, hook, person, world):
    first, second = login().success_response, login(applicationId=world.forums).success_response
    assert hook("expire", refreshTokenId=first["refreshTokenId"]) == {"expired": 1}
    assert (refresh(first["refreshToken"]).status, refresh(second["refreshToken"]).status) == (400, 200)
    assert hook("expire", email=person.email) == {"expired": 2}
    assert refresh(second["refreshToken"]).status == 400
    assert hook("expire", userId=person.id, applicationId=world.store) == {"expired": 1}


def test_token_states_never_show_values(login, client, hook, person, world):
    logins = [login().success_response for _ in range(3)]
    hook("expire", refreshTokenId=logins[0]["refreshTokenId"])
    client.revoke_refresh_token_by_id(logins[1]["refreshTokenId"])
    answer = requests.get(f"{world.hooks}/tokens", params={"userId": person.id}, timeout=30)
    states = {one["refreshTokenId"]: one["state"] for one in answer.json()["tokens"]}
    assert [states[one["refreshTokenId"]] for one in logins] == ["expired", "revoked", "live"]
    assert not any(one["refreshToken"] in answer.text for one in logins)


def test_pending_two_factor_codes_are_listed(login, hook, person, world):
    hook("user", email=person.email, twoFactor=True)
    challenge = login().success_response["twoFactorId"]
    listed = requests.get(f"{world.hooks}/two-factor", timeout=30).json()["challenges"]
    mine = next(one for one in listed if one["twoFactorId"] == challenge)
    assert mine["email"] == person.email
    assert len(mine["code"]) == 6


def test_advance_answers_the_new_time(hook):
    for seconds in (86_400, 0):
        before = int(time.time() * 1000)
        now = hook("advance", seconds=seconds)["now"]
        assert before <= now - seconds * 1000 <= time.time() * 1000
        hook("reset")


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("legacy_404", {}),
        ("legacy_404", {"on": 1}),
        ("legacy_404", {"on": True, "off": False}),
        ("fail", {"path": "/api"}),
        ("fail", {"path": "/hooks/calls", "status": 500}),
        ("fail", {"path": "api", "status": 500}),
        ("fail", {"path": "/api", "status": 99}),
        ("fail", {"path": "/api", "status": 500, "times": -1}),
        ("fail", {"path": "/api", "status": 500, "tiems": 1}),
        ("fail", {"path": "/api", "delay_seconds": "long"}),
        ("fail", {"path": "/api", "delay_seconds": 1e9}),
        ("fail", {"path": "/api", "status": 500, "headers": {"A": "b\r\nC: d"}}),
        ("fail", {"path": "/api", "status": 500, "headers": {"Connection": "close"}}),
        ("expire", {}),
        ("expire", {"refreshTokenId": "x"}),
        ("lock", {"email": 7}),
        ("user", {"email": ""}),
        ("policy", {"usage": "Twice"}),
        ("policy", {"ttl_minutes": 0}),
        ("policy", {"grace_seconds": 90_000}),
        ("policy", {"expiration": "SlidingWindowWithMaximumLifetime", "maximum_minutes": 1}),
        ("advance", {}),
        ("advance", {"seconds": 1.5}),
        ("advance", {"seconds": 10**30}),
    ],
)
def test_a_wrong_body_is_a_400_with_a_message(world, name, body):
    answer = requests.post(f"{world.hooks}/{name}", json=body, timeout=30)
    assert answer.status_code == 400, answer.text
    assert "message" in answer.text


def test_an_unknown_user_or_challenge_is_a_404(world):
    answer = requests.post(
        f"{world.hooks}/lock", json={"email": "nobody@example.com", "on": True}, timeout=30
    )
    assert answer.status_code == 404
    assert requests.get(f"{world.hooks}/two-factor/unknown", timeout=30).status_code == 404
    assert requests.get(f"{world.hooks}/tokens?userId=x", timeout=30).status_code == 400


def test_a_web_page_cannot_turn_the_hooks(world):
    headers = {"Origin": "https://attacker.example"}
    assert requests.post(f"{world.hooks}/reset", headers=headers, timeout=30).status_code == 403
    headers = {"Host": "attacker.example"}
    assert requests.get(f"{world.hooks}/calls", headers=headers, timeout=30).status_code == 421
