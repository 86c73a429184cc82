"""The workflow seen from outside: browsers, cookies and the calls that the identity provider received."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import Browser, url_of

import shopforum


@pytest.fixture(params=["jwt", "oauth2"])
def refreshing(
    request: pytest.FixtureRequest, apps: dict[str, Any], settings: Callable[[str], dict[str, str]]
) -> Iterator[tuple[Browser, str]]:
    """A client of a store that refreshes by one or the other endpoint, and the call that this makes."""
    app = shopforum.main({}, **settings("store"), **{"idp.refresh_endpoint": request.param})
    call = {"jwt": "POST /api/jwt/refresh", "oauth2": "POST /oauth2/token"}[request.param]
    yield Browser(app, url_of("store")), call
    app.services.db.engine.dispose()
