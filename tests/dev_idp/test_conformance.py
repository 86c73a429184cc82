"""The provider's answers against FusionAuth's own OpenAPI description, by way of FusionAuth's own client (openapi.py).

`make contract` fetches the description and runs these tests.
"""

import jsonschema_rs
import pyotp
import pytest
import requests
from dev_idp import openapi
from dev_idp.openapi import check
from soft_passkey import SoftPasskey

pytestmark = pytest.mark.skipif(
    not openapi.PATH.exists(), reason="FusionAuth's description is not here: make contract"
)


def test_the_operations_are_fusionauths_and_the_readme_counts_them():
    known = {(method, openapi.plain(path)) for method, path in openapi.operations()}
    assert openapi.routes() - known == openapi.BEYOND
    claim = f"{len(openapi.spoken())} of the {len(known)} operations"
    assert claim in " ".join((openapi.ROOT / "README.md").read_text().split())


def test_an_answer_with_a_wrong_type_or_an_unknown_field_is_found():
    schema = {"$ref": "#/components/schemas/LoginResponse", "components": openapi.description()["components"]}
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    assert validator.is_valid({"token": "x", "user": {"id": "00000000-0000-4000-8000-000000000007"}})
    for wrong in (
        {"token": 1},
        {"refreshTokenId": "x"},
        {"user": {"id": "x"}},
        {"userId": "x"},
        {"user": None},
    ):
        assert not validator.is_valid(wrong), wrong


def test_answers_of_every_kind_of_login(client, world, person, login, hook):
    body = check(login())
    assert check(client.exchange_refresh_token_for_jwt({"refreshToken": body["refreshToken"]}))
    check(client.exchange_refresh_token_for_jwt({"refreshToken": "unknown"}))
    check(login(applicationId="x"))
    check(login(applicationId=world.admin))
    for state in ("passwordChangeRequired", "loginPrevented"):
        hook("user", email=person.email, **{state: True})
        check(login())
        hook("user", email=person.email, **{state: False})
    start = {"applicationId": world.store, "loginId": person.email, "loginStrategy": "FormField"}
    started = check(client.start_passwordless_login(start))
    check(client.send_passwordless_code({"code": started["code"]}))
    check(client.passwordless_login(started | {"applicationId": world.store}))
    check(client.start_passwordless_login(start | {"loginStrategy": "x"}))
    hook("user", email=person.email, twoFactorRequired=True)
    waiting = check(login())
    secret = pyotp.random_base32()
    enable = {"method": "authenticator", "secretBase32Encoded": secret, "twoFactorId": waiting["twoFactorId"]}
    assert client.enable_two_factor(person.id, enable | {"code": "x"}).status == 421
    enabled = check(client.enable_two_factor(person.id, enable | {"code": pyotp.TOTP(secret).now()}))
    done = {"twoFactorId": waiting["twoFactorId"], "code": enabled["code"], "trustComputer": True}
    trust = check(client.two_factor_login(done))["twoFactorTrustId"]
    assert check(login(twoFactorTrustId=trust))["token"]
    waiting = check(login())
    assert [one["method"] for one in waiting["methods"]] == ["authenticator"]
    recovered = {"twoFactorId": waiting["twoFactorId"], "code": enabled["recoveryCodes"][0]}
    assert check(client.two_factor_login(recovered))["user"]["id"] == person.id
    check(client.logout(True, None))


