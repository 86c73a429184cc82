"""Links from elsewhere, and refusals that say why and whom to ask."""

from collections.abc import Callable
from typing import Any

import pytest
from support import Browser

Console = Callable[[str], Browser]
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
PATH = "/sessions?ip=203.0.113.9&state=active"


def test_a_link_from_elsewhere_loads_its_own_address_once(browser: Callable[..., Browser]):
    client = browser("admin")
    page = client.get(PATH, headers=LINK, status=200)
    assert page.html.find("meta", {"http-equiv": "refresh"})["content"] == f"0;url={PATH}"
    assert "Set-Cookie" not in page.headers
    # The second request says where it comes from: there is no loop.
    client.get(PATH, headers={**LINK, "Sec-Fetch-Site": "same-origin"}, status=302)


@pytest.mark.parametrize(
    "changes",
    [
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": ""},
        {"Cookie": "__Host-session=" + "A" * 43},
    ],
)
def test_anything_else_goes_to_the_login(browser: Callable[..., Browser], changes: dict[str, str]):
    assert "/login?next=" in browser("admin").get(PATH, headers={**LINK, **changes}, status=302).location


def test_it_is_no_redirect_to_elsewhere_and_no_act(browser: Callable[..., Browser]):
    client = browser("admin")
    client.get("/nothing", headers=LINK, status=404)
    for path in ("//evil.example/", "/sessions/..//evil.example", "/\\evil.example"):
        answer = client.get(path, headers=LINK, expect_errors=True)
        assert "http-equiv" not in answer, path
    assert "http-equiv" not in client.post("/sessions/revoke", {"x": "1"}, headers=LINK, expect_errors=True)
    page = client.get('/sessions?user="><script>', headers=LINK, expect_errors=True)
    assert "<script>" not in page.text.replace('<script type="module"', "")


@pytest.mark.parametrize(
    ("role", "path", "takes"),
    [
        ("responder", "/revoke-everyone", "the role owner; yours is responder."),
        ("viewer", "/sessions/revoke?filter=site%3Dstore", "the role owner or responder; yours is viewer."),
    ],
)
def test_a_refusal_says_why_and_whom_to_ask(console: Console, role: str, path: str, takes: str):
    console("owner")
    page = console(role).get(path, status=403)
    assert takes in page
    assert "owner@harbour.example" in page
    assert "Nothing was changed" in page


def test_an_act_that_reaches_too_far_says_whom_to_ask(
    console: Console, started: Callable[..., Any], sql: Any
):
    console("owner")
    client = console("responder")
    [row] = sql("SELECT id FROM sessions WHERE 'owner' = ANY (roles)")
    page = client.get(f"/sessions/revoke?session={row['id']}", status=403)
    assert "This reaches console sessions of an owner" in page
    assert "yours is responder" in page
    assert "(owner@harbour.example)" in page
