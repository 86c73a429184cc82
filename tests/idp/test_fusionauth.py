"""FusionAuth's client over real HTTP: which answers count, whose they are, and which are never taken for a login."""

import base64
import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from support import APPLICATIONS, person

from shopforum import configuration
from shopforum.idp import AccountFault, FusionAuth, LoginRefused, transport
from shopforum.sessions import AuthorityMisconfigured, AuthorityUnavailable, RefreshRefused
from shopforum.sessions.audit import Client

HERE = Client("192.0.2.10", "Firefox", "request-1")


@pytest.fixture(params=["jwt", "oauth2"])
def client(request, settings, idp):
    return FusionAuth(configuration.load({**settings("store"), "idp.refresh_endpoint": request.param}).idp)


def log_in(client, who):
    return client.login(person(who).email, person(who).password, HERE, "Firefox on Linux")


def test_no_cookie_of_one_user_answers_for_another(client):
    """FusionAuth sets its refresh_token cookie at every login, and on a refresh the cookie beats the body."""
    first = log_in(client, "shopper")
    second = log_in(client, "member")
    assert first.user_id != second.user_id
    for login in (first, second, first):
        answer = client.refresh(login.refresh_token, login.user_id)
        assert (answer.user_id, answer.refresh_token_id) == (login.user_id, login.refresh_token_id)


def test_a_login_and_its_end(client):
    login = log_in(client, "member")
    assert (login.name, login.email, login.roles) == ("Mia Marsh", person("member").email, ("shopper",))
    client.revoke("store", refresh_token_id=login.refresh_token_id, user_id=None)
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token, login.user_id)
    # Unknown is done.
    client.revoke("store", refresh_token_id=login.refresh_token_id, user_id=None)


def test_a_user_name_is_no_second_name_for_an_account(client, idp):
    """It would have a count of tries of its own, and the form asks for an e-mail address."""
    user = {"user": {"username": "sam", "fullName": "Samantha Shore-Smith"}}
    requests.patch(
        f"{idp.url}/api/user/{person('shopper').id}",
        json=user,
        headers={"Authorization": idp.api_key},
        timeout=60,
    ).raise_for_status()
    with pytest.raises(LoginRefused) as refused:
        client.login("sam", person("shopper").password, HERE, "Firefox")
    assert refused.value.kind == "credentials"
    assert log_in(client, "shopper").name == "Samantha Shore-Smith"


USER = {
    "id": str(uuid.UUID(int=7)),
    "active": True,
    "registrations": [{"applicationId": APPLICATIONS["store"]}],
}


@pytest.mark.parametrize(
    ("user", "name", "email"),
    [
        ({"fullName": "Mia Marsh", "firstName": "M"}, "Mia Marsh", ""),
        ({"firstName": "Mia", "lastName": "Marsh", "username": "mia"}, "Mia Marsh", ""),
        ({"username": "mia", "email": "mia@a.example"}, "mia", "mia@a.example"),
        ({"email": "mia@a.example", "mobilePhone": "+1555"}, "mia@a.example", "mia@a.example"),
        ({"phoneNumber": "+15550142"}, "Phone …42", ""),
        ({}, "User 00000000", ""),
    ],
)
def test_everybody_has_a_name_and_no_number_is_shown(client, idp, user, name, email):
    idp.hook("fail", path="/api/login", times=1, status=200, body={"user": USER | user})
    login = log_in(client, "shopper")
    assert (login.name, login.email) == (name, email)


def test_name_and_address_are_those_of_now_at_a_refresh(client, idp):
    login = log_in(client, "shopper")
    requests.patch(
        f"{idp.url}/api/user/{login.user_id}",
        json={"user": {"fullName": "Sam Newname", "email": "sam@new.example"}},
        headers={"Authorization": idp.api_key},
        timeout=60,
    ).raise_for_status()
    answer = client.refresh(login.refresh_token, login.user_id, HERE)
    assert (answer.name, answer.email) == ("Sam Newname", "sam@new.example")


def test_a_user_with_much_data_can_sign_in_and_is_refreshed(client, idp):
    requests.patch(
        f"{idp.url}/api/user/{person('shopper').id}",
        json={"user": {"data": {"history": "x" * 700_000}}},
        headers={"Authorization": idp.api_key},
        timeout=60,
    ).raise_for_status()
    login = log_in(client, "shopper")
    assert client.refresh(login.refresh_token, login.user_id).user_id == login.user_id


