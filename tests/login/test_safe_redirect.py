"""`next` leads to a page of this host, or nowhere."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import Browser, person

from shopforum.web.safe_redirect import safe, with_notice

GOOD = [
    "/",
    "/orders",
    "/orders?page=2",
    "/topics/12-a-title",
    "/search?q=a%20b&category=x%2Fy",
    "/search?q=%C3%A9%0A%5C",
    "/products/caf%C3%A9",
    "/logins-of-mine",
    "/search?q=//evil.example",
    "/sessions?ip=2001:db8::/32",
]

BAD = [
    "",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/%5cevil.example",
    "/%5C/evil.example",
    "/%2f/evil.example",
    "/%2Fevil.example",
    "/%252fevil.example",
    "/%09/evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/orders\r\nSet-Cookie: a=b",
    "/%0d%0aSet-Cookie:a=b",
    " //evil.example",
    " /orders",
    "/orders ",
    "https:evil.example",
    "https://evil.example",
    "https:///evil.example",
    "HTTPS://evil.example",
    "http:\\\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "orders",
    "./orders",
    "../orders",
    "/..//evil.example",
    "/./orders",
    "/a/../login",
    "/a/..",
    "/a/%2e%2e/login",
    "/a//b",
    "?next=/orders",
    "#orders",
    "/orders#//evil.example",
    "@evil.example",
    "/\u2215evil.example",
    "/\uff0fevil.example",
    "\uff0f\uff0fevil.example",
    "/\u2028/evil.example",
    "/caf\u00e9",
    "/%e2%80%a8evil",
    "/\x00evil",
    "/%00evil",
    "/%ff",
    "/login",
    "/Login?next=/orders",
    "/login/two-factor",
    "/%6cogin",
    "/logout",
    "/logout/",
    "/" + "a" * 2000,
]


@pytest.mark.parametrize("target", GOOD)
def test_leads_to_a_page_of_this_site(target: str) -> None:
    assert safe(target) == target


@pytest.mark.parametrize("target", BAD)
def test_leads_to_no_other_host(target: str) -> None:
    assert safe(target) is None


@given(st.text(alphabet="/\\.@:?#%25cCfF09aeil\t\n \u2028", max_size=12))
def test_every_accepted_target_stays_on_the_host(target: str) -> None:
    if safe(target) is not None:
        assert target.startswith("/")
        assert not target.startswith(("//", "/\\"))
        assert "\\" not in target


@pytest.mark.parametrize("target", ["//evil.example", "/\\evil.example", "https://evil.example", "/login"])
def test_the_form_goes_by_it(store: Browser, target: str) -> None:
    page = store.get("/login", {"next": target})
    form = next(form for form in page.forms.values() if "password" in form.fields)
    assert form["next"].value == ""
    login = person("shopper")
    form["email"], form["password"], form["next"] = login.email, login.password, target
    assert form.submit(status=302).location == "/shopping-cart"


def test_a_signed_out_visitor_comes_back_to_where_they_were(browser: Callable[[str], Browser]) -> None:
    client = browser("store")
    page = client.get("/account/sessions?x=1", status=302).follow()
    form = next(form for form in page.forms.values() if "password" in form.fields)
    login = person("shopper")
    form["email"], form["password"] = login.email, login.password
    assert form.submit(status=302).location == "/account/sessions?x=1"


@pytest.mark.parametrize(
    ("target", "expected"),
    [("/orders", "/orders?notice=merged"), ("/orders?page=2", "/orders?page=2&notice=merged")],
)
def test_a_notice_goes_into_the_query(target: str, expected: str) -> None:
    assert with_notice(target, "merged") == expected


@pytest.mark.parametrize(
    ("site", "target", "kept"),
    [
        ("store", "/orders?page=2", True),
        ("store", "/products/anything", True),
        ("store", "/account/sessions", True),
        ("forums", "/topics/12-a-title", True),
        ("forums", "/categories/pans/topics", True),
        ("admin", "/audit?event=any_end", True),
        # Nothing is there, or on another site only.
        ("store", "/nothing", False),
        ("store", "/posts", False),
        ("store", "/orders/", False),
        ("store", "/static/app.css", False),
        ("admin", "/api/v1/sessions", False),
        # Only a form leads there.
        ("store", "/shopping-cart/undo", False),
        ("store", "/account/sessions/revoke-others", False),
        ("forums", "/posts/7/delete", False),
        ("admin", "/sessions/revoke/nothing", False),
    ],
)
def test_a_login_leads_to_a_page_or_to_the_landing_page(
    browser: Callable[[str], Browser], site: str, target: str, kept: bool
) -> None:
    page = browser(site).get("/login", {"next": target})
    form = next(form for form in page.forms.values() if "password" in form.fields)
    assert form["next"].value == (target if kept else "")
    who, landing = {
        "store": ("shopper", "/shopping-cart"),
        "forums": ("member", "/posts"),
        "admin": ("owner", "/sessions"),
    }[site]
    form["email"], form["password"], form["next"] = person(who).email, person(who).password, target
    assert form.submit(status=302).location == (target if kept else landing)


def test_the_way_back_to_a_form_is_a_page(store: Browser) -> None:
    """The address of a refused form takes no GET: neither a link nor a login may lead there."""
    store.log_in("shopper")
    for referer, back in (("/shopping-cart/undo", None), ("/orders", "/orders")):
        headers = {"Referer": f"https://store.test{referer}"}
        answer = store.post("/shopping-cart/items", {"csrf_token": "x"}, headers=headers, status=403)
        links = {a["href"] for a in answer.html.select("main a")}
        assert referer in links if back else referer not in links
    for referer in ("/caf\xe9", "/%ff", "/%c3", "/\x7f", "//evil.test/orders", "/a b", "/[", "/%"):
        headers = {"Referer": f"https://store.test{referer}"}
        answer = store.post("/shopping-cart/items", {"csrf_token": "x"}, headers=headers, status=403)
        assert not {a["href"] for a in answer.html.select("main a")} & {referer}
