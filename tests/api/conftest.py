"""Callers of the API: a client with a token, no cookies, and sessions to end."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from support import Browser, person, url_of
from webtest import TestApp, TestResponse

from shopforum.api_tokens import tokens
from shopforum.sessions.audit import Client

ALL = tuple(tokens.SCOPES)


@dataclass(frozen=True)
class Caller:
    """A program that calls the API of a site's app with a token."""

    app: Any
    token: str | None
    address: str = "198.51.100.7"

    def __call__(
        self, method: str, path: str, body: Any = None, status: int | None = None, **headers: str
    ) -> TestResponse:
        """Call `/api/v1` + path. `body` is sent as JSON, bytes as they are. Any status will do where none is given."""
        client = TestApp(self.app, extra_environ={"REMOTE_ADDR": self.address, "wsgi.url_scheme": "https"})
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Host": url_of("admin").partition("://")[2]} | sent
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        payload = b""
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = client.request(
            f"/api/v1{path}", method=method, body=payload, headers=sent, expect_errors=True
        )
        if status is not None:
            assert answer.status_int == status, answer.body
        return answer


def make_token(app: Any, *scopes: str, name: str = "robot", days: int | None = None) -> str:
    services = app.services
    actor = tokens.Actor("owner@harbour.example", Client())
    secrets = services.sessions.config.secrets
    return tokens.create(services.db, secrets, name, scopes or ALL, days, actor)[1]


@pytest.fixture
def caller(apps: dict[str, Any]) -> Callable[..., Caller]:
    """`caller("sessions:read")`: a program whose new token has these scopes; all if none is named."""
    return lambda *scopes, **more: Caller(apps["admin"], make_token(apps["admin"], *scopes, **more))


@pytest.fixture
def caller_with(apps: dict[str, Any]) -> Callable[..., Caller]:
    """`caller_with(token)`: a program that sends just this token, or None for none."""
    return lambda token, **more: Caller(apps["admin"], token, **more)


@pytest.fixture
def call(caller: Callable[..., Caller]) -> Caller:
    """A program that may do everything."""
    return caller()


@dataclass(frozen=True)
class Started:
    """A session that somebody has just begun in a browser."""

    id: UUID
    user_id: UUID
    browser: Browser

    @property
    def lives(self) -> bool:
        """Return True if it is served."""
        page = "/shopping-cart" if "store" in self.browser.extra_environ["HTTP_HOST"] else "/posts"
        return "/logout" in self.browser.get(page, expect_errors=True)


@pytest.fixture
def started(browser: Callable[..., Browser], sql: Callable[..., list[Any]]) -> Callable[..., Started]:
    """`started("member", "forums")`: log somebody in and say which session that is."""

    def start(who: str = "shopper", site: str = "store", address: str = "192.0.2.1") -> Started:
        client = browser(site, address)
        client.log_in(who)
        user_id = UUID(person(who).id)
        row = sql(
            "SELECT id FROM sessions WHERE user_id = :u AND site = :s ORDER BY created_at DESC LIMIT 1",
            u=user_id,
            s=site,
        )[0]
        return Started(row["id"], user_id, client)

    return start
