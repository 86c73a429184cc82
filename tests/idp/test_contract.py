"""The contract between our client and FusionAuth: with the development provider, or with a real server.

`SHOPFORUM_TEST_FUSIONAUTH_URL` names a real one, `SHOPFORUM_TEST_FUSIONAUTH_KEY` a key of it that may do everything. The
applications of the tests are then made there by `shopforum fusionauth setup`, and stay. See docs/fusionauth.md.
"""

import os
import uuid
from collections.abc import Callable
from typing import Any

import pyotp
import pytest
from click.testing import CliRunner
from fusionauth.fusionauth_client import FusionAuthClient
from support import APPLICATIONS, Idp

from shopforum import configuration
from shopforum.cli import fusionauth
from shopforum.core.ini_files import section
from shopforum.idp import AddressTaken, FusionAuth, LoginRefused
from shopforum.sessions import RefreshRefused
from shopforum.sessions.audit import Client

URL = os.environ.get("SHOPFORUM_TEST_FUSIONAUTH_URL", "")
KEY = os.environ.get("SHOPFORUM_TEST_FUSIONAUTH_KEY", "")
HERE = Client("192.0.2.10", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "r-1")
PASSWORD = "a password for the contract 7"


@pytest.fixture(params=["jwt", "oauth2"])
def ours(request: Any, idp: Idp, write_ini: Callable[..., str]) -> FusionAuth:
    """Our client, after FusionAuth is set up for it."""
    real = (
        {
            "idp.url": URL,
            "idp.api_key": KEY,
            "idp.tenant_id": "",
            "login.mail_codes": "false",
            "login.passkeys": "false",
        }
        if URL
        else {}
    )
    ini = write_ini(**{"idp.refresh_endpoint": request.param, "webhooks.fusionauth": "off"}, **real)
    result = CliRunner().invoke(fusionauth.command, ["setup", ini])
    assert result.exit_code == 0, result.output
    return FusionAuth(configuration.load(section(ini, "store")).idp)


@pytest.fixture
def theirs(idp: Idp) -> FusionAuthClient:
    """FusionAuth's own client, with a key that may do everything."""
    return FusionAuthClient(KEY or idp.api_key, URL or idp.url)


def registered(theirs: FusionAuthClient) -> tuple[str, uuid.UUID]:
    """A new user of the store, with the default role and a verified address: the address and the id."""
    email = f"contract-{uuid.uuid4().hex}@example.com"
    body = {
        "user": {"email": email, "password": PASSWORD, "fullName": "Nora Contract"},
        "registration": {"applicationId": APPLICATIONS["store"]},
        "skipVerification": True,
    }
    answer = theirs.register(body)
    assert answer.status == 200, answer.error_response
    return email, uuid.UUID(answer.success_response["user"]["id"])


def test_the_life_of_an_account_and_of_its_tokens(ours: FusionAuth, theirs: FusionAuthClient) -> None:
    email, user_id = registered(theirs)
    try:
        with pytest.raises(AddressTaken):
            ours.sign_up(email, PASSWORD, "Nora Contract", HERE)
        first = ours.login(email, PASSWORD, HERE, "Firefox")
        assert (first.user_id, first.name, first.email, first.roles) == (
            user_id,
            "Nora Contract",
            email,
            ("shopper",),
        )
        with pytest.raises(LoginRefused, match="credentials"):
            ours.login(email, "not the password", HERE, "Firefox")
        assert first.refresh_token
        renewed = ours.refresh(first.refresh_token, user_id, HERE)
        assert (renewed.user_id, renewed.roles, renewed.name) == (user_id, ("shopper",), "Nora Contract")
        assert renewed.refresh_token_id in (first.refresh_token_id, None)
        assert first.refresh_token_id in {one.id for one in ours.refresh_tokens(user_id).tokens}
        ours.revoke("store", refresh_token_id=first.refresh_token_id, user_id=user_id)
        ours.revoke("store", refresh_token_id=first.refresh_token_id, user_id=user_id)
        with pytest.raises(RefreshRefused):
            ours.refresh(renewed.refresh_token, user_id, HERE)
        second = ours.login(email, PASSWORD, HERE, "Firefox")
        assert second.refresh_token
        assert theirs.delete_registration(str(user_id), APPLICATIONS["store"]).status == 200
        assert ours.roles(user_id) is None
        with pytest.raises(LoginRefused, match="unregistered") as refused:
            ours.login(email, PASSWORD, HERE, "Firefox")
        assert refused.value.user_id == user_id
        ours.join(user_id, HERE)
        assert ours.roles(user_id) == ("shopper",)
        third = ours.login(email, PASSWORD, HERE, "Firefox")
        assert third.refresh_token
        assert theirs.deactivate_user(str(user_id)).status == 200
        with pytest.raises(LoginRefused, match="credentials"):
            ours.login(email, PASSWORD, HERE, "Firefox")
        with pytest.raises(RefreshRefused):
            ours.refresh(third.refresh_token, user_id, HERE)
    finally:
        assert theirs.delete_user(str(user_id)).status == 200
    assert ours.roles(user_id) is None


@pytest.mark.parametrize("ours", ["jwt"], indirect=True)
def test_an_authenticator_and_a_trusted_browser(ours: FusionAuth, theirs: FusionAuthClient) -> None:
    email, user_id = registered(theirs)
    try:
        secret = pyotp.random_base32()
        enable = {"method": "authenticator", "secretBase32Encoded": secret, "code": pyotp.TOTP(secret).now()}
        codes = theirs.enable_two_factor(str(user_id), enable).success_response["recoveryCodes"]
        with pytest.raises(Exception, match="a second factor is due") as due:
            ours.login(email, PASSWORD, HERE, "Firefox")
        challenge = due.value.two_factor_id
        assert [kind for _, kind, _ in due.value.methods] == ["authenticator"]
        with pytest.raises(LoginRefused, match="code"):
            ours.two_factor(challenge, "000000", HERE, "Firefox")
        answer = ours.two_factor(challenge, codes[0], HERE, "Firefox", trust=True)
        assert answer.trust_id
        assert ours.login(email, PASSWORD, HERE, "Firefox", answer.trust_id).refresh_token
        with pytest.raises(LoginRefused, match="challenge"):
            ours.two_factor("unknown", "000000", HERE, "Firefox")
    finally:
        assert theirs.delete_user(str(user_id)).status == 200
