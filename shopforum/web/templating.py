"""What every template can use, and the hashed addresses of static files. docs/design.md lists both."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.events import BeforeRender
from pyramid.httpexceptions import HTTPNotFound
from pyramid.path import AssetResolver
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from sqlalchemy.exc import SQLAlchemyError

from ..sessions import AuthorityUnavailable
from . import notes
from .request import Request

_YEAR = 365 * 86400
# What Pyramid calls the route of the static files.
STATIC = "__static/"


@dataclass(frozen=True)
class NavItem:
    """A link of the header."""

    label: str
    url: str
    current: bool = False
    count: int | None = None


@dataclass(frozen=True)
class Undo:
    """A button in a notice that takes the act back, with a name and a value.

    `form` is the id of the page's form that it belongs to, and whose fields it sends along; it has one of its own else.
    """

    action: str
    label: str
    name: str = ""
    value: str = ""
    form: str = ""


@dataclass(frozen=True)
class Notice:
    """What the last act did. `kind` is info, success, warning or error."""

    kind: str
    text: str
    undo: Undo | None = None


def includeme(config: Configurator) -> None:
    """Set up Jinja2 and static files. Sites may set `registry.nav` and `registry.notices`."""
    config.registry.nav = lambda _: []
    config.registry.notices = {}
    config.registry.repeatable_fields = set()
    settings = config.registry.settings
    settings["jinja2.undefined"] = "strict"
    settings["jinja2.filters"] = {"money": money, "utc": utc, "ago": ago, "plural": plural}
    settings["jinja2.trim_blocks"] = settings["jinja2.lstrip_blocks"] = True
    config.include("pyramid_jinja2")
    config.add_jinja2_search_path("shopforum:templates", name=".jinja2")
    config.add_static_view(
        "static", "shopforum:static", cache_max_age=_YEAR, permission=NO_PERMISSION_REQUIRED
    )
    config.add_notfound_view(no_file, route_name=STATIC)
    config.add_subscriber(_globals, BeforeRender)


def no_file(exc: HTTPNotFound, request: Request) -> Response:
    """404 for a static file that is not there: a line of text, and nobody is asked who is signed in. A page with a name
    and a form's token, or with a new session's cookies, has no place where proxies keep what they see.
    """
    return Response("There is no such file.\n", status=404, content_type="text/plain")


def _globals(event: BeforeRender) -> None:
    request: Request | None = event.get("request")
    if request is None:
        return
    plain = request.environ.get("shopforum.plain", False)
    event["site"] = request.site
    event["plain"] = plain
    event["session"] = None if plain else _session(request)
    event["csrf_token"] = lambda: get_csrf_token(request)
    if "notice" not in event:
        event["notice"] = None if plain else _notice(request)
    event["static"] = static
    event["nav"] = [] if plain else _nav(request)
    event["sister"] = _sister(request)
    event["demo"] = request.site.development


def _session(request: Request) -> Any:
    """Who is signed in, for the header; an error page is shown even where that cannot be told."""
    try:
        return request.identity
    except (AuthorityUnavailable, SQLAlchemyError):
        return None


def _nav(request: Request) -> list[NavItem]:
    build: Callable[[Request], list[NavItem]] = request.registry.nav
    try:
        return build(request)
    except (AuthorityUnavailable, SQLAlchemyError):
        return []


def _notice(request: Request) -> Notice | None:
    """The notice of the act that led here, by its code in the site's table; nothing over a page that is an error."""
    if request.response.status_int >= 400:
        return None
    try:
        return request.registry.notices.get(notes.said(request).get("notice", ""))
    except (AuthorityUnavailable, SQLAlchemyError):
        return None


def _sister(request: Request) -> dict[str, str] | None:
    other = {"store": "forums", "forums": "store"}.get(request.site.name)
    if other is None:
        return None
    return {"label": f"Harbour {other.capitalize()}", "url": request.site.urls[other] + "/"}


def static(path: str) -> str:
    """The address of a static file with a hash of its content: it may be cached for ever."""
    return f"/static/{path}?v={_hash(path)}"


@lru_cache(maxsize=512)
def _hash(path: str) -> str:
    file = AssetResolver().resolve(f"shopforum:static/{path}")
    with file.stream() as stream:
        return hashlib.sha256(stream.read()).hexdigest()[:12]


def money(minor: int) -> str:
    """An amount of euro cents as people write it: 1234567 is €12,345.67."""
    sign = "-" if minor < 0 else ""
    return f"{sign}€{abs(minor) // 100:,}.{abs(minor) % 100:02d}"


def utc(at: datetime) -> str:
    """An instant in full: 2026-11-23 18:02:41 UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(at: datetime) -> str:
    """An instant as people say it, past or to come. For display alone: no rule goes by this clock."""
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
    """`1 item`, `2 items`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
