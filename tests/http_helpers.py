"""Helpers with which the tests of the workflow read the wire."""

from http.cookiejar import Cookie
from typing import Any

import requests
from support import Browser, person

SESSION, REFRESH = "__Host-session", "__Host-refresh"


def give(client: Browser, cookies: dict[str, str]) -> Browser:
    """Put cookies into a client's jar, as if its site had set them."""
    host = client.extra_environ["HTTP_HOST"]
    for name, value in cookies.items():
        client.cookiejar.set_cookie(
            Cookie(
                0, name, value, None, False, host, True, False, "/", True, True, None, False, None, None, {}
            )
        )
    return client


def credentials(client: Browser) -> dict[str, str]:
    """The two cookies that a client holds."""
    return {name: value for name, value in client.cookies.items() if name in (SESSION, REFRESH)}


def set_cookies(response: Any) -> dict[str, str]:
    """The Set-Cookie headers of a response, by name."""
    return {header.split("=", 1)[0]: header for header in response.headers.getall("Set-Cookie")}


def paths(idp: Any) -> list[str]:
    """The calls that the identity provider received, as `METHOD path`."""
    return [f"{call['method']} {call['path']}" for call in idp.calls()]


def asked_for(name: str) -> str:
    """The call by which a refresh asks whether somebody is still registered, and with which roles."""
    return f"GET /api/user/{person(name).id}"


def tokens(idp: Any, user_id: Any) -> list[dict[str, Any]]:
    """A user's refresh tokens at the provider: ids and states, never the tokens themselves."""
    answer = requests.get(f"{idp.hooks}/tokens", params={"userId": str(user_id)}, timeout=60)
    answer.raise_for_status()
    return answer.json()["tokens"]
