"""Refreshing by both endpoints."""

from http.cookies import SimpleCookie

import jwt
import pytest
import requests

DEAD = {
    "fieldErrors": {
        "refreshToken": [
            {
                "code": "[invalid]refreshToken",
                "message": "The refresh token was not found or has expired.",
            }
        ]
    },
    "generalErrors": [],
}


@pytest.fixture
def token_endpoint(client, world):
    def call(token, application=None, **changes):
        application = application or world.store
        secret = changes.get("client_secret", world.secrets[application])
        return client.exchange_refresh_token_for_access_token(token, application, secret)

    return call


def test_refresh_answers_a_new_jwt_and_the_same_identity(login, refresh, person, world):
    first = login().success_response
    answer = refresh(first["refreshToken"])
    assert answer.status == 200
    body = answer.success_response
    assert set(body) == {"refreshToken", "refreshTokenId", "token"}
    assert body["refreshToken"] == first["refreshToken"]
    assert body["refreshTokenId"] == first["refreshTokenId"]
    assert body["token"] != first["token"]
    claims = jwt.decode(body["token"], options={"verify_signature": False})
    assert claims["sub"] == person.id
    assert claims["authenticationType"] == "REFRESH_TOKEN"
    assert claims["sid"] == first["refreshTokenId"]
    cookies = SimpleCookie(answer.response.headers["Set-Cookie"])
    assert cookies["refresh_token"].value == body["refreshToken"]


def test_a_dead_token_answers_exactly_what_fusionauth_answers(refresh, token_endpoint, hook):
    assert (refresh("unknown").status, refresh("unknown").error_response) == (400, DEAD)
    answer = token_endpoint("unknown")
    assert answer.status == 400
    assert answer.error_response == {
        "error": "invalid_grant",
        "error_description": "The refresh_token is invalid.",
        "error_reason": "refresh_token_not_found",
    }
    hook("legacy_404", on=True)
    assert (refresh("unknown").status, refresh("unknown").response.content) == (404, b"")
    assert token_endpoint("unknown").status == 404
    hook("legacy_404", on=False)
    assert refresh("unknown").status == 400


def test_the_cookie_wins_over_the_body_on_refresh(login, world):
    cookie, body = login().success_response, login(applicationId=world.forums).success_response
    answer = requests.post(
        f"{world.url}/api/jwt/refresh",
        json={"refreshToken": body["refreshToken"]},
        cookies={"refresh_token": cookie["refreshToken"]},
        timeout=60,
    )
    assert answer.json()["refreshTokenId"] == cookie["refreshTokenId"]


def test_the_parameter_wins_over_the_cookie_on_logout(login, refresh, world):
    cookie, parameter = login().success_response, login().success_response
    answer = requests.post(
        f"{world.url}/api/logout",
        params={"refreshToken": parameter["refreshToken"]},
        cookies={"refresh_token": cookie["refreshToken"]},
        timeout=60,
    )
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Set-Cookie"].count("Max-Age=0") == 2
    assert refresh(parameter["refreshToken"]).status == 400
    assert refresh(cookie["refreshToken"]).status == 200


def test_logout_of_one_of_all_and_of_nothing(login, refresh, client, world):
    tokens = [
        login(applicationId=each).success_response["refreshToken"] for each in (world.store, world.forums)
    ]
    assert client.logout(False).status == 200
    assert client.logout(False, "unknown").status == 200
    assert [refresh(token).status for token in tokens] == [200, 200]
    assert client.logout_with_request({"refreshToken": tokens[0]}).status == 200
    assert [refresh(token).status for token in tokens] == [400, 200]
    tokens.append(login().success_response["refreshToken"])
    assert client.logout(True, tokens[1]).status == 200
    assert [refresh(token).status for token in tokens] == [400, 400, 400]