def test_answers_about_passkeys(client, world, person):
    key = SoftPasskey("https://store.example.com")
    party = {"origin": key.origin, "rpId": "store.example.com"}
    make = {"userId": person.id, "displayName": "Phone", "workflow": "bootstrap"}
    options = check(client.start_web_authn_registration(make))["options"]
    made = {"userId": person.id, "credential": key.make(options["challenge"]), **party}
    shown = check(client.complete_web_authn_registration(made))["credential"]
    check(client.complete_web_authn_registration(made))
    begin = {"applicationId": world.store, "loginId": person.email, "workflow": "bootstrap"}
    options = check(client.start_web_authn_login(begin))["options"]
    assert [one["id"] for one in options["allowCredentials"]] == [shown["credentialId"]]
    signed = {"applicationId": world.store, "credential": key.sign(options["challenge"]), **party}
    assert check(client.complete_web_authn_login(signed))["user"]["id"] == person.id
    assert client.complete_web_authn_login(signed).status == 404
    listed = check(client.retrieve_web_authn_credentials_for_user(person.id))["credentials"]
    assert [(one["id"], one["signCount"], one["discoverable"]) for one in listed] == [(shown["id"], 1, True)]
    check(client.retrieve_web_authn_credential(shown["id"]))
    check(client.delete_web_authn_credential(shown["id"]))
    check(client.start_web_authn_login(begin))


def test_answers_about_groups_whose_members_have_their_roles(client, world, person, login):
    [role] = [
        one["id"]
        for one in check(client.retrieve_application(world.forums))["application"]["roles"]
        if one["name"] == "moderator"
    ]
    group = check(client.create_group({"group": {"name": "Moderators"}, "roleIds": [role]}))["group"]
    check(client.create_group({"group": {"name": "x"}, "roleIds": [world.store]}))
    check(client.retrieve_group(group["id"]))
    assert (
        group
        in requests.get(f"{world.url}/api/group", headers={"Authorization": world.api_key}).json()["groups"]
    )
    added = check(client.create_group_members({"members": {group["id"]: [{"userId": person.id}]}}))["members"]
    [member] = added[group["id"]]
    assert [one["groupId"] for one in check(client.retrieve_user(person.id))["user"]["memberships"]] == [
        group["id"]
    ]
    found = check(client.retrieve_registration(person.id, world.forums))["registration"]
    assert found["roles"] == ["member", "moderator"]
    shown = check(login(applicationId=world.forums))["user"]["registrations"]
    assert ["member", "moderator"] in [one["roles"] for one in shown]
    check(client.delete_group_members({"memberIds": [member["id"]]}))
    # A login stores no role of a group.
    assert check(client.retrieve_registration(person.id, world.forums))["registration"]["roles"] == ["member"]
    again = {"members": {group["id"]: [{"userId": person.id}]}}
    check(client.create_group_members(again))
    check(client.delete_group(group["id"]))
    assert check(client.retrieve_registration(person.id, world.forums))["registration"]["roles"] == ["member"]
    assert client.delete_group_members({"members": {group["id"]: [person.id]}}).status == 404


def test_answers_about_users_tokens_and_settings(client, world, person, login):
    first = check(login())
    check(client.retrieve_user(person.id))
    check(client.retrieve_user_by_email(person.email))
    check(client.patch_user(person.id, {"user": {"firstName": "Ada", "timezone": "Europe/Berlin"}}))
    check(client.create_user({"user": {"email": person.email, "password": "correct horse"}}))
    check(client.retrieve_registration(person.id, world.store))
    check(client.forgot_password({"loginId": person.email, "applicationId": world.store}))
    check(client.retrieve_refresh_tokens(person.id))
    check(client.retrieve_refresh_token_by_id(first["refreshTokenId"]))
    check(client.revoke_refresh_token_by_id(first["refreshTokenId"]))
    check(client.retrieve_applications())
    check(client.retrieve_application(world.store))
    check(client.retrieve_tenant(world.tenant))
    check(client.retrieve_webhooks())
    check(client.create_webhook({"webhook": {"url": "https://console.example/webhooks"}}))
    check(client.retrieve_json_web_key_set())
    check(client.retrieve_open_id_configuration())
    check(client.retrieve_version())
    form = {
        "grant_type": "refresh_token",
        "client_id": world.store,
        "client_secret": world.secrets[world.store],
    }
    for token in (check(login())["refreshToken"], "unknown"):
        check(requests.post(f"{world.url}/oauth2/token", data=form | {"refresh_token": token}, timeout=30))
    check(client.delete_user(person.id))
