"""Every documented status of the Login API, as the official client sees it."""

import time

import jwt
import pytest
import requests


def test_200_has_the_user_and_all_tokens(login, person, world):
    before = time.time()
    answer = login(metaData={"device": {"name": "Laptop", "type": "BROWSER"}}, ipAddress="192.0.2.7")
    assert answer.status == 200
    body = answer.success_response
    assert set(body) == {"user", "token", "tokenExpirationInstant", "refreshToken", "refreshTokenId"}
    assert body["user"]["id"] == person.id
    assert {one["applicationId"] for one in body["user"]["registrations"]} == {world.store, world.forums}
    assert int(before) <= body["tokenExpirationInstant"] / 1000 - 3600 <= time.time()
    assert not {"password", "salt", "factor", "encryptionScheme"} & set(body["user"])
    assert None not in body["user"].values()


def test_200_sets_fusionauths_own_cookies(login):
    answer = login()
    access, refresh = answer.response.raw.headers.getlist("Set-Cookie")
    assert access.startswith(f"access_token={answer.success_response['token']}; ")
    assert refresh.startswith(f"refresh_token={answer.success_response['refreshToken']}; ")
    assert "Max-Age=2592000" in refresh
    assert "Max-Age" not in access
    for cookie in (access, refresh):
        assert "Path=/" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie


def test_the_jwt_is_signed_with_the_published_key(login, client, person, world):
    token = login().success_response["token"]
    keys = jwt.PyJWKSet.from_dict(client.retrieve_json_web_key_set().success_response)
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, keys[header["kid"]], algorithms=["RS256"], audience=world.store)
    assert claims["sub"] == person.id
    assert claims["tid"] == world.tenant
    assert claims["applicationId"] == world.store
    assert claims["roles"] == ["shopper"]
    assert claims["authenticationType"] == "PASSWORD"


def test_202_for_a_user_without_registration(login, world):
    answer = login(applicationId=world.admin)
    assert answer.status == 202
    assert answer.was_successful()
    assert "refreshToken" not in answer.success_response
    claims = jwt.decode(answer.success_response["token"], options={"verify_signature": False})
    assert "applicationId" not in claims
    assert "roles" not in claims


def test_no_refresh_token_without_an_application(login):
    answer = login(applicationId=None)
    assert answer.status == 200
    assert "refreshToken" not in answer.success_response


def test_no_jwt_means_no_tokens_and_no_cookies(login):
    answer = login(noJWT=True)
    assert set(answer.success_response) == {"user"}
    assert "Set-Cookie" not in answer.response.headers


def test_no_refresh_token_where_the_application_generates_none(login, client, world, person):
    assert client.register(
        {"registration": {"applicationId": world.admin, "roles": ["viewer"]}}, person.id
    ).was_successful()
    answer = login(applicationId=world.admin)
    assert answer.status == 200
    assert "refreshToken" not in answer.success_response
    assert "token" in answer.success_response


def test_203_leads_to_a_new_password_and_back_in(login, hook, client, person, world):
    hook("user", email=person.email, passwordChangeRequired=True)
    answer = login()
    assert answer.status == 203
    assert set(answer.success_response) == {"changePasswordId", "changePasswordReason"}
    change_id = answer.success_response["changePasswordId"]
    assert client.retrieve_user_by_change_password_id(change_id).success_response["user"]["id"] == person.id
    changed = client.change_password(change_id, {"password": "a new password"})
    one_time = changed.success_response["oneTimePassword"]
    assert client.login({"oneTimePassword": one_time, "applicationId": world.store}).status == 200
    assert client.login({"oneTimePassword": one_time, "applicationId": world.store}).status == 404
    assert client.change_password(change_id, {"password": "another password"}).status == 404
    assert login().status == 404
    assert login(password="a new password").status == 200


def test_212_and_213(login, hook, person):
    hook("user", email=person.email, registrationVerified=False)
    assert login().status == 213
    hook("user", email=person.email, verified=False)
    answer = login()
    assert answer.status == 212
    assert set(answer.success_response) == {"user"}


def test_242_until_the_code_is_given(login, hook, client, person, world):
    hook("user", email=person.email, twoFactor=True)
    answer = login()
    assert answer.status == 242
    assert set(answer.success_response) == {"twoFactorId", "methods"}
    challenge = answer.success_response["twoFactorId"]
    sent = client.send_two_factor_code_for_login_using_method(
        challenge, {"methodId": answer.success_response["methods"][0]["id"]}
    )
    assert sent.status == 200
    code = requests.get(f"{world.hooks}/two-factor/{challenge}", timeout=30).json()["code"]
    wrong = "000000" if code != "000000" else "000001"
    assert client.two_factor_login({"twoFactorId": challenge, "code": wrong}).status == 421
    done = client.two_factor_login({"twoFactorId": challenge, "code": code, "trustComputer": True})
    assert done.status == 200
    assert done.success_response["refreshToken"]
    assert client.two_factor_login({"twoFactorId": challenge, "code": code}).status == 404
    trust = done.success_response["twoFactorTrustId"]
    assert done.response.cookies["fusionauth.trust"] == trust
    assert login(twoFactorTrustId=trust).status == 200
    assert login().status == 242


