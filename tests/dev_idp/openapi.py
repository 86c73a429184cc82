"""FusionAuth's own OpenAPI description, and the answers of the provider against it.

`make contract` fetches the description, which is not part of this repository. As published it refuses FusionAuth's real answers and
accepts empty ones: nothing in it is required, and some types are wrong. `corrected` says where FusionAuth's documentation contradicts
it.
"""

import os
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jsonschema_rs
import requests
import yaml
from fusionauth.rest_client import ClientResponse

from shopforum.dev.idp import make_app
from shopforum.dev.idp.service import Service

ROOT = Path(__file__).parents[2]
PATH = Path(os.environ.get("SHOPFORUM_TEST_OPENAPI") or ROOT / ".data" / "fusionauth-openapi.yaml")

# Paths of the provider beyond the description: pages for people, all endpoints below /api/user that it refuses with 501,
# the lists of tenants and groups, and the configuration of one tenant.
BEYOND = {
    ("GET", "/account/"),
    ("GET", "/email/verify/{}"),
    ("GET", "/password/forgot"),
    ("*", "/api/user/{}"),
    ("GET", "/api/tenant"),
    ("GET", "/api/group"),
    ("GET", "/{}/.well-known/openid-configuration"),
}
LOGINS = ("/api/login", "/api/two-factor/login", "/api/passwordless/login", "/api/webauthn/login")


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
    # docs: webauthn, the samples. The description has the names of FusionAuth's own constants.
    schemas["PublicKeyCredentialType"] = {"type": "string", "enum": ["public-key"]}
    schemas["PublicKeyCredentialParameters"]["properties"]["alg"] = {"type": "integer"}
    # docs: groups, the samples. The roles of a group are a map by application, members a map by group.
    for name, field in (("Group", "roles"), ("MemberResponse", "members")):
        listed = schemas[name]["properties"][field]
        schemas[name]["properties"][field] = {"type": "object", "additionalProperties": listed}
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


def operation_of(method: str, path: str) -> tuple[str, str]:
    """The operation that a call is one of, as method and path: a path without variables comes first."""
    for known, template in sorted(operations(), key=lambda one: one[1].count("{")):
        if known == method and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", template), path):
            return known, template
    raise AssertionError(f"{method} {path} is not in FusionAuth's description")


def schema_of(method: str, path: str, status: int) -> str | None:
    """The name of the schema of an answer; None for an answer without a body, or without a described one."""
    found = operation_of(method, path)
    template, operation = found[1], operations()[found]
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


def routes() -> set[tuple[str, str]]:
    """The provider's operations, by method and path; variables are `{}`, and `*` stands for any method."""
    with TemporaryDirectory() as folder:
        inspector = make_app(Service(Path(folder) / "idp.sqlite", "key")).registry.introspector
    patterns = {
        one["introspectable"]["name"]: one["introspectable"]["pattern"]
        for one in inspector.get_category("routes")
    }
    found = set()
    for item in inspector.get_category("views"):
        route, methods = item["introspectable"]["route_name"], item["introspectable"]["request_methods"]
        if route and not route.startswith("hook_"):
            methods = (methods,) if isinstance(methods, str) else methods or ("*",)
            found |= {(method, plain(patterns[route])) for method in methods}
    return found


def spoken() -> set[tuple[str, str]]:
    """The operations of the description that the provider speaks."""
    ours = routes()
    return {(method, path) for method, path in operations() if (method, plain(path)) in ours}
