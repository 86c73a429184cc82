"""The workflow seen from outside: browsers, cookies and the calls that the identity provider received."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from support import Browser, Idp, person, url_of
from webtest import TestResponse
from workflow import guide

import shopforum
from shopforum.cli import fusionauth
from shopforum.dev.sample import Login


@pytest.fixture
def secure_guide(
    idp: Idp, apps: dict[str, Any], write_ini: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FusionAuth as its secure deployment guide advises, set up by `shopforum fusionauth setup`; logins bring the second factor."""
    guide.follow(idp)
    result = CliRunner().invoke(fusionauth.command, ["setup", write_ini()])
    assert result.exit_code == 0, result.output
    assert "gracePeriodInSeconds = 60" in result.output
    idp.forget_calls()
    plain = Browser.log_in

    def log_in(self: Browser, who: str | Login, **options: Any) -> TestResponse:
        login = person(who) if isinstance(who, str) else who
        return guide.log_in(self, idp, login, lambda: plain(self, login, **options))

    monkeypatch.setattr(Browser, "log_in", log_in)


@pytest.fixture(autouse=True)
def _guide_mode(request: pytest.FixtureRequest) -> None:
    """With SHOPFORUM_TEST_GUIDE all rows are played under the guide (`make guide`)."""
    if os.environ.get("SHOPFORUM_TEST_GUIDE"):
        request.getfixturevalue("secure_guide")


@pytest.fixture(params=["jwt", "oauth2"])
def refreshing(
    request: pytest.FixtureRequest, apps: dict[str, Any], settings: Callable[[str], dict[str, str]]
) -> Iterator[tuple[Browser, str]]:
    """A client of a store that refreshes by one or the other endpoint, and the call that this makes."""
    app = shopforum.main({}, **settings("store"), **{"idp.refresh_endpoint": request.param})
    call = {"jwt": "POST /api/jwt/refresh", "oauth2": "POST /oauth2/token"}[request.param]
    yield Browser(app, url_of("store")), call
    app.services.db.engine.dispose()
