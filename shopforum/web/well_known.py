"""Addresses that browsers, search engines and security researchers know without a link: robots.txt and its like."""

from datetime import UTC, datetime, timedelta
from xml.sax.saxutils import escape

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPFound
from pyramid.path import AssetResolver
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core.sites import ADMIN, STORE
from .contributions import Sitemap
from .request import Request
from .services import PasswordPage

_DAY = "public, max-age=86400"
# RFC 9116 recommends less than a year.
_CONTACT_HOLDS = timedelta(days=180)
_NO_PAGES = ("/login", "/logout", "/account", "/shopping-cart", "/checkout", "/orders", "/guest-orders")


def includeme(config: Configurator) -> None:
    """Add the addresses, open to everybody and with nothing of a session."""
    for name, path, view in (
        ("robots", "/robots.txt", robots),
        ("sitemap", "/sitemap.xml", sitemap),
        ("favicon", "/favicon.ico", favicon),
        ("touch_icon", "/apple-touch-icon.png", touch_icon),
        ("security_contact", "/.well-known/security.txt", security_contact),
        ("change_password", "/.well-known/change-password", change_password),
    ):
        config.add_route(name, path)
        config.add_view(view, route_name=name, request_method="GET", permission=NO_PERMISSION_REQUIRED)


def robots(request: Request) -> Response:
    """Tell crawlers which pages are of no use to them: none of the console's is (RFC 9309)."""
    hidden = ("/",) if request.site.name == ADMIN else _NO_PAGES
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in hidden)]
    if request.services.find(Sitemap):
        lines += ["", f"Sitemap: {request.site.url}/sitemap.xml"]
    return _text("\n".join(lines) + "\n")


def sitemap(request: Request) -> Response:
    """List the public pages of the site, if it has a list of them (sitemaps.org, at most 50,000)."""
    found = request.services.find(Sitemap)
    paths = found.paths(request) if found else ["/"]
    urls = "".join(f"<url><loc>{escape(request.site.url + path)}</loc></url>\n" for path in paths)
    body = f"""<?xml version="1.0" encoding="UTF-8"?>
<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
{urls}</urlset>
"""
    return _text(body, "application/xml")


def favicon(request: Request) -> Response:
    """Return the site's icon, for clients that ask for it without having read a page."""
    return _file(f"favicon-{request.site.name}.ico", "image/x-icon")


def touch_icon(request: Request) -> Response:
    """Return the site's icon for the home screen of a phone."""
    return _file(f"touch-{request.site.name}.png", "image/png")


def security_contact(request: Request) -> Response:
    """Say where a vulnerability is reported (RFC 9116)."""
    expires = (datetime.now(UTC) + _CONTACT_HOLDS).strftime("%Y-%m-%dT00:00:00Z")
    lines = (
        f"Contact: {request.site.urls[STORE]}/contact",
        f"Expires: {expires}",
        "Preferred-Languages: en",
        f"Canonical: {request.site.url}/.well-known/security.txt",
    )
    return _text("\n".join(lines) + "\n")


def change_password(request: Request) -> HTTPFound:
    """Lead password managers to the page where the password is changed (W3C, A Well-Known URL for Changing Passwords)."""
    page = request.services.find(PasswordPage)
    return HTTPFound(page.url if page and page.url else "/login")


def _text(body: str, kind: str = "text/plain") -> Response:
    return _kept(Response(body, content_type=kind, charset="utf-8"))


def _file(name: str, kind: str) -> Response:
    with AssetResolver().resolve(f"shopforum:static/{name}").stream() as stream:
        return _kept(Response(stream.read(), content_type=kind))


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = _DAY
    return response