def test_a_shorter_jwt_may_be_asked_for_but_no_longer_one(login, client):
    token = login().success_response["refreshToken"]
    short = client.exchange_refresh_token_for_jwt({"refreshToken": token, "timeToLiveInSeconds": 60})
    claims = jwt.decode(short.success_response["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60
    long = client.exchange_refresh_token_for_jwt({"refreshToken": token, "timeToLiveInSeconds": 3601})
    assert long.status == 400
    assert "refreshToken" not in long.error_response["fieldErrors"]


def test_refresh_may_be_forbidden_by_the_application(login, refresh, client, world):
    token = login().success_response["refreshToken"]
    change = {"application": {"loginConfiguration": {"allowTokenRefresh": False}}}
    assert client.patch_application(world.store, change).status == 200
    try:
        answer = refresh(token)
        assert answer.status == 400
        assert answer.error_response["generalErrors"]
    finally:
        change["application"]["loginConfiguration"]["allowTokenRefresh"] = True
        assert client.patch_application(world.store, change).status == 200
    assert refresh(token).status == 200


def test_a_deregistered_user_still_refreshes_but_without_roles(login, refresh, client, person, world):
    token = login().success_response["refreshToken"]
    assert client.delete_registration(person.id, world.store).status == 200
    claims = jwt.decode(refresh(token).success_response["token"], options={"verify_signature": False})
    assert "applicationId" not in claims
    assert "roles" not in claims


def test_a_locked_or_deleted_user_cannot_refresh(login, refresh, hook, client, person):
    token = login().success_response["refreshToken"]
    hook("policy", on_login_prevented=False)
    hook("lock", email=person.email, on=True)
    assert refresh(token).error_response == DEAD
    hook("lock", email=person.email, on=False)
    assert refresh(token).status == 200
    assert client.delete_user(person.id).status == 200
    assert refresh(token).error_response == DEAD


def test_the_token_endpoint_takes_form_and_basic_credentials(login, token_endpoint, person, world):
    first = login().success_response
    answer = token_endpoint(first["refreshToken"])
    assert answer.status == 200
    body = answer.success_response
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert (body["userId"], body["refresh_token_id"]) == (person.id, first["refreshTokenId"])
    assert "refresh_token" not in body
    basic = requests.post(
        f"{world.url}/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": first["refreshToken"]},
        auth=(world.store, world.secrets[world.store]),
        timeout=60,
    )
    assert basic.status_code == 200


def test_the_token_endpoint_refuses_wrong_clients(login, token_endpoint, world):
    token = login().success_response["refreshToken"]
    wrong = token_endpoint(token, client_secret="wrong")
    assert wrong.status == 401
    assert wrong.error_response.json()["error"] == "invalid_client"
    assert token_endpoint(token, client_secret=None).status == 401
    other = token_endpoint(token, application=world.forums)
    assert (other.status, other.error_response["error"]) == (400, "invalid_grant")
    assert token_endpoint(token).status == 200


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"grant_type": ""}, "missing_grant_type"),
        ({"refresh_token": ""}, "missing_refresh_token"),
        ({"grant_type": "password"}, "invalid_grant_type"),
        ({"client_id": ""}, "missing_client_id"),
    ],
)
def test_the_token_endpoint_names_what_is_missing(world, change, reason):
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": "x",
        "client_id": world.store,
        "client_secret": world.secrets[world.store],
    }
    answer = requests.post(f"{world.url}/oauth2/token", data=fields | change, timeout=30)
    assert (answer.status_code, answer.json()["error_reason"]) == (400, reason)


def test_introspection_is_for_the_tokens_own_client(login, client, world, person):
    token = login().success_response["token"]

    def introspect(application, value):
        fields = {"client_id": application, "client_secret": world.secrets[application], "token": value}
        return requests.post(f"{world.url}/oauth2/introspect", data=fields, timeout=30)

    assert introspect(world.store, token).json()["sub"] == person.id
    bare = {"client_id": world.store, "token": token}
    assert requests.post(f"{world.url}/oauth2/introspect", data=bare, timeout=30).json()["active"]
    assert introspect(world.store, "x").json() == {"active": False}
    assert introspect(world.forums, token).status_code == 401


def test_a_shorter_access_token_may_be_asked_for_at_the_token_endpoint(login, world):
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": login().success_response["refreshToken"],
        "client_id": world.store,
        "client_secret": world.secrets[world.store],
    }

    def ask(seconds):
        return requests.post(f"{world.url}/oauth2/token", data=fields | {"expires_in": seconds}, timeout=30)

    assert ask("60").json()["expires_in"] == 60
    for wrong in ("3601", "0", "-1", "soon", "9" * 30):
        answer = ask(wrong)
        assert answer.status_code == 400
        assert answer.json().get("error") != "invalid_grant"
