"""FusionAuth's client over real HTTP: whose answer it is, what counts as one, and what is never taken for a login."""

import pytest
import requests
from support import APPLICATIONS, person

from shopforum import settings as site_settings
from shopforum.idp import FusionAuth, LoginRefused
from shopforum.sessions import AuthorityMisconfigured, AuthorityUnavailable, RefreshRefused
from shopforum.sessions.audit import Client

HERE = Client("192.0.2.10", "Firefox", "request-1")


@pytest.fixture(params=["jwt", "oauth2"])
def client(request, settings, idp):
    return FusionAuth(site_settings.parse({**settings("store"), "idp.refresh_endpoint": request.param}).idp)


def log_in(client, who):
    return client.login(person(who).email, person(who).password, HERE, "Firefox on Linux")


def test_no_cookie_of_one_user_answers_for_another(client):
    """FusionAuth sets its refresh_token cookie at every login, and on a refresh the cookie beats the body."""
    first = log_in(client, "shopper")
    second = log_in(client, "member")
    assert first.user_id != second.user_id
    for login in (first, second, first):
        answer = client.refresh(login.refresh_token)
        assert (answer.user_id, answer.refresh_token_id) == (login.user_id, login.refresh_token_id)


def test_a_login_and_its_end(client):
    login = log_in(client, "member")
    assert (login.name, login.email, login.roles) == ("Mia Marsh", person("member").email, ("shopper",))
    client.revoke("store", refresh_token_id=login.refresh_token_id, user_id=None)
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token)
    # Unknown is done.
    client.revoke("store", refresh_token_id=login.refresh_token_id, user_id=None)


@pytest.mark.parametrize("reach", ["user", "site"])
def test_a_revocation_by_user_or_site_ends_the_token(client, reach):
    login = log_in(client, "shopper")
    client.revoke("forums", refresh_token_id=None, user_id=login.user_id if reach == "user" else None)
    assert client.refresh(login.refresh_token).user_id == login.user_id
    client.revoke("store", refresh_token_id=None, user_id=login.user_id if reach == "user" else None)
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token)


@pytest.mark.parametrize("status", [202, 203, 212, 213, 404, 409, 410, 423])
def test_only_200_is_a_login(client, idp, status):
    idp.hook("fail", path="/api/login", times=1, status=status, body={"user": {"id": person("shopper").id}})
    with pytest.raises(LoginRefused) as refused:
        log_in(client, "shopper")
    assert refused.value.status == status


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 200, "body": "<html>"},
        {"status": 200, "body": []},
        {"status": 200, "body": {}},
        {"status": 200, "body": {"user": {}}},
        {
            "status": 200,
            "body": {"user": {"id": "x", "registrations": [{"applicationId": APPLICATIONS["store"]}]}},
        },
        {"status": 200, "body": "[" * 100_000},
        {"status": 200, "body": "x" * 400_000},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"status": 418},
        {"status": 429},
        {"status": 500, "body": {"generalErrors": [{"code": "[Exception]", "message": "x"}]}},
        {"status": None, "drop": True},
    ],
)
def test_what_is_no_answer_is_an_outage(client, idp, answer):
    idp.hook("fail", path="/api/login", times=1, **answer)
    with pytest.raises((AuthorityUnavailable, LoginRefused)) as raised:
        log_in(client, "shopper")
    # An answer without a registration says that the person is not registered; none says that they are.
    assert not isinstance(raised.value, LoginRefused) or raised.value.kind == "unregistered"


def test_a_wrong_key_is_a_fault_of_ours(settings, idp):
    client = FusionAuth(site_settings.parse({**settings("store"), "idp.api_key": "w" * 40}).idp)
    with pytest.raises(AuthorityMisconfigured):
        log_in(client, "shopper")


def test_somebody_who_was_deregistered_is_not_refreshed(client, idp):
    """FusionAuth still answers 200 then, with a token that names no application."""
    login = log_in(client, "shopper")
    answer = requests.delete(
        f"{idp.url}/api/user/registration/{login.user_id}/{APPLICATIONS['store']}",
        headers={"Authorization": idp.api_key},
        timeout=5,
    )
    assert answer.status_code == 200
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token)
