"""`/revocations` and `/revocations/{id}`: what was ended, and the receipt for one: dead here, confirmed there."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound

from ...api_tokens import tokens
from ...core.ids import parse_uuid
from ...operations import audit_queries, deny_rules, session_queries
from ...web.request import Request
from ..lists import page


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
    found = page(request, audit_queries.revocations(), audit_queries.REVOKED_AT, audit_queries.REVOCATION_ID)
    return {
        "page": found,
        "counted": audit_queries.counted(request.read_db, [row["id"] for row in found.rows]),
    }


def revocation(request: Request) -> dict[str, Any]:
    """The receipt as it stands now."""
    db = request.read_db
    revocation_id = parse_uuid(request.matchdict["id"])
    row = audit_queries.counted(db, [revocation_id]).get(revocation_id) if revocation_id else None
    if row is None:
        raise HTTPNotFound
    found = page(
        request, audit_queries.sessions_of(row["id"]), session_queries.CREATED_AT, session_queries.ID
    )
    ended = audit_queries.ended(db, row["id"])
    return {
        "row": row,
        "ended": ended,
        "makers": [(maker, tokens.listed(db, maker)) for maker in ended["makers"]],
        "page": found,
        "messages": audit_queries.messages(db, [session["id"] for session in found.rows]),
        "rules": deny_rules.in_force(db, revocation_id=row["id"]),
        "outbox": audit_queries.outbox(db, row["id"]),
    }
