"""Jinja2, the names that all templates can use, and the hashed addresses of static files. See docs/design.md."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache

from markupsafe import Markup, escape
from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender
from pyramid.httpexceptions import HTTPNotFound
from pyramid.path import AssetResolver
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy.exc import SQLAlchemyError

from ..core.sites import FORUMS, STORE, Site
from ..sessions import AuthorityUnavailable, Session
from . import notes
from .contributions import NavItem, Notice, SearchBox
from .request import Request
from .services import Navigation
from .site_config import SiteConfigurator

_YEAR = 365 * 86400
# The name that Pyramid gives to the route of the static files.
STATIC = "__static/"
# The hidden field that each POST form carries.
_CSRF_FIELD = Markup('<input type="hidden" name="csrf_token" value="{}">')


def includeme(config: SiteConfigurator) -> None:
    """Set up Jinja2 and the static files."""
    settings = config.registry.settings
    settings["jinja2.undefined"] = "strict"
    settings["jinja2.filters"] = {
        "money": money,
        "utc": utc,
        "ago": ago,
        "plural": plural,
        "time_element": time_element,
        "money_element": money_element,
    }
    settings["jinja2.trim_blocks"] = settings["jinja2.lstrip_blocks"] = True
    config.include("pyramid_jinja2")
    config.add_jinja2_search_path("shopforum:templates", ".jinja2")
    config.add_static_view(
        "static", "shopforum:static", cache_max_age=_YEAR, permission=NO_PERMISSION_REQUIRED
    )
    config.add_notfound_view(no_file, route_name=STATIC)
    site = config.services.site
    config.add_template_names(
        {
            "site": site,
            "demo": site.development,
            "static": static,
            "sister": _sister(site),
            "time_element": time_element,
            "money_element": money_element,
            "badge_element": badge_element,
            "constant": _constants(config),
        }
    )
    config.add_subscriber(_globals, BeforeRender)


def _constants(config: SiteConfigurator) -> Callable[[str], Markup]:
    """Return the function `constant(template)` of the templates: what is the same on each page is rendered once.

    Such a template sees the names that are the same for each request, and nothing of the request that came first.
    """

    @lru_cache
    def constant(name: str) -> Markup:
        return Markup(config.get_jinja2_environment().get_template(name).render())  # noqa: S704 - a template escapes

    return constant


def no_file(exc: HTTPNotFound, request: Request) -> Response:
    """Return 404 for a static file that does not exist, as a line of text and without a look at the session. Proxies cache
    what is below /static/: neither a user's name nor cookies belong there.
    """
    return Response("There is no such file.\n", status=404, content_type="text/plain")


def _globals(event: BeforeRender) -> None:
    request: Request | None = event.get("request")
    if request is None:
        return
    plain = request.environ.get("shopforum.plain", False)
    event["plain"] = plain
    event["session"] = None if plain else _session(request)
    event["csrf"] = lru_cache(lambda: _CSRF_FIELD.format(get_csrf_token(request)))
    if "notice" not in event:
        event["notice"] = None if plain else _notice(request)
    event["nav"] = [] if plain else _nav(request)
    box = request.services.find(SearchBox)
    event["search_box"] = box if box and (event["session"] or not box.signed_in) else None


def _session(request: Request) -> Session | None:
    """Return the session for the header; None while it cannot be looked up, so that an error page is still shown."""
    try:
        return request.identity
    except (AuthorityUnavailable, SQLAlchemyError):
        return None


def _nav(request: Request) -> list[NavItem]:
    navigation = request.services.find(Navigation)
    try:
        return navigation.build(request) if navigation else []
    except (AuthorityUnavailable, SQLAlchemyError):
        return []


def _notice(request: Request) -> Notice | None:
    """Return the notice of the act that has redirected here, by its code. An error page shows none."""
    if request.response.status_int >= 400:
        return None
    try:
        return request.services.notices.get(notes.said(request).get("notice", ""))
    except (AuthorityUnavailable, SQLAlchemyError):
        return None


def _sister(site: Site) -> dict[str, str] | None:
    other = {STORE: FORUMS, FORUMS: STORE}.get(site.name)
    if other is None:
        return None
    return {"label": f"Harbour {other.capitalize()}", "url": site.urls[other] + "/"}


def static(path: str) -> str:
    """Return the address of a static file, with a hash of its content: browsers may cache it for ever."""
    return f"/static/{path}?v={file_hash(path)}"


@lru_cache(maxsize=512)
def file_hash(path: str) -> str:
    """Return the hash of a static file's content in its address. Raises OSError if there is no such file."""
    file = AssetResolver().resolve(f"shopforum:static/{path}")
    with file.stream() as stream:
        return hashlib.sha256(stream.read()).hexdigest()[:12]


def money(minor: int) -> str:
    """Format an amount of euro cents: 1234567 is €12,345.67."""
    sign = "-" if minor < 0 else ""
    return f"{sign}€{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def utc(at: datetime) -> str:
    """Format an instant in full: 2026-11-23 18:02:41 UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(at: datetime) -> str:
    """Format an instant relative to now: `5 minutes ago`, `in 2 days`. For display only: no rule uses this clock."""
    seconds = int((datetime.now(UTC) - at).total_seconds())
    size = abs(seconds)
    if size < 60:
        return "now"
    for name, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if size >= length:
            if name == "day" and size > 30 * 86400:
                return at.astimezone(UTC).strftime("%-d %b %Y")
            words = plural(size // length, name)
            return f"{words} ago" if seconds > 0 else f"in {words}"
    raise AssertionError("unreachable")  # pragma: no cover - every size of a minute or more has returned


def plural(count: int, one: str, many: str | None = None) -> str:
    """Format a count with its noun: `1 item`, `2 items`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


# A macro takes several times as long, which is felt with a hundred of them on a page: these are the macros `time`, `money`
# and `badge` of macros.jinja2.


def time_element(at: datetime, full: bool = False) -> Markup:
    """Return an instant relative to now, with the full one as its title; with `full` the other way round."""
    exact, relative = utc(at), ago(at)
    shown, title = (exact, relative) if full else (relative, exact)
    machine = f"{exact[:10]}T{exact[11:19]}Z"
    return Markup(f'<time datetime="{machine}" title="{title}">{shown}</time>')  # noqa: S704 - digits and our own words


def money_element(minor: int) -> Markup:
    """Return an amount of euro cents."""
    return Markup(f'<span class="money">{money(minor)}</span>')  # noqa: S704 - digits


def badge_element(text: object, kind: str = "neutral", title: object = None) -> Markup:
    """Return a badge. `kind`: neutral, info, success, warning, danger, accent. `title` explains it."""
    more = f' title="{escape(title)}"' if title else ""
    return Markup(f'<span class="badge badge-{escape(kind)}"{more}>{escape(text)}</span>')  # noqa: S704 - escaped
