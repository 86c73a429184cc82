"""Answers that look like FusionAuth's and are not to be taken: nobody is signed out for them, and nothing is told done."""

import base64
import json

import pytest
from http_helpers import credentials, set_cookies
from support import APPLICATIONS, person

from shopforum import configuration
from shopforum.idp import FusionAuth
from shopforum.sessions import AuthorityUnavailable

CART = "/shopping-cart"
GATEWAY = {"status": 404, "body": {"message": "no Route matched with those values"}}
UNREADABLE = {"status": 307, "headers": {"Location": "http://[bad"}}


@pytest.mark.parametrize(
    "token",
    ["x" * 5000, "schlüssel-token", "€" * 20, "token\r\nSet-Cookie: a=b", "semi;colon-token", "short"],
)
def test_a_refresh_token_that_no_cookie_can_hold_costs_nobody_the_session(store, sql, idp, idle_out, token):
    store.log_in("shopper")
    [row] = sql("SELECT user_id, refresh_token_id FROM sessions")
    claims = {"sub": str(row["user_id"]), "applicationId": APPLICATIONS["store"], "roles": ["shopper"]}
    jwt = f"x.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()}.x"
    body = {"refreshToken": token, "refreshTokenId": str(row["refresh_token_id"]), "token": jwt}
    idle_out()
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=200, body=body)
    held = credentials(store)
    assert set_cookies(store.get(CART, status=503)) == {}
    assert credentials(store) == held
    store.get(CART, status=200)


@pytest.mark.parametrize("answer", [GATEWAY, UNREADABLE], ids=["a gateway's 404", "no address"])
def test_a_response_of_a_gateway_is_not_taken_for_fusionauth_s(store, settings, idp, idle_out, answer):
    store.log_in("shopper")
    idle_out()
    idp.hook("fail", path="/api/jwt/refresh", times=1, **answer)
    assert set_cookies(store.get(CART, status=503)) == {}
    store.get(CART, status=200)

    client = FusionAuth(configuration.load(settings("admin")).idp)
    idp.hook("fail", path="/api/jwt/refresh", method="DELETE", times=1, **answer)
    with pytest.raises(AuthorityUnavailable):
        client.revoke("store", refresh_token_id=None, user_id=person("shopper").id)
    idp.hook("fail", path="/api/user", times=1, **answer)
    with pytest.raises(AuthorityUnavailable):
        client.roles(person("owner").id)


def test_a_refresh_whose_token_is_nested_too_deep_costs_nobody_the_session(store, idp, idle_out):
    store.log_in("shopper")
    idle_out()
    deep = base64.urlsafe_b64encode(b"[" * 100_000).decode()
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=200, body={"token": f"x.{deep}.x"})
    store.get(CART, status=503)
    store.get(CART, status=200)


def test_a_name_with_characters_that_no_database_takes_can_sign_in(store, idp, sql):
    user = {
        "id": person("shopper").id,
        "firstName": "Sam\0\ud800",
        "email": "shopper@harbour.example",
        "registrations": [{"applicationId": APPLICATIONS["store"], "roles": ["shopper"]}],
    }
    body = {"user": user, "refreshToken": "a-token-of-its-own", "refreshTokenId": person("shopper").id}
    idp.hook("fail", path="/api/login", times=1, status=200, body=json.dumps(body))
    store.log_in("shopper", status=302)
    assert [row["user_name"] for row in sql("SELECT user_name FROM sessions")] == ["Sam"]
