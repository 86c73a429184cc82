"""The provider's answers against FusionAuth's own OpenAPI description, by way of FusionAuth's own client.

`make contract` fetches the description, which is not part of this repository, and runs these tests. As published it refuses
FusionAuth's real answers and accepts empty ones: nothing in it is required, and some types are wrong. `corrected` says where
FusionAuth's documentation contradicts it.
"""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pyotp
import pytest
import requests
import yaml
from fusionauth.rest_client import ClientResponse

from shopforum.dev.idp import make_app
from shopforum.dev.idp.service import Service

ROOT = Path(__file__).parents[2]
PATH = Path(os.environ.get("SHOPFORUM_TEST_OPENAPI") or ROOT / ".data" / "fusionauth-openapi.yaml")
pytestmark = pytest.mark.skipif(
    not PATH.exists(), reason="FusionAuth's description is not here: make contract"
)

# Paths of the provider beyond the description: pages for people, all endpoints below /api/user that it refuses with 501,
# the list of tenants, and the configuration of one tenant.
BEYOND = {
    ("GET", "/account/"),
    ("GET", "/email/verify/{}"),
    ("GET", "/password/forgot"),
    ("*", "/api/user/{}"),
    ("GET", "/api/tenant"),
    ("GET", "/{}/.well-known/openid-configuration"),
}
LOGINS = ("/api/login", "/api/two-factor/login", "/api/passwordless/login")


def corrected(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas as FusionAuth answers, closed: a field that FusionAuth does not name is wrong."""
    schemas = spec["components"]["schemas"]
    # docs: errors. The errors of fields are a map by field.
    schemas["Errors"]["properties"]["fieldErrors"] = {
        "type": "object",
        "additionalProperties": {"type": "array", "items": {"$ref": "#/components/schemas/Error"}},
    }
    # docs: login, the sample: `"type": "email"`; `"timezone": "America/Denver"`, whose pattern lost its backslashes.
    schemas["IdentityType"] = {"type": "string", "enum": ["email", "phoneNumber", "username"]}
    del schemas["ZoneId"]["pattern"]
    for schema in schemas.values():
        _close(schema)
    return spec


def _close(schema: Any) -> None:
    if not isinstance(schema, dict):
        return
    # Maps of anything are described as maps of objects.
    if schema.get("additionalProperties") == {"type": "object"}:
        schema["additionalProperties"] = {}
    elif schema.get("properties") and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    for inner in (
        *schema.get("properties", {}).values(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ):
        _close(inner)


@cache
def description() -> dict[str, Any]:
    return corrected(yaml.load(PATH.read_text(), yaml.CSafeLoader))


def plain(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "{}", path)


@cache
def operations() -> dict[tuple[str, str], Any]:
    """The operations of the description, by method and path."""
    return {
        (method.upper(), path): operation
        for path, found in description()["paths"].items()
        for method, operation in found.items()
    }


def operation_of(method: str, path: str) -> tuple[str, Any]:
    """The operation that a call is one of: a path without variables comes first."""
    for (known, template), operation in sorted(operations().items(), key=lambda one: one[0][1].count("{")):
        if known == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path):
            return template, operation
    raise AssertionError(f"{method} {path} is not in FusionAuth's description")


def schema_of(method: str, path: str, status: int) -> str | None:
    """The name of the schema of an answer; None for an answer without a body, or without a described one."""
    template, operation = operation_of(method, path)
    if status == 400:
        return "OAuthError" if template.startswith("/oauth2/") else "Errors"
    if status == 200 or template in LOGINS:
        content = operation["responses"]["200"].get("content", {})
        return (
            content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2] or None
        )
    return None


def check(answer: ClientResponse | requests.Response) -> Any:
    """Check an answer against the description; return its JSON, if any."""
    response = answer if isinstance(answer, requests.Response) else answer.response
    request = response.request
    name = schema_of(str(request.method), request.path_url.partition("?")[0], response.status_code)
    if not response.content:
        assert response.status_code != 400
        return None
    body = response.json()
    assert name is not None, f"{request.method} {request.url} answers {response.status_code} with a body"
    schema = {"$ref": f"#/components/schemas/{name}", "components": description()["components"]}
    faults = jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(body)
    assert [f"{name}: {'/'.join(map(str, one.instance_path))}: {one.message}" for one in faults] == []
    return body


def test_the_operations_are_fusionauths_and_the_readme_counts_them(tmp_path):
    app = make_app(Service(tmp_path / "idp.sqlite", "key"))
    inspector = app.registry.introspector
    patterns = {
        one["introspectable"]["name"]: one["introspectable"]["pattern"]
        for one in inspector.get_category("routes")
    }
    spoken = set()
    for item in inspector.get_category("views"):
        route, methods = item["introspectable"]["route_name"], item["introspectable"]["request_methods"]
        if route and not route.startswith("hook_"):
            methods = (methods,) if isinstance(methods, str) else methods or ("*",)
            spoken |= {(method, plain(patterns[route])) for method in methods}
    known = {(method, plain(path)) for method, path in operations()}
    assert spoken - known == BEYOND
    claim = f"{len(spoken & known)} of the {len(known)} operations"
    assert claim in " ".join((ROOT / "README.md").read_text().split())


def test_an_answer_with_a_wrong_type_or_an_unknown_field_is_found():
    schema = {"$ref": "#/components/schemas/LoginResponse", "components": description()["components"]}
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