def test_an_answer_beyond_all_measure_is_a_fault_of_one_account(client, idp, monkeypatch):
    monkeypatch.setattr(transport, "_LARGEST_ANSWER", 1000)
    idp.hook("fail", path="/api/login", times=1, status=200, body="x" * 2000)
    with pytest.raises(AccountFault):
        log_in(client, "shopper")
    assert client.breaker.login.failed == 0


def test_another_user_than_asked_for_is_an_outage(client, idp):
    login = log_in(client, "shopper")
    idp.hook("fail", path="/api/user", times=1, status=200, body={"user": USER})
    with pytest.raises(AuthorityUnavailable):
        client.refresh(login.refresh_token, login.user_id)


@pytest.mark.parametrize("reach", ["user", "site"])
def test_a_revocation_by_user_or_site_ends_the_token(client, reach):
    login = log_in(client, "shopper")
    client.revoke("forums", refresh_token_id=None, user_id=login.user_id if reach == "user" else None)
    assert client.refresh(login.refresh_token, login.user_id).user_id == login.user_id
    client.revoke("store", refresh_token_id=None, user_id=login.user_id if reach == "user" else None)
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token, login.user_id)


@pytest.mark.parametrize("status", [202, 203, 212, 213, 404, 409, 410, 423])
def test_only_200_is_a_login(client, idp, status):
    body = {} if status == 404 else {"body": {"user": {"id": person("shopper").id}}}
    idp.hook("fail", path="/api/login", times=1, status=status, **body)
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
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"status": 418},
        {"status": 429},
        {"status": 500, "body": {"generalErrors": [{"code": "[Exception]", "message": "x"}]}},
        {"status": None, "drop": True},
    ],
)
def test_an_unusable_response_is_an_outage(client, idp, answer):
    idp.hook("fail", path="/api/login", times=1, **answer)
    with pytest.raises((AuthorityUnavailable, LoginRefused)) as raised:
        log_in(client, "shopper")
    # An answer without a registration says that the person is not registered; none says that they are.
    assert not isinstance(raised.value, LoginRefused) or raised.value.kind == "unregistered"


def test_a_wrong_api_key_is_a_server_error(settings, idp):
    client = FusionAuth(configuration.load({**settings("store"), "idp.api_key": "w" * 40}).idp)
    with pytest.raises(AuthorityMisconfigured):
        log_in(client, "shopper")


def test_somebody_who_was_deregistered_is_not_refreshed(client, idp):
    """FusionAuth still answers 200 then, with a token that names no application."""
    login = log_in(client, "shopper")
    answer = requests.delete(
        f"{idp.url}/api/user/registration/{login.user_id}/{APPLICATIONS['store']}",
        headers={"Authorization": idp.api_key},
        timeout=60,
    )
    assert answer.status_code == 200
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token, login.user_id)


@pytest.mark.parametrize(
    "custom",
    [
        {"remove": ["applicationId"]},
        {"remove": ["roles"]},
        {"set": {"applicationId": APPLICATIONS["forums"], "roles": ["owner"]}},
        {"set": {"applicationId": None, "roles": "shopper", "nested": {"roles": ["owner"]}}},
        {"remove": ["applicationId", "roles", "email", "aud", "iss", "jti", "sid", "authenticationType"]},
    ],
)
def test_a_customers_lambda_ends_no_session_and_gives_no_role(client, idp, custom):
    """Of all the claims that a lambda may change none is believed: registration and roles are the user's own."""
    idp.hook("lambda", **custom)
    login = log_in(client, "shopper")
    answer = client.refresh(login.refresh_token, login.user_id)
    assert (answer.user_id, answer.roles) == (login.user_id, ("shopper",)) == (login.user_id, login.roles)


def test_roles_are_those_of_now_at_a_refresh(client, idp):
    login = log_in(client, "member")
    answer = requests.patch(
        f"{idp.url}/api/user/registration/{login.user_id}",
        json={"registration": {"applicationId": APPLICATIONS["store"], "roles": []}},
        headers={"Authorization": idp.api_key},
        timeout=60,
    )
    assert answer.status_code == 200
    assert client.refresh(login.refresh_token, login.user_id).roles == ()


def test_ids_in_capitals_are_the_same_ids(settings, idp):
    capitals = {
        name: value.upper()
        for name, value in settings("store").items()
        if name == "idp.tenant_id" or name.endswith("application_id")
    }
    client = FusionAuth(configuration.load({**settings("store"), **capitals}).idp)
    login = log_in(client, "shopper")
    assert login.roles == client.roles(login.user_id) == ("shopper",)
    assert client.refresh(login.refresh_token, login.user_id).roles == ("shopper",)
    user = {
        "id": str(login.user_id),
        "active": True,
        "registrations": [{"applicationId": "X", "roles": ["owner"]}],
    }
    idp.hook("fail", path="/api/user", times=1, status=200, body={"user": user})
    nowhere = FusionAuth(configuration.load({**settings("store"), "idp.store.application_id": "X"}).idp)
    assert nowhere.roles(login.user_id) is None


