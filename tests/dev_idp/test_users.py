"""Users, registrations, passwords and applications through the official client."""

import uuid

import pytest
import requests


def code_of(answer, field):
    return answer.error_response["fieldErrors"][field][0]["code"]


def test_a_user_is_created_found_changed_and_deleted(client):
    user_id, address = str(uuid.uuid4()), f"{uuid.uuid4().hex}@Example.com"
    user = {"email": address, "password": "long enough", "firstName": "Ada", "data": {"a": {"b": 1}}}
    made = client.create_user({"user": user}, user_id)
    assert made.status == 200
    assert made.success_response["user"]["email"] == address.lower()
    for found in (
        client.retrieve_user(user_id),
        client.retrieve_user_by_email(address),
        client.retrieve_user_by_login_id(address.lower()),
        client.retrieve_user_by_login_id_with_login_id_types(address, ["email"]),
    ):
        assert found.success_response["user"]["id"] == user_id
    assert client.retrieve_user_by_username(address).status == 404
    patched = client.patch_user(
        user_id, {"user": {"lastName": "Lovelace", "data": {"c": 2}}}
    ).success_response
    assert patched["user"]["firstName"] == "Ada"
    assert patched["user"]["data"] == {"a": {"b": 1}, "c": 2}
    put = client.update_user(user_id, {"user": {"email": address, "lastName": "King"}}).success_response
    assert "firstName" not in put["user"]
    assert client.login({"loginId": address, "password": "long enough"}).status == 200
    assert client.delete_user(user_id).response.content == b""
    assert client.retrieve_user(user_id).status == 404
    assert client.delete_user(user_id).status == 404


def test_a_deactivated_user_is_locked_until_reactivated(client, login, refresh, person):
    token = login().success_response["refreshToken"]
    assert client.deactivate_user(person.id).status == 200
    assert login().status == 423
    assert refresh(token).status == 400
    assert client.retrieve_user(person.id).success_response["user"]["active"] is False
    assert client.reactivate_user(person.id).success_response["user"]["active"] is True
    assert login().status == 200
    assert refresh(token).status == 400


def test_taken_and_invalid_values_are_refused(client, person):
    def create(**user):
        return client.create_user({"user": {"password": "long enough"} | user})

    assert code_of(create(email=person.email.upper()), "user.email") == "[duplicate]user.email"
    assert code_of(create(), "user.email") == "[blank]user.email"
    assert code_of(create(email="no address"), "user.email") == "[notEmail]user.email"
    assert code_of(create(email="a@b", password="short"), "user.password") == "[tooShort]user.password"
    assert code_of(create(email="a@b", password="x" * 257), "user.password") == "[tooLong]user.password"
    assert code_of(create(email=["a@b"]), "user.email") == "[couldNotConvert]user.email"
    again = client.create_user({"user": {"email": "a@b", "password": "long enough"}}, person.id)
    assert code_of(again, "user.id") == "[duplicate]user.id"


def test_registrations_are_created_changed_and_deleted(client, person, world):
    body = {"registration": {"applicationId": world.admin, "roles": ["owner", "viewer"], "data": {"x": 1}}}
    made = client.register(body, person.id)
    assert made.success_response["registration"]["roles"] == ["owner", "viewer"]
    assert made.success_response["user"]["id"] == person.id
    assert code_of(client.register(body, person.id), "registration") == "[duplicate]registration"
    wrong = {"registration": {"applicationId": world.admin, "roles": ["emperor"]}}
    assert code_of(client.update_registration(person.id, wrong), "registration.roles").startswith("[invalid]")
    patch = {"registration": {"applicationId": world.admin, "roles": ["viewer"]}}
    patched = client.patch_registration(person.id, patch).success_response["registration"]
    assert (patched["roles"], patched["data"]) == (["viewer"], {"x": 1})
    put = client.update_registration(person.id, {"registration": {"applicationId": world.admin}})
    assert (put.success_response["registration"]["roles"], put.success_response["registration"]["data"]) == (
        [],
        {},
    )
    assert client.retrieve_registration(person.id, world.admin).status == 200
    assert client.delete_registration(person.id, world.admin).status == 200
    assert client.retrieve_registration(person.id, world.admin).status == 404
    assert client.delete_registration(person.id, world.admin).status == 404
    assert client.register(body, str(uuid.uuid4())).status == 404


def test_a_new_password_by_jwt_logs_straight_back_in(client, login, refresh, person, world):
    first = login().success_response
    change = {"currentPassword": person.password, "password": "another password"}
    assert (
        client.change_password_using_jwt(first["token"], change | {"currentPassword": "wrong"}).status == 404
    )
    changed = client.change_password_using_jwt(first["token"], change)
    assert changed.status == 200
    assert refresh(first["refreshToken"]).status == 400
    again = client.login(
        {"oneTimePassword": changed.success_response["oneTimePassword"], "applicationId": world.store}
    )
    assert again.status == 200
    assert refresh(again.success_response["refreshToken"]).status == 200


