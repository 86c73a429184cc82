"""The OpenAPI document and the API are one: every route is in it, every call that it allows is answered as it says."""

import json
import re
from pathlib import Path

import pytest
from pyramid.interfaces import IRoutesMapper
from pyramid.security import NO_PERMISSION_REQUIRED

from shopforum.api import ApiApp, openapi, problem_types, scopes_of, security_policy
from shopforum.api_tokens import tokens

METHODS = ("get", "post", "delete")
OPERATIONS = [
    (method, path, item[method])
    for path, item in openapi.PATHS.items()
    for method in METHODS
    if method in item
]


@pytest.fixture
def document(caller_with):
    return caller_with(None)("GET", "/openapi.json", status=200).json


def test_it_is_public_and_names_this_host(document):
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "https://admin.test"}]
    assert json.dumps(document).count("$ref") > 5


def test_every_view_is_in_the_document_and_asks_for_a_scope(apps):
    """A route that names no scope is refused to everybody: `nobody` is the default permission."""
    registry = apps["admin"].services.get(ApiApp).router.registry
    routes = {route.name: route.path for route in registry.getUtility(IRoutesMapper).get_routes()}
    # The pages about the problems are for people, and take no token.
    routes = {name: path for name, path in routes.items() if not path.startswith(problem_types.PATH)}
    assert set(routes.values()) == set(openapi.PATHS)
    introspector = registry.introspector
    assert (
        introspector.get("default permission", None)["value"] == security_policy.NOBODY not in tokens.SCOPES
    )
    found = {}
    for item in introspector.get_category("views"):
        view = item["introspectable"]
        if view["context"] is None and view["route_name"] in routes:
            permissions = [each["value"] for each in item["related"] if each.category_name == "permissions"]
            found[routes[view["route_name"]], view["request_methods"].lower()] = permissions[0]
    assert set(found) == {(path, method) for method, path, _ in OPERATIONS}
    for (path, _), permission in found.items():
        if path == "/api/v1/openapi.json":
            assert permission == NO_PERMISSION_REQUIRED
        else:
            assert permission
            assert set(permission.split()) <= set(tokens.SCOPES)


def test_an_operation_without_scopes_is_refused():
    assert scopes_of({"operationId": "x"}) is None
    assert all("security" in operation for _, _, operation in OPERATIONS)


def test_every_reference_is_there(document):
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document))):
        place = document
        for part in reference.split("/"):
            place = place[part]
        assert place


def test_the_docs_name_every_operation_and_every_scope():
    text = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()
    for method, path, operation in OPERATIONS:
        assert f"{method.upper()} {path}" in text
        for each in operation["security"]:
            assert each["token"][0] in text


def fits(schema, value, document, at="answer"):
    """Assert that a value is what a schema of the document says: the few words that the answers use."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    types = {
        "string": str,
        "integer": int,
        "boolean": bool,
        "array": list,
        "object": dict,
        "null": type(None),
    }
    assert isinstance(value, tuple(types[kind] for kind in kinds)), at
    assert value is None or value in schema.get("enum", [value]), at
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= set(value), at
        for name, item in schema["properties"].items():
            fits(item, value[name], document, f"{at}.{name}")
    if isinstance(value, list) and "items" in schema:
        for item in value:
            fits(schema["items"], item, document, at)


def test_answers_are_what_the_document_says(call, document, started):
    one = started("shopper"), started("member", "forums")
    receipt = call(
        "POST", "/revocations", {"scope": {"session": str(one[0].id)}, "reason": {"code": "test"}}, 201
    ).json
    answers = {
        "/api/v1/sessions": call("GET", "/sessions", status=200).json,
        "/api/v1/sessions/{id}": call("GET", f"/sessions/{one[0].id}", status=200).json,
        "/api/v1/revocations/{id}": call("GET", f"/revocations/{receipt['id']}", status=200).json,
        "/api/v1/revocations/{id}/sessions": call(
            "GET", f"/revocations/{receipt['id']}/sessions", status=200
        ).json,
        "/api/v1/events": call("GET", "/events", status=200).json,
    }
    for path, answer in answers.items():
        content = document["paths"][path]["get"]["responses"]["200"]["content"]
        fits(content["application/json"]["schema"], answer, document, path)
    fits({"$ref": "#/components/schemas/Receipt"}, receipt, document)
    assert len(answers["/api/v1/events"]["events"]) > 3