def test_a_two_factor_challenge_ends_after_five_minutes(login, hook, client, person, world):
    hook("user", email=person.email, twoFactor=True)
    challenge = login().success_response["twoFactorId"]
    code = requests.get(f"{world.hooks}/two-factor/{challenge}", timeout=30).json()["code"]
    hook("advance", seconds=301)
    assert client.two_factor_login({"twoFactorId": challenge, "code": code}).status == 404
    assert client.send_two_factor_code_for_login_using_method(challenge, {}).status == 400


@pytest.mark.parametrize("missing", ["loginId", "password"])
def test_400_names_the_missing_field(login, missing):
    answer = login(**{missing: None})
    assert answer.status == 400
    assert answer.error_response["fieldErrors"][missing][0]["code"] == f"[blank]{missing}"


def test_400_for_an_application_id_that_is_no_uuid(login):
    answer = login(applicationId="store")
    assert (
        answer.error_response["fieldErrors"]["applicationId"][0]["code"] == "[couldNotConvert]applicationId"
    )


def test_401_without_or_with_a_wrong_key(world, person):
    body = {"loginId": person.email, "password": person.password, "applicationId": world.store}
    for headers in ({}, {"Authorization": "wrong"}, {"Authorization": f"Bearer {world.api_key}"}):
        answer = requests.post(f"{world.url}/api/login", json=body, headers=headers, timeout=30)
        assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(
    "change", [{"password": "correct horse "}, {"password": "Correct horse"}, {"loginId": "nobody"}]
)
def test_404_for_a_wrong_password_or_an_unknown_user(login, change):
    answer = login(**change)
    assert answer.status == 404
    assert answer.response.content == b""


def test_login_ids_are_not_trimmed_and_addresses_ignore_case(login, person):
    assert login(loginId=f" {person.email}").status == 404
    assert login(loginId=person.email.upper()).status == 200
    assert login(loginIdTypes=["username"]).status == 404


def test_409_410_and_423(login, hook, person):
    hook("user", email=person.email, loginPrevented=True)
    answer = login()
    assert answer.status == 409
    assert answer.error_response.json()["actions"]
    hook("user", email=person.email, expired=True)
    assert (login().status, login().response.content) == (410, b"")
    hook("lock", email=person.email, on=True)
    assert login().status == 423
    assert login(password="wrong password").status == 423
    hook("lock", email=person.email, on=False)
    hook("user", email=person.email, expired=False, loginPrevented=False)
    assert login().status == 200


def test_the_login_ping_counts_as_a_login(client, person, world):
    assert client.login_ping(person.id, world.store, "192.0.2.1").status == 200
    assert client.login_ping_with_request({"userId": person.id, "applicationId": world.admin}).status == 202
    assert client.login_ping("7c6f9a30-0000-4000-8000-00000000ffff", world.store).status == 404
    user = client.retrieve_user(person.id).success_response["user"]
    assert user["lastLoginInstant"] >= user["insertInstant"]


def test_status_version_and_discovery(client, world):
    assert client.retrieve_system_status_using_api_key().success_response == {
        "status": "ok",
        "version": "1.69.0",
    }
    assert requests.get(f"{world.url}/api/status", timeout=30).json() == {"status": "ok"}
    assert requests.get(f"{world.url}/api/health", timeout=30).status_code == 200
    assert client.retrieve_version().success_response == {"version": "1.69.0"}
    discovered = client.retrieve_open_id_configuration().success_response
    assert discovered["jwks_uri"] == f"{world.url}/.well-known/jwks.json"
    other = f"{world.url}/{world.tenant}/.well-known/openid-configuration"
    assert requests.get(other, timeout=30).json() == discovered
    wrong = other.replace(world.tenant, world.store)
    assert requests.get(wrong, timeout=30).status_code == 404


def test_a_jwt_validates_until_it_expires(login, client, hook, person):
    token = login().success_response["token"]
    assert client.validate_jwt(token).success_response["jwt"]["sub"] == person.id
    assert client.validate_jwt(token + "x").status == 401
    hook("advance", seconds=3601)
    assert client.validate_jwt(token).status == 401
