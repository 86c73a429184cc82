"""The API refuses callers without a good token and requests that cannot be read, and never with a 500."""

import gc
import json
import warnings
from dataclasses import replace

import pytest
from webtest import TestApp

GOOD = {"scope": {"site": "store"}, "reason": {"code": "test"}}
PROBLEM = "application/problem+json"


def checked(answer, status):
    """The problem document of an answer that has the status."""
    assert answer.status_int == status, (answer.status, answer.body)
    assert answer.content_type == PROBLEM
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    assert answer.json["status"] == status
    assert answer.json["title"]
    return answer.json


def test_no_token_no_answer(caller_with):
    for method, path in (
        ("GET", "/sessions"),
        ("DELETE", "/sessions/1"),
        ("POST", "/revocations"),
        ("GET", "/events"),
    ):
        answer = caller_with(None)(method, path)
        checked(answer, 401)
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="shopforum"'


def test_a_long_body_opens_no_file(caller):
    """WebOb would keep a long body in a temporary file, and forget to close it."""
    call = caller()

    def as_from_a_socket(environ, start_response):
        # WebTest says that the body can be read again, which no server does.
        environ.pop("webob.is_body_seekable")
        return call.app(environ, start_response)

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        body = {**GOOD, "padding": "x" * 200_000}
        checked(replace(call, app=as_from_a_socket)("POST", "/revocations", body), 422)
        gc.collect()
    assert [str(one.message) for one in found if one.category is ResourceWarning] == []


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic c2ZhXzp4",
        "Bearer sfa_" + "A" * 43,
        "Bearer sfa_" + "A" * 9000,
        "\xff",
        "sfa_",
    ],
)
def test_headers_without_a_token(caller_with, sent):
    answer = caller_with(None)("GET", "/sessions", Authorization=sent)
    checked(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_good_token_between_other_text_or_in_the_address_is_refused(call, caller_with):
    for sent in (
        f"Bearer {call.token} x",
        f"Basic {call.token}",
        f"Bearer {call.token}x",
        f"Bearer x{call.token}",
        call.token,
    ):
        checked(caller_with(None)("GET", "/sessions", Authorization=sent), 401)
    checked(caller_with(None)("GET", f"/sessions?access_token={call.token}"), 401)
    assert caller_with(None)("GET", "/sessions", status=200, Authorization=f"bearer {call.token}")


def test_the_console_s_cookies_are_not_looked_at(browser):
    admin = browser("admin")
    admin.log_in("owner")
    cookies = {cookie.name: cookie.value for cookie in admin.cookiejar}
    checked(admin.get("/api/v1/sessions", expect_errors=True), 401)
    checked(admin.post_json("/api/v1/revocations", GOOD, expect_errors=True), 401)
    assert {cookie.name: cookie.value for cookie in admin.cookiejar} == cookies


def test_each_operation_asks_for_its_scope(caller, sql):
    allowed = {
        "sessions:read": [("GET", "/sessions"), ("GET", "/sessions/x"), ("GET", "/revocations/x")],
        "sessions:revoke": [
            ("DELETE", "/sessions/x"),
            ("POST", "/revocations"),
            ("POST", "/global-token-revocation"),
        ],
        "everyone:revoke": [("POST", "/revocations")],
        "events:read": [("GET", "/events")],
    }
    everything = {operation for operations in allowed.values() for operation in operations}
    for scope, operations in allowed.items():
        program = caller(scope, name=scope.replace(":", "-"))
        for operation in everything:
            answer = program(*operation)
            if operation in operations:
                assert answer.status_int in (200, 404, 415), (scope, operation)
                continue
            document = checked(answer, 403)
            assert scope not in document["missing_scope"].split()
            assert f'scope="{document["missing_scope"]}"' in answer.headers["WWW-Authenticate"]
    rows = sql("SELECT DISTINCT actor, initiating_entity FROM audit_log WHERE event = 'api_token_refused'")
    assert {row["actor"] for row in rows} == {f"token:{scope.replace(':', '-')}" for scope in allowed}
    assert sql("SELECT 1 FROM revocations") == []


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/nothing",
        "/sessions/",
        "/sessions/1/2",
        "/SESSIONS",
        "/../sessions",
        "/sessions%00",
        "//sessions",
    ],
)
def test_unknown_addresses(call, path):
    assert checked(call("GET", path), 400 if "%00" in path else 404)


def test_the_root_of_the_api_is_the_api_s(call, apps):
    client = TestApp(apps["admin"], extra_environ={"HTTP_HOST": "admin.test", "wsgi.url_scheme": "https"})
    for path in ("/api", "/api/", "/api/v2/sessions", "/api/%ff", "/api/v1/sessions?x=%ff"):
        answer = client.get(path, expect_errors=True)
        checked(answer, 400 if "%ff" in path else 404)
    assert client.get("/apiary", expect_errors=True).content_type != PROBLEM


def test_methods_that_are_not_there(call):
    for method, path, allowed in (
        ("POST", "/sessions", "GET, HEAD"),
        ("PUT", "/sessions/x", "DELETE, GET, HEAD"),
        ("GET", "/revocations", "POST"),
        ("OPTIONS", "/events", "GET, HEAD"),
        ("TRACE", "/events", "GET, HEAD"),
    ):
        answer = call(method, path)
        checked(answer, 405)
        assert answer.headers["Allow"] == allowed


