"""`/revocations` and `/revocations/{id}`: what was ended, and the receipt for one: dead here, confirmed there."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request

from ...api import tokens
from ...sessions.tokens import as_uuid
from .. import queries, standing, trail
from ..reading import page


def includeme(config: Configurator) -> None:
    """The views."""
    config.add_view(
        revocations,
        route_name="admin_revocations",
        request_method="GET",
        renderer="shopforum:admin/templates/revocations.jinja2",
    )
    config.add_view(
        revocation,
        route_name="admin_revocation",
        request_method="GET",
        renderer="shopforum:admin/templates/revocation.jinja2",
    )


def revocations(request: Request) -> dict[str, Any]:
    """The list, newest first."""
    found = page(request, trail.revocations(), trail.REVOKED_AT, trail.REVOCATION_ID)
    return {"page": found, "counted": trail.counted(request.reading, [row["id"] for row in found.rows])}


def revocation(request: Request) -> dict[str, Any]:
    """The receipt as it stands now."""
    db = request.reading
    revocation_id = as_uuid(request.matchdict["id"])
    row = trail.counted(db, [revocation_id]).get(revocation_id) if revocation_id else None
    if row is None:
        raise HTTPNotFound
    found = page(request, trail.sessions_of(row["id"]), queries.CREATED_AT, queries.ID)
    ended = trail.ended(db, row["id"])
    return {
        "row": row,
        "ended": ended,
        "makers": [(maker, tokens.listed(db, maker)) for maker in ended["makers"]],
        "page": found,
        "messages": trail.messages(db, [session["id"] for session in found.rows]),
        "rules": standing.in_force(db, revocation_id=row["id"]),
        "outbox": trail.outbox(db, row["id"]),
    }
