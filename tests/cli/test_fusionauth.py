"""`shopforum check` judges FusionAuth's settings, and `shopforum fusionauth setup` makes them fit, once."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from support import APPLICATIONS, TENANT, Idp, checked

from shopforum.cli import fusionauth

Write = Callable[..., str]
REVOKED = "jwt.refresh-token.revoke"


@pytest.fixture
def ini(write_ini: Write, apps: Any) -> str:
    return write_ini(**{"webhooks.fusionauth": "RS256"})


def set_up(ini: str, *options: str) -> tuple[int, str]:
    result = CliRunner().invoke(fusionauth.command, ["setup", ini, *options])
    return result.exit_code, result.output


def ask(idp: Idp, method: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": idp.api_key}
    response = requests.request(method, idp.url + path, json=body, headers=headers, timeout=60)
    response.raise_for_status()
    return response.json()


def tenant(idp: Idp, **change: Any) -> None:
    ask(idp, "PATCH", f"/api/tenant/{TENANT}", {"tenant": change})


def application(idp: Idp, site: str, **change: Any) -> None:
    ask(idp, "PATCH", f"/api/application/{APPLICATIONS[site]}", {"application": change})


def webhook(idp: Idp, **change: Any) -> None:
    [known] = ask(idp, "GET", "/api/webhook")["webhooks"]
    ask(idp, "PATCH", f"/api/webhook/{known['id']}", {"webhook": change})


# Faults that stand beside each other, and what is said of each; those in different groups touch the same setting.
UNFIT: dict[str, list[tuple[Callable[[Idp], None], str]]] = {
    "tenant and applications": [
        (
            lambda idp: tenant(idp, jwtConfiguration={"refreshTokenTimeToLiveInMinutes": 30}),
            "jwtConfiguration.refreshTokenTimeToLiveInMinutes = 43200",
        ),
        (
            lambda idp: tenant(idp, jwtConfiguration={"refreshTokenUsagePolicy": "OneTimeUse"}),
            "jwtConfiguration.refreshTokenOneTimeUseConfiguration.gracePeriodInSeconds = 60",
        ),
        (
            lambda idp: tenant(
                idp, jwtConfiguration={"refreshTokenRevocationPolicy": {"onPasswordChanged": False}}
            ),
            "refreshTokenRevocationPolicy.onPasswordChanged = true",
        ),
        (
            lambda idp: tenant(idp, eventConfiguration={"events": {REVOKED: {"enabled": False}}}),
            f"eventConfiguration.events.{REVOKED}.enabled = true",
        ),
        (
            lambda idp: application(idp, "forums", loginConfiguration={"allowTokenRefresh": False}),
            "loginConfiguration.allowTokenRefresh = true",
        ),
        (
            lambda idp: application(idp, "forums", roles=[{"name": "member"}]),
            "add the role moderator",
        ),
    ],
    "application's own policy": [
        (
            lambda idp: application(
                idp, "store", jwtConfiguration={"enabled": True, "refreshTokenTimeToLiveInMinutes": 5}
            ),
            "store application: is not set up",
        ),
    ],
    "webhook": [
        (
            lambda idp: webhook(idp, eventsEnabled={REVOKED: False}),
            f"eventsEnabled.{REVOKED} = true",
        ),
        (
            lambda idp: webhook(idp, tenantIds=[str(uuid.UUID(int=5))]),
            f"tenantIds = {uuid.UUID(int=5)}, {TENANT}",
        ),
        (
            lambda idp: webhook(idp, signatureConfiguration={"enabled": False}),
            "signatureConfiguration.enabled = true",
        ),
    ],
    "webhook elsewhere": [
        (
            lambda idp: webhook(idp, url="https://old.example/"),
            "FusionAuth sends nothing to https://admin.test/webhooks/fusionauth",
        ),
    ],
}


@pytest.mark.parametrize("group", UNFIT)
def test_wrong_settings_of_fusionauth_are_named_and_fixed_once(ini: str, idp: Idp, group: str) -> None:
    for spoil, _ in UNFIT[group]:
        spoil(idp)
    wrong, output = checked(ini)
    assert wrong
    for _, said in UNFIT[group]:
        assert said in output, output
    code, planned = set_up(ini, "--dry-run", "--signing-key", str(uuid.UUID(int=9)))
    assert (code, "Nothing was changed." in planned) == (0, True), planned
    assert checked(ini)[0] == wrong
    assert set_up(ini, "--signing-key", str(uuid.UUID(int=9)))[0] == 0
    assert not checked(ini)[0]
    assert set_up(ini) == (0, "Nothing to do.\n")


def test_a_fit_fusionauth_is_said_to_be(ini: str, idp: Idp) -> None:
    application(idp, "store", lambdaConfiguration={"accessTokenPopulateId": str(uuid.uuid4())})
    wrong, output = checked(ini)
    assert not wrong, output
    assert "refresh tokens are Reusable, Fixed, and live 30 days; lambdas: accessTokenPopulate" in output
    assert "webhook: FusionAuth sends to https://admin.test/webhooks/fusionauth" in output
    assert set_up(ini) == (0, "Nothing to do.\n")


def test_an_application_that_is_not_there_is_made(write_ini: Write, apps: Any, idp: Idp) -> None:
    fresh = str(uuid.uuid4())
    ini = write_ini(**{"idp.store.application_id": fresh})
    code, output = set_up(ini)
    assert code == 0, output
    assert "tests-only-client-secret" not in output
    assert set_up(ini) == (0, "Nothing to do.\n")
    made = ask(idp, "GET", f"/api/application/{fresh}")["application"]
    assert made["data"] == {"passwordResetUrl": "https://store.test/password/reset"}
    assert [(role["name"], role["isDefault"]) for role in made["roles"]] == [("shopper", True)]


@pytest.mark.parametrize(
    ("path", "method", "right"),
    [
        ("/api/login", "POST", "POST /api/login"),
        ("/api/jwt/refresh", "GET", "GET /api/jwt/refresh"),
        ("/api/jwt/refresh", "DELETE", "DELETE /api/jwt/refresh"),
        ("/api/user/registration", "POST", "POST /api/user/registration"),
        ("/api/webhook", "GET", "GET /api/webhook"),
    ],
)
def test_a_right_that_is_missing_is_named(ini: str, idp: Idp, path: str, method: str, right: str) -> None:
    idp.hook("fail", path=path, method=method, times=1, status=401)
    wrong, output = checked(ini)
    assert (bool(wrong), f"let the key {right}\n" in output) == (True, True), output


def test_a_key_to_everything_is_too_much(ini: str, idp: Idp) -> None:
    idp.hook("fail", path="/api/key", times=1, status=200, body={"keys": []})
    wrong, output = checked(ini)
    assert (bool(wrong), "may do everything" in output) == (True, True)


def test_setup_says_what_it_lacks(ini: str, idp: Idp) -> None:
    webhook(idp, signatureConfiguration={"enabled": False})
    assert "--signing-key" in set_up(ini)[1]
    idp.hook("fail", path="/api/tenant", times=1, status=401)
    code, output = set_up(ini)
    assert (code, "SHOPFORUM_FUSIONAUTH_SETUP_KEY" in output) == (1, True)
    idp.hook("fail", path="/api/tenant", times=1, drop=True)
    assert "no answer from" in set_up(ini)[1]
