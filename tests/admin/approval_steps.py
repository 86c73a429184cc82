"""The steps of an act that waits for a second owner, as the tests take them on the pages of the console."""

from typing import Any

from admin.test_plans import MANY, PLACES
from page_forms import form_of
from support import Browser, person
from webtest import TestResponse

OWNER = person("owner")


def send(page: TestResponse, action: str, **fields: str) -> TestResponse:
    form = form_of(page, action)
    for name, value in fields.items():
        form[name] = value
    return form.submit(expect_errors=True)


def everyone(client: Browser) -> TestResponse:
    return send(client.get("/revoke-everyone"), "/revoke-everyone", word="everyone", reason="incident")


def by_filter(client: Browser, **number: str) -> TestResponse:
    page = client.get("/sessions/revoke?filter=ip%3D203.0.113.0%2F24")
    return send(page, "/sessions/revoke", reason="incident", text="INC-7", **number)


def decide(client: Browser, path: str, decision: str = "approve", status: int = 303) -> TestResponse:
    page = client.get(path)
    token = form_of(page, "/logout")["csrf_token"].value
    return client.post(path, {"csrf_token": token, "decision": decision}, status=status)


def path_of(asked: TestResponse) -> str:
    assert asked.status_int == 303, asked
    assert asked.location.endswith("?notice=approval_asked")
    return asked.location.partition("?")[0]


def come(sql: Any, count: int, name: str = "Somebody") -> None:
    """So many people sign in from one address."""
    sql(MANY.replace("Somebody", name), count=count)
    sql(f"{PLACES.split(' RETURNING')[0]} ON CONFLICT DO NOTHING RETURNING 1".replace("Somebody", name))


def events(sql: Any, name: str) -> list[Any]:
    return sql("SELECT actor, detail, user_id FROM audit_log WHERE event = :name ORDER BY id", name=name)