def test_a_user_who_cannot_be_asked_for_costs_no_one_time_token(client, idp):
    """The token is spent last, when nothing else can fail."""
    idp.hook("policy", usage="OneTimeUse")
    login = log_in(client, "shopper")
    for fault in (
        {"status": 500},
        {"status": 401},
        {"status": 200, "body": {}},
        {"status": 404, "body": "<html>"},
    ):
        idp.hook("fail", path="/api/user", times=1, **fault)
        with pytest.raises(AuthorityUnavailable):
            client.refresh(login.refresh_token, login.user_id)
    assert client.refresh(login.refresh_token, login.user_id).refresh_token != login.refresh_token


@pytest.mark.parametrize("status", [409, 410, 423])
def test_a_refusal_because_of_the_user_ends_the_session(client, idp, status):
    login = log_in(client, "shopper")
    for path in ("/api/jwt/refresh", "/oauth2/token"):
        idp.hook("fail", path=path, method="POST", times=1, status=status)
    with pytest.raises(RefreshRefused):
        client.refresh(login.refresh_token, login.user_id)


def jwt(claims):
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"x.{payload}.x"


@pytest.mark.parametrize("token", ["x", "x.!.z", "x.y.z", jwt([]), jwt({}), 7, None])
def test_a_refresh_whose_token_cannot_be_read_signs_nobody_out(settings, idp, token):
    client = FusionAuth(configuration.load(settings("store")).idp)
    login = log_in(client, "shopper")
    body = {
        "refreshToken": login.refresh_token,
        "refreshTokenId": str(login.refresh_token_id),
        "token": token,
    }
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=200, body=body)
    with pytest.raises(AuthorityUnavailable):
        client.refresh(login.refresh_token, login.user_id)


def test_codes_that_are_malformed_or_of_no_challenge_are_refused(settings, idp):
    client = FusionAuth(configuration.load(settings("store")).idp)
    with pytest.raises(LoginRefused) as refused:
        client.two_factor("00000000-0000-4000-8000-000000000000", "123456", HERE, "Firefox")
    assert refused.value.kind == "challenge"
    blank = {
        "fieldErrors": {"code": [{"code": "[blank]code", "message": "You must specify the [code] property."}]}
    }
    idp.hook("fail", path="/api/two-factor/login", times=1, status=400, body=blank)
    with pytest.raises(LoginRefused) as refused:
        client.two_factor("00000000-0000-4000-8000-000000000000", "", HERE, "Firefox")
    assert refused.value.kind == "code"
    with pytest.raises(LoginRefused) as refused:
        client.send_code("../../login", "no-such-method")
    assert refused.value.kind == "challenge"


def ask(client, path):
    """Make the call of the login that goes to this path."""
    if path == "/api/login":
        log_in(client, "shopper")
    elif path == "/api/two-factor/login":
        client.two_factor("challenge", "123456", HERE, "Firefox")
    else:
        client.send_code("challenge", "method")


def errors(general=(), **fields):
    """An `Errors` body, from codes."""
    return {
        "fieldErrors": {name: [{"code": code, "message": "…"}] for name, code in fields.items()},
        "generalErrors": [{"code": code, "message": "…"} for code in general],
    }


@pytest.mark.parametrize(
    "body",
    [
        errors(["[LoginRestricted]"]),
        {"generalErrors": [{"code": "closed on Sundays", "message": "…"}]},
        errors(**{"user.data.plan": "[unpaid]"}),
    ],
)
@pytest.mark.parametrize("path", ["/api/login", "/api/two-factor/login"])
def test_a_400_in_a_customers_words_is_a_refusal_and_no_wrong_password(settings, idp, path, body):
    client = FusionAuth(configuration.load(settings("store")).idp)
    idp.hook("fail", path=path, times=1, status=400, body=body)
    with pytest.raises(LoginRefused) as refused:
        ask(client, path)
    assert refused.value.kind == "restricted"
    assert refused.value.code


@pytest.mark.parametrize(
    "body",
    [
        errors(loginId="[blank]loginId"),
        errors(applicationId="[couldNotConvert]applicationId"),
        errors(applicationId="[invalid]applicationId"),
        errors(["[TenantIdRequired]"]),
        {},
        {"fieldErrors": [], "generalErrors": {"code": "[x]"}},
        [],
        None,
    ],
)
def test_a_400_in_fusionauths_words_is_a_server_error(client, idp, body):
    idp.hook("fail", path="/api/login", times=1, status=400, body=body)
    with pytest.raises(AuthorityMisconfigured):
        log_in(client, "shopper")