def test_another_host_is_not_served(call):
    checked(call("GET", "/sessions", Host="elsewhere.test"), 421)


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
    ],
)
def test_a_body_that_is_no_json_by_its_type(call, kind):
    checked(call("POST", "/revocations", GOOD, Content_Type=kind), 415)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[1,]",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"scope": {"site": "store"}, "scope": {"everyone": true}, "reason": {"code": "test"}}',
        b'{"scope": {"site": "store", "site": "forums"}, "reason": {"code": "test"}}',
        b'{"reason": {"code": "a\\u0000b"}}',
        b'{"reason": {"code": "\\ud800"}}',
        b'{"a\\u0000": 1}',
        b'{"expected_count": NaN}',
        b'{"expected_count": 1' + b"0" * 5000 + b"}",
        b"[" * 100_000,
        b"[" * 21 + b"]" * 21,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
    ],
    ids=lambda body: str(body[:30]),
)
def test_a_body_that_cannot_be_read(call, body, sql):
    checked(call("POST", "/revocations", body), 400)
    assert sql("SELECT 1 FROM revocations") == []


def test_a_body_that_is_too_large(call):
    checked(call("POST", "/revocations", b'"' + b"x" * 300_000 + b'"'), 413)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scoop": 1}, "scoop"),
        ({"reason": {"code": "test", "ticket": "1"}}, "reason.ticket"),
        ({"reason": {}}, "reason.code"),
        ({"reason": {"code": ""}}, "reason.code"),
        ({"reason": {"code": 7}}, "reason.code"),
        ({"reason": {"code": "test", "text": "x" * 2001}}, "reason.text"),
        ({"reason": None}, "reason"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"dry_run": 1}, "dry_run"),
        ({"expected_count": -1}, "expected_count"),
        ({"expected_count": True}, "expected_count"),
        ({"expected_count": 1.5}, "expected_count"),
        ({"scope": {}}, "scope"),
        ({"scope": None}, "scope"),
        ({"scope": "everyone"}, "scope"),
        ({"scope": {"everyone": False}}, "scope.everyone"),
        ({"scope": {"everyone": 1}}, "scope.everyone"),
        ({"scope": {"session": "x"}}, "scope.session"),
        ({"scope": {"session": "x", "everyone": True}}, "scope"),
        ({"scope": {"sessions": []}}, "scope.sessions"),
        ({"scope": {"sessions": ["x"]}}, "scope.sessions[0]"),
        ({"scope": {"user": "x"}}, "scope.user"),
        ({"scope": {"site": "nowhere"}}, "scope.site"),
        ({"scope": {"ip": "300.1.1.1"}}, "scope.ip"),
        ({"scope": {"filter": {}}}, "scope.filter"),
        ({"scope": {"filter": {"usr": "x"}}}, "scope.filter.usr"),
        ({"scope": {"filter": {"user": ""}}}, "scope.filter.user"),
        ({"scope": {"filter": {"state": "flagged"}}}, "scope.filter.state"),
        ({"scope": {"filter": {"created_after": "soon"}}}, "scope.filter.created_after"),
        ({"scope": {"filter": {"user": "   "}}}, "scope.filter.user"),
    ],
    ids=lambda value: json.dumps(value)[:50],
)
def test_a_field_that_does_not_pass_is_named(call, change, field, sql):
    document = checked(call("POST", "/revocations", GOOD | change), 422)
    assert document["errors"][0]["field"].startswith(field)
    assert all(error["detail"] for error in document["errors"])
    assert sql("SELECT 1 FROM revocations") == []


def test_missing_fields_are_named(call):
    assert (
        checked(call("POST", "/revocations", {"scope": {"site": "store"}}), 422)["errors"][0]["field"]
        == "reason"
    )
    assert (
        checked(call("POST", "/revocations", {"reason": {"code": "test"}}), 422)["errors"][0]["field"]
        == "scope"
    )
    for body in ([], "x", 1, None, True):
        checked(call("POST", "/revocations", json.dumps(body).encode()), 422)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("usr=x", "usr"),
        ("site=nowhere", "site"),
        ("state=flagged", "state"),
        ("state=", "state"),
        ("ip=1.2.3", "ip"),
        ("flag=x", "flag"),
        ("created_after=yesterday", "created_after"),
        ("seen_before=9999-01-01", "seen_before"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999999", "limit"),
        ("cursor=x", "cursor"),
        ("user=" + "x" * 300, "user"),
        ("user=+", "user"),
        ("csrf_token=x", "csrf_token"),
    ],
)
def test_a_parameter_that_does_not_pass_is_named(call, query, field):
    assert checked(call("GET", f"/sessions?{query}"), 422)["errors"][0]["field"] == field


def test_an_address_that_cannot_be_read(call):
    for query in ("site=store&site=forums", "user=%00", "user=%ff", "%ff=1", "user=%01", "x=" + "y" * 9000):
        checked(call("GET", f"/sessions?{query}"), 400)


def test_the_database_away_is_503(caller_with, settings, call):
    import shopforum

    app = shopforum.main(
        {}, **{**settings("admin"), "database.url": "postgresql://nobody:x@127.0.0.1:1/none"}
    )
    try:
        for token in (call.token, "sfa_" + "x" * 43):
            program = type(call)(app, token)
            for method, path in (("GET", "/sessions"), ("GET", "/events"), ("POST", "/revocations")):
                answer = program(method, path, GOOD if method == "POST" else None)
                checked(answer, 503)
                assert "Retry-After" in answer.headers
    finally:
        app.services.db.engine.dispose()
