"""Every answer that FusionAuth may give, and what the client makes of it."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import requests
from support import person

from shopforum import configuration
from shopforum.dev.idp.answers import ANSWERS, BY_NAME, PATHS, REACTIONS
from shopforum.idp import (
    AccountFault,
    AddressTaken,
    FusionAuth,
    InputRefused,
    LoginRefused,
    MailCode,
    RelyingParty,
    TwoFactorRequired,
)
from shopforum.idp.breaker import Unreachable
from shopforum.sessions import AuthorityMisconfigured, AuthorityUnavailable, RefreshRefused
from shopforum.sessions.audit import Client

HERE = Client("192.0.2.10", "Firefox", "request-1")
PARTY = RelyingParty("https://store.test", "store.test")
ROOT = Path(__file__).parents[2]
BREAKERS = {
    "two-factor": "login",
    "send": "login",
    "set-up": "login",
    "passwordless-start": "login",
    "passwordless-login": "login",
    "passkey-start": "login",
    "passkey-login": "login",
    "passkey-options": "login",
    "passkey-add": "login",
    "passkey-list": "login",
    "passkey-remove": "login",
    "token": "refresh",
    "user": "refresh",
    "delete": "revoke",
    "passwordless-send": "login",
    "tokens": "refresh",
    "sign-up": "login",
    "forgotten": "login",
    "change-password": "login",
}


USER = person("shopper")
USER_ID = uuid.UUID(USER.id)


def change_password(client):
    """Change a password by a right that the provider has just given."""
    forgotten = {"loginId": USER.email, "sendForgotPasswordEmail": False}
    headers = {"Authorization": client._settings.api_key}
    url = f"{client._settings.url}/api/user/forgot-password"
    right = requests.post(url, json=forgotten, headers=headers, timeout=30).json()["changePasswordId"]
    return client.change_password(right, "a good password", HERE) and "done"


# Each call; what it returns, if anything, is a key of REACTIONS.
CALLS = {
    "login": lambda client: client.login(USER.email, USER.password, HERE, "Firefox"),
    "two-factor": lambda client: client.two_factor("challenge", "123456", HERE, "Firefox"),
    "send": lambda client: client.send_code("challenge", "method") or "done",
    "passwordless-start": lambda client: "sent" if client.send_mail_code(USER.email) else "unknown",
    "passwordless-send": lambda client: client.send_mail_code(USER.email) and "done",
    "passwordless-login": lambda client: client.mail_code_login(MailCode("id", "code"), HERE, "Firefox"),
    "passkey-start": lambda client: "sent" if client.passkeys.challenge(USER.email) else "unknown",
    "passkey-login": lambda client: client.passkey_login({}, PARTY, HERE, "Firefox"),
    "passkey-options": lambda client: client.passkeys.options(USER_ID, "Phone", "Firefox"),
    "passkey-add": lambda client: client.passkeys.add(USER_ID, {}, PARTY) or "done",
    "passkey-list": lambda client: "some" if client.passkeys.of_user(USER_ID) else "done",
    "passkey-remove": lambda client: client.passkeys.remove(USER_ID) or "done",
    "set-up": lambda client: (
        client.set_up_authenticator("challenge", USER.email, "A" * 32, "123456", HERE) and "done"
    ),
    "user": lambda client: "no_roles" if client.roles(USER_ID) is None else "roles",
    "revoke": lambda client: client.revoke("store", refresh_token_id=None, user_id=USER_ID) or "done",
    "delete": lambda client: client.delete_user(USER_ID) or "done",
    "tokens": lambda client: "some" if client.refresh_tokens(USER_ID).tokens else "done",
    "sign-up": lambda client: client.sign_up("nora@new.example", "a good password", "Nora", HERE) or "done",
    "forgotten": lambda client: client.send_password_mail(USER.email, HERE) or "done",
    "change-password": change_password,
    "refresh": lambda client: client.refresh("token", USER_ID, HERE),
    "token": lambda client: client.refresh("token", USER_ID, HERE),
}


def reaction(client, call):
    try:
        return CALLS[call](client)
    except TwoFactorRequired as required:
        return "challenge" if required.methods else "enrolment"
    except LoginRefused as refusal:
        return {"challenge": "late"}.get(refusal.kind, refusal.kind)
    except AddressTaken:
        return "taken"
    except InputRefused:
        return "input"
    except RefreshRefused:
        return "ended"
    except AuthorityMisconfigured:
        return "our_fault"
    except AccountFault:
        return "account"
    except Unreachable:
        return "outage"
    except AuthorityUnavailable:
        return "unreadable"


@pytest.mark.parametrize("call", PATHS)
def test_the_reaction_to_each_answer(settings, idp, call):
    endpoint = "oauth2" if call == "token" else "jwt"
    client = FusionAuth(configuration.load({**settings("store"), "idp.refresh_endpoint": endpoint}).idp)
    breaker = getattr(client.breaker, BREAKERS.get(call, call))
    for answer in ANSWERS:
        if answer.call == call:
            idp.hook("answer", answer=answer.name)
            assert (answer.case, reaction(client, call)) == (answer.case, answer.reaction)
            # Only an outage counts against the others: five in a row would close the site for them.
            assert (answer.case, breaker.failed) == (answer.case, answer.reaction == "outage")
            breaker.reset()


def test_an_answer_that_is_not_in_the_table_cannot_be_asked_for(idp):
    with pytest.raises(requests.HTTPError):
        idp.hook("answer", answer="login: no such case")


def test_the_table_is_whole():
    assert len(BY_NAME) == len(ANSWERS)
    assert {answer.reaction for answer in ANSWERS} == set(REACTIONS)
    assert all(answer.source and answer.case for answer in ANSWERS)


def test_the_page_in_the_docs_is_the_table():
    written = subprocess.run(
        [sys.executable, ROOT / "docs" / "write_answers.py", "--print"],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    )
    assert written.stdout == (ROOT / "docs" / "fusionauth-answers.md").read_text()
