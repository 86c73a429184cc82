"""`/users/{id}`: one person's sessions on all sites, addresses and history, and the ways to end them all."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound

from ...api_tokens import tokens
from ...core.ids import parse_uuid
from ...core.permissions import TOKENS
from ...operations import deny_rules, session_queries, user_queries
from ...web.request import Request
from ..lists import page
from . import may_revoke


def includeme(config: Configurator) -> None:
    """The view."""
    config.add_view(
        user, route_name="admin_user", request_method="GET", renderer="shopforum:admin/templates/user.jinja2"
    )


def user(request: Request) -> dict[str, Any]:
    """A user whom the sites have seen, if only in the trail."""
    db = request.read_db
    user_id = parse_uuid(request.matchdict["id"])
    if user_id is None:
        raise HTTPNotFound
    person = user_queries.name(db, user_id)
    events = user_queries.history(db, user_id)
    if person is None and not events:
        raise HTTPNotFound
    activity = user_queries.activity(db, user_id, person["user_email"] if person else "")
    statement = session_queries.listed().where(session_queries.s.c.user_id == user_id)
    return {
        "user_id": user_id,
        "person": person,
        "page": page(request, statement, session_queries.CREATED_AT, session_queries.ID, size=25),
        "addresses": user_queries.addresses(db, user_id),
        "devices": user_queries.devices(db, user_id),
        "activity": activity,
        "tokens": tokens.listed(db, user_id) if activity["tokens"] else [],
        "may_revoke_tokens": bool(request.has_permission(TOKENS)),
        "rules": deny_rules.in_force(db, user_id=user_id),
        "logins": user_queries.history(db, user_id, logins=True),
        "events": events,
        "may_revoke": may_revoke(request),
    }