def test_a_new_password_by_key_or_by_reset(client, login, person):
    by_key = {"loginId": person.email, "currentPassword": "wrong", "password": "another password"}
    assert client.change_password_by_identity(by_key).status == 400
    assert client.change_password_by_identity(by_key | {"loginId": "nobody"}).status == 400
    by_key["currentPassword"] = person.password
    assert client.change_password_by_identity(by_key).response.content == b""
    assert login(password="another password").status == 200
    reset = client.forgot_password({"loginId": person.email}).success_response["changePasswordId"]
    assert client.change_password(None, {"changePasswordId": reset, "password": "third one"}).status == 200
    assert login(password="third one").status == 200
    assert client.change_password("unknown", {"password": "third one"}).status == 404


def test_changing_a_user_with_a_password_revokes(client, login, refresh, person):
    token = login().success_response["refreshToken"]
    assert client.patch_user(person.id, {"user": {"firstName": "Grace"}}).status == 200
    assert refresh(token).status == 200
    assert client.patch_user(person.id, {"user": {"password": "another password"}}).status == 200
    assert refresh(token).status == 400


def test_everything_needs_the_key(world, person):
    for method, path in (
        ("GET", f"/api/user/{person.id}"),
        ("GET", f"/api/user?email={person.email}"),
        ("PATCH", f"/api/user/{person.id}"),
        ("DELETE", f"/api/user/{person.id}"),
        ("GET", "/api/application"),
        ("PATCH", f"/api/application/{world.store}"),
        ("GET", "/api/tenant"),
        ("GET", f"/api/jwt/refresh?userId={person.id}"),
        ("GET", "/api/system/version"),
        ("DELETE", f"/api/user/registration/{person.id}/{world.store}"),
    ):
        for key in (None, "wrong", f"Bearer {world.api_key}"):
            headers = {"Authorization": key} if key else {}
            answer = requests.request(method, world.url + path, headers=headers, timeout=30)
            assert (answer.status_code, answer.content) == (401, b""), path


def test_applications_show_what_they_allow(client, world):
    applications = client.retrieve_applications().success_response["applications"]
    assert {one["name"] for one in applications} >= {"store", "forums", "admin"}
    store = client.retrieve_application(world.store)
    assert world.secrets[world.store] not in store.response.text
    body = store.success_response["application"]
    assert body["loginConfiguration"] == {
        "allowTokenRefresh": True,
        "generateRefreshTokens": True,
        "requireAuthentication": True,
    }
    assert body["oauthConfiguration"]["enabledGrants"] == ["refresh_token"]
    admin = client.retrieve_application(world.admin).success_response["application"]
    assert admin["loginConfiguration"]["generateRefreshTokens"] is False
    assert [role["name"] for role in admin["roles"]] == ["viewer", "responder", "owner"]
    assert client.retrieve_application(str(uuid.uuid4())).status == 404


def test_a_new_application_gives_no_refresh_tokens_by_default(client, person):
    made = client.create_application({"application": {"name": "Other", "roles": [{"name": "guest"}]}})
    application = made.success_response["application"]
    assert application["loginConfiguration"]["generateRefreshTokens"] is False
    body = {"registration": {"applicationId": application["id"], "roles": ["guest"]}}
    assert client.register(body, person.id).status == 200
    answer = client.login(
        {"loginId": person.email, "password": person.password, "applicationId": application["id"]}
    )
    assert answer.status == 200
    assert "refreshToken" not in answer.success_response


@pytest.mark.parametrize(
    "change",
    [
        {"name": 7},
        {"name": None},
        {"roles": ["viewer"]},
        {"loginConfiguration": "on"},
        {"loginConfiguration": {"generateRefreshTokens": "yes"}},
        {"oauthConfiguration": {"enabledGrants": "refresh_token"}},
        {"jwtConfiguration": {"refreshTokenUsagePolicy": "Twice"}},
    ],
)
def test_an_application_is_not_changed_by_wrong_types(client, world, change):
    before = client.retrieve_application(world.store).success_response
    assert client.patch_application(world.store, {"application": change}).status == 400
    assert client.retrieve_application(world.store).success_response == before


def test_public_keys(client, world):
    keys = client.retrieve_jwt_public_keys().success_response["publicKeys"]
    ((kid, pem),) = keys.items()
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    assert client.retrieve_jwt_public_key(kid).success_response == {"publicKey": pem}
    assert client.retrieve_jwt_public_key_by_application_id(world.store).success_response == {
        "publicKey": pem
    }
    assert client.retrieve_jwt_public_key("unknown").status == 404


@pytest.mark.parametrize("path", ["search", "action", "bulk"])
def test_an_endpoint_that_this_provider_lacks_is_no_user_of_that_name(world, path):
    headers = {"Authorization": world.api_key}
    assert (
        requests.post(f"{world.url}/api/user/{path}", json={}, headers=headers, timeout=30).status_code == 501
    )
