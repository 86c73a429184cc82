"""Listing refresh tokens, and revoking them in every form."""

import uuid

import pytest
import requests


def test_tokens_are_listed_newest_first_without_their_values(login, client, person, world):
    older = login(metaData={"device": {"name": "Laptop"}}).success_response
    newer = login(applicationId=world.forums).success_response
    answer = client.retrieve_refresh_tokens(person.id)
    listed = answer.success_response["refreshTokens"]
    assert [one["id"] for one in listed] == [newer["refreshTokenId"], older["refreshTokenId"]]
    assert listed[1]["metaData"]["device"]["name"] == "Laptop"
    assert older["refreshToken"] not in answer.response.text
    assert client.retrieve_refresh_tokens(str(uuid.uuid4())).success_response == {"refreshTokens": []}


def test_a_token_by_id_is_gone_once_revoked(login, client):
    token_id = login().success_response["refreshTokenId"]
    assert client.retrieve_refresh_token_by_id(token_id).success_response["refreshToken"]["id"] == token_id
    assert client.revoke_refresh_token_by_id(token_id).status == 200
    assert client.retrieve_refresh_token_by_id(token_id).status == 404
    assert client.revoke_refresh_token_by_id(token_id).status == 404


def _form(client, world, person, first):
    return requests.delete(
        f"{world.url}/api/jwt/refresh",
        data={"token": first["refreshToken"]},
        headers={"Authorization": world.api_key},
        timeout=60,
    )


FORMS = {
    "path": (
        1,
        lambda client, world, person, first: client.revoke_refresh_token_by_id(first["refreshTokenId"]),
    ),
    "token": (
        1,
        lambda client, world, person, first: client.revoke_refresh_token_by_token(first["refreshToken"]),
    ),
    "form": (1, _form),
    "json token": (
        1,
        lambda client, world, person, first: client.revoke_refresh_tokens_with_request(
            {"token": first["refreshToken"]}
        ),
    ),
    "user and application": (
        2,
        lambda client, world, person, first: client.revoke_refresh_tokens_by_user_id_for_application(
            person.id, world.store
        ),
    ),
    "json user and application": (
        2,
        lambda client, world, person, first: client.revoke_refresh_tokens_with_request(
            {"userId": person.id, "applicationId": world.store}
        ),
    ),
    "application": (
        2,
        lambda client, world, person, first: client.revoke_refresh_tokens_by_application_id(world.store),
    ),
    "user": (3, lambda client, world, person, first: client.revoke_refresh_tokens_by_user_id(person.id)),
    "json user": (
        3,
        lambda client, world, person, first: client.revoke_refresh_tokens_with_request({"userId": person.id}),
    ),
    "positional": (3, lambda client, world, person, first: client.revoke_refresh_token(None, person.id)),
}


@pytest.mark.parametrize("form", FORMS)
def test_revocation_ends_what_its_form_says_and_no_more(form, login, refresh, client, world, person):
    logins = [login().success_response, login().success_response]
    logins.append(login(applicationId=world.forums).success_response)
    expected, revoke = FORMS[form]
    answer = revoke(client, world, person, logins[0])
    response = getattr(answer, "response", answer)
    assert (response.status_code, response.content) == (200, b"")
    dead = [refresh(one["refreshToken"]).status == 400 for one in logins]
    assert dead == [index < expected for index in range(3)]


def test_revocation_needs_the_key_or_the_owner(login, refresh, client, world, person):
    first = login().success_response
    url = f"{world.url}/api/jwt/refresh"
    assert requests.delete(f"{url}/{first['refreshTokenId']}", timeout=30).status_code == 401
    assert requests.delete(url, params={"userId": person.id}, timeout=30).status_code == 401
    stranger = client.create_user({"user": {"username": uuid.uuid4().hex, "password": "stranger's"}})
    name = stranger.success_response["user"]["username"]
    foreign = client.login({"loginId": name, "password": "stranger's"}).success_response["token"]
    bearer = {"Authorization": f"Bearer {foreign}"}
    assert requests.delete(f"{url}/{first['refreshTokenId']}", headers=bearer, timeout=30).status_code == 401
    assert requests.delete(url, params={"userId": person.id}, headers=bearer, timeout=30).status_code == 401
    assert refresh(first["refreshToken"]).status == 200
    own = {"Authorization": f"Bearer {first['token']}"}
    assert requests.delete(f"{url}/{first['refreshTokenId']}", headers=own, timeout=30).status_code == 200
    assert refresh(first["refreshToken"]).status == 400


def test_an_expired_token_cannot_be_revoked_but_is_still_listed(login, client, hook, person):
    token_id = login().success_response["refreshTokenId"]
    assert hook("expire", refreshTokenId=token_id) == {"expired": 1}
    assert client.revoke_refresh_token_by_id(token_id).status == 404
    assert len(client.retrieve_refresh_tokens(person.id).success_response["refreshTokens"]) == 1


def test_the_words_null_and_undefined_are_no_ids(client, world, person, hook):
    url = f"{world.url}/api/jwt/refresh?token=null&userId={person.id}&applicationId=null"
    headers = {"Authorization": world.api_key}
    assert requests.delete(url, headers=headers, timeout=30).status_code == 404
    url = f"{world.url}/api/jwt/refresh?userId={person.id}&applicationId=undefined"
    assert requests.delete(url, headers=headers, timeout=30).status_code == 400
    hook("lenient_null", on=True)
    assert requests.delete(url, headers=headers, timeout=30).status_code == 200
