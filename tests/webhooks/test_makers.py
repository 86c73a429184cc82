"""API tokens of somebody whose account FusionAuth closes, or who is an owner no more."""

from uuid import UUID

import pytest
from support import person
from webhooks.webhook_peers import about, application
from webtest import TestApp

from shopforum.api_tokens import tokens
from shopforum.sessions.audit import Client


@pytest.fixture
def owner(browser):
    """The owner's browser at the console."""
    client = browser("admin")
    client.log_in("owner")
    return client


@pytest.fixture
def token(apps, owner):
    """A token that the owner made."""
    services = apps["admin"].services
    actor = tokens.Actor(person("owner").email, Client(), user_id=UUID(person("owner").id))
    return tokens.create(
        services.db, services.sessions.config.secrets, "soar", ["sessions:read"], None, actor
    )[1]


def calls(apps, token):
    client = TestApp(apps["admin"], extra_environ={"HTTP_HOST": "admin.test", "wsgi.url_scheme": "https"})
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/api/v1/sessions", headers=headers, expect_errors=True).status_int


def states(sql):
    return [row["name"] for row in sql("SELECT name FROM api_tokens WHERE revoked_at IS NULL")]


@pytest.mark.parametrize(
    "event",
    [
        ("user.deactivate", {}),
        ("user.delete", {}),
        ("user.registration.delete", {"applicationId": application("admin")}),
        (
            "user.registration.update",
            {"applicationId": application("admin"), "registration": {"roles": ["responder"]}},
        ),
    ],
)
def test_tokens_go_with_the_account(token, fusionauth, owner, apps, sql, event):
    kind, fields = event
    fusionauth.send(fusionauth.event(kind, user=about("owner"), **fields))
    assert calls(apps, token) == 401
    assert owner.get("/sessions").status_int == 302
    tokens.revoke_orphans(apps["admin"].services.db)
    assert states(sql) == []
    assert sql("SELECT 1 FROM audit_log WHERE event = 'api_token_revoked'")


@pytest.mark.parametrize(
    "event",
    [
        ("user.deactivate", {"user": about("shopper")}),
        ("user.password.update", {"user": about("owner")}),
        ("user.registration.delete", {"user": about("owner"), "applicationId": application("store")}),
        (
            "user.registration.update",
            {
                "user": about("owner"),
                "applicationId": application("admin"),
                "registration": {"roles": ["viewer", "owner"]},
            },
        ),
    ],
)
def test_others_stay(token, fusionauth, apps, sql, event):
    kind, fields = event
    fusionauth.send(fusionauth.event(kind, **fields))
    assert calls(apps, token) == 200
    tokens.revoke_orphans(apps["admin"].services.db)
    assert states(sql) == ["soar"]
