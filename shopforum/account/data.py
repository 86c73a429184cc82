"""`/account/data`: a file with everything that the site keeps about the user. It needs a password of the last 15 minutes."""

import json
from collections.abc import Iterator
from dataclasses import asdict

from pyramid.response import Response

from ..core import personal
from ..core.personal import UserData
from ..sessions import acts
from ..sessions.vocabulary import ActKind
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import activity
from .views import FRESH


def includeme(config: SiteConfigurator) -> None:
    """Add the page and the file, for signed-in people."""
    config.add_route("data", "/account/data")
    config.add_route("data_file", "/account/data.json")
    config.add_view(
        show,
        route_name="data",
        request_method="GET",
        renderer="shopforum:account/templates/data.jinja2",
    )
    config.add_view(download, route_name="data_file", request_method="GET", fresh_login=FRESH)


def show(request: Request) -> dict[str, object]:
    """Show what the file has."""
    return {"kinds": request.services.get(UserData).rows(request.site.name)}


def download(request: Request) -> Response:
    """Return the file, written while it is read. The first rows are read before it begins."""
    acts.note(request.db, acts.acting(request), ActKind.DATA_EXPORTED)
    parts = personal.document(_parts(request))
    first = next(parts)
    return Response(
        app_iter=_from(first, parts),
        content_type="application/json",
        content_disposition=f'attachment; filename="{request.site.name}-data.json"',
    )


def _from(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _parts(request: Request) -> Iterator[tuple[str, Iterator[str]]]:
    me = request.me
    about = {"site": request.site.name, "id": me.user_id, "name": me.user_name, "email": me.user_email}
    sessions = [
        {
            "signed_in_at": row.authenticated_at,
            "last_seen_at": row.last_seen_at,
            "address": row.last_address,
            "browser": row.last_agent,
        }
        for row in request.sessions.of_user(me.user_id)
    ]
    found = activity.recent(request.db, me.user_id, request.site.name)
    recent = [asdict(entry) for entry in found.entries]
    for name, rows in (("account", [about]), ("sessions", sessions), ("activity", recent)):
        yield name, (json.dumps(row, default=str, ensure_ascii=False) for row in rows)
    data = request.services.get(UserData)
    for kind in data.shared_rows():
        yield kind.name, kind.read(request.db, me.user_id)
    for kind in data.own_rows(request.site.name):
        yield kind.name, kind.read(request.site_db, me.user_id)