def test_an_application_that_is_not_there_makes_no_password_wrong(settings, idp):
    nowhere = {**settings("store"), "idp.store.application_id": str(uuid.uuid4())}
    with pytest.raises(AuthorityMisconfigured):
        log_in(FusionAuth(configuration.load(nowhere).idp), "shopper")


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/api/login", {"status": 404, "body": {"message": "no Route matched with those values"}}),
        ("/api/two-factor/login", {"status": 404, "body": "<h1>Not found"}),
        ("/api/two-factor/login", {"status": 242, "body": {"twoFactorId": "x", "methods": [{"id": "a"}]}}),
        ("/api/two-factor/send", {"status": 404, "body": "<h1>Not found"}),
        ("/api/two-factor/send", {"status": 400, "body": {}}),
    ],
)
def test_an_answer_of_something_else_is_neither_a_wrong_password_nor_a_late_code(settings, idp, path, answer):
    client = FusionAuth(configuration.load(settings("store")).idp)
    idp.hook("fail", path=path, times=1, **answer)
    with pytest.raises(AuthorityUnavailable):
        ask(client, path)


def test_a_client_without_a_secret_or_a_tenant_sends_none(settings, idp):
    """FusionAuth then decides: the development provider wants the secret, and says so by a 401."""
    bare = {"idp.tenant_id": "", "idp.store.client_secret": "", "idp.refresh_endpoint": "oauth2"}
    client = FusionAuth(configuration.load({**settings("store"), **bare}).idp)
    login = client.login(person("shopper").email, person("shopper").password, Client(), "")
    with pytest.raises(AuthorityMisconfigured):
        client.refresh(login.refresh_token, login.user_id)


def test_a_revocation_that_is_answered_strangely_is_not_done(settings, idp):
    client = FusionAuth(configuration.load(settings("store")).idp)
    login = log_in(client, "shopper")
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=1, status=409)
    with pytest.raises(AuthorityMisconfigured):
        client.revoke("store", refresh_token_id=login.refresh_token_id, user_id=None)


def test_roles_as_they_are_now_and_none_for_who_is_gone(client, idp):
    user = uuid.UUID(person("member").id)
    assert client.roles(user) == ("shopper",)
    assert client.roles(uuid.uuid4()) is None
    # Registered elsewhere only.
    assert client.roles(uuid.UUID(person("viewer").id)) is None
    gone = requests.delete(f"{idp.url}/api/user/{user}", headers={"Authorization": idp.api_key}, timeout=60)
    assert gone.status_code == 200
    assert client.roles(user) is None


@pytest.mark.parametrize("status", [401, 403, 409, 500])
def test_a_missing_response_about_roles_does_not_mean_no_roles(client, idp, status):
    idp.hook("fail", path="/api/user", times=1, status=status)
    with pytest.raises(AuthorityUnavailable):
        client.roles(uuid.UUID(person("member").id))


@pytest.mark.parametrize("body", [{}, {"user": {}}, {"user": {"active": "yes"}}, ["user"]])
def test_a_garbled_answer_about_roles_is_none_either(client, idp, body):
    idp.hook("fail", path="/api/user", times=1, status=200, body=body)
    with pytest.raises(AuthorityUnavailable):
        client.roles(uuid.UUID(person("member").id))


def test_fusionauth_is_told_of_the_user_s_browser_and_not_of_the_site_s_client(settings):
    """Its threat detection, its mails and its own list of sessions would know only this server otherwise."""
    sent = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self):
            content = json.dumps({"user": USER}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args):
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        client = FusionAuth(configuration.load({**settings("store"), "idp.url": url}).idp)
        with pytest.raises(LoginRefused):
            log_in(client, "shopper")
        with pytest.raises(LoginRefused):
            client.two_factor("challenge", "123456", HERE, "Firefox on Linux")
        with pytest.raises(RefreshRefused):
            client.refresh("token", uuid.UUID(int=7), HERE)
        server.shutdown()
    assert len(sent) == 3
    for body in sent:
        if "refreshToken" not in body:
            assert (body["ipAddress"], body["applicationId"]) == ("192.0.2.10", APPLICATIONS["store"])
        info = body["eventInfo"]
        assert (info["ipAddress"], info["userAgent"], info["deviceName"]) == (
            "192.0.2.10",
            "Firefox",
            "Unknown device" if "refreshToken" in body else "Firefox on Linux",
        )
