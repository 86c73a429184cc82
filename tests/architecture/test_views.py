"""Every view is refused by default, guarded against forgery, and bound to methods."""

import re

import pytest
from pyramid.security import NO_PERMISSION_REQUIRED
from support import Browser

# Every address that the public may see, by site. A new public view is written down here, or it is not public.
_ACCOUNT = ("/login/code", "/login/code/enter", "/signup", "/password/forgot", "/password/reset")
# A signature of the device stands for a form's token there, and the origin is checked all the same.
BY_PROOF = ("/dbsc/register", "/dbsc/refresh")
# A signed token in the address stands for it there: a mail program posts without having seen a page (RFC 8058).
BY_LETTER = ("/unsubscribe",)
PUBLIC = {
    "all": {
        "/healthz",
        "/readyz",
        "/startupz",
        "/probe",
        "/login",
        "/account/keep",
        "/login/two-factor",
        "/login/two-factor/set-up",
        "/logout",
        *BY_PROOF,
        "/static/*subpath",
        "/robots.txt",
        "/sitemap.xml",
        "/favicon.ico",
        "/apple-touch-icon.png",
        "/.well-known/security.txt",
        "/.well-known/change-password",
    },
    "store": {
        "/",
        *_ACCOUNT,
        "/products",
        "/products/{slug}",
        "/search-suggestions",
        "/contact",
        "/help",
        "/help/shipping",
        "/help/returns",
        "/privacy",
        "/shopping-cart",
        "/shopping-cart/items",
        "/shopping-cart/items/{id}",
        "/shopping-cart/undo",
    },
    "forums": {
        "/",
        *_ACCOUNT,
        "/categories/{slug}",
        "/members/{handle}",
        "/topics/{id}",
        "/topics/{id}-{slug}",
        "/search",
        "/posts/{id}/history",
        "/moderation",
        *BY_LETTER,
    },
    "admin": set(),
}


def views(app):
    """(path, methods, permission, csrf) of every ordinary view of a site."""
    introspector = app.registry.introspector
    default = introspector.get("default permission", None)
    routes = {
        item["introspectable"]["name"]: item["introspectable"]["pattern"]
        for item in introspector.get_category("routes")
    }
    for item in introspector.get_category("views"):
        view = item["introspectable"]
        if view["context"] is not None or view["route_name"] is None:
            continue  # an exception view
        path = "/" + routes[view["route_name"]].lstrip("/")
        permissions = [
            related["value"] for related in item["related"] if related.category_name == "permissions"
        ]
        yield (
            path,
            view["request_methods"],
            (permissions or [default and default["value"]])[0],
            view["require_csrf"],
        )


def simple(path):
    """A route's pattern without its regular expressions: `/posts/{id:\\d{1,18}}` is `/posts/{id}`."""
    name, depth, kept = False, 0, ""
    for letter in path:
        depth += {"{": 1, "}": -1}.get(letter, 0)
        name = depth == 1 and (name or letter == "{") and letter != ":"
        if depth == 0 or name:
            kept += letter
    return kept


def an_address(path):
    """Something that the route of this path takes."""
    return re.sub(r"\{\w+\}", "1", simple(path).replace("{key}", "k" * 43))


@pytest.mark.parametrize("site", ["store", "forums", "admin"])
def test_the_public_pages_are_listed(apps, site):
    public = {
        simple(path) for path, _, permission, _ in views(apps[site]) if permission == NO_PERMISSION_REQUIRED
    }
    assert public <= PUBLIC["all"] | PUBLIC[site]


@pytest.mark.parametrize("site", ["store", "forums", "admin"])
def test_every_view_names_its_methods_and_no_post_goes_without_the_token(apps, site):
    found = list(views(apps[site]))
    assert len(found) > 8
    for path, methods, _, csrf in found:
        if path.startswith("/static"):
            continue
        assert methods, path
        assert (csrf is False) == (path in BY_PROOF or (path in BY_LETTER and "POST" in methods)), path
        # No view answers both: a GET changes nothing.
        assert {"GET", "POST"} - set(methods), path


@pytest.mark.parametrize("site", ["store", "forums", "admin"])
def test_every_post_is_refused_without_a_token_and_from_a_sibling(apps, browser, site):
    client: Browser = browser(site)
    client.log_in({"store": "shopper", "forums": "member", "admin": "owner"}[site])
    token = client.get("/" if site != "admin" else "/sessions").html.select_one("input[name=csrf_token]")[
        "value"
    ]
    for path, methods, _, _ in views(apps[site]):
        if "POST" not in (methods or ()):
            continue
        url = an_address(path)
        assert client.post(url, {}, status="*").status_int == 403, path
        for headers in (
            {"Origin": "https://sibling.test"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "null"},
        ):
            answer = client.post(url, {"csrf_token": token}, headers=headers, status="*")
            assert answer.status_int == 403, (path, headers)
        assert client.get(url, status="*").status_int != 500, path
    # And the session is as it was.
    assert client.get("/" if site != "admin" else "/sessions", status=200).html.select_one(
        'form[action="/logout"]'
    )
