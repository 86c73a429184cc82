"""`/users/{id}`: one person's sessions on all sites, addresses and history, and the ways to end them all."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request

from ...api import tokens
from ...sessions.tokens import as_uuid
from .. import people, queries, standing
from ..reading import page
from . import may_revoke
from .tokens import TOKENS


def includeme(config: Configurator) -> None:
    """The view."""
    config.add_view(
        user, route_name="admin_user", request_method="GET", renderer="shopforum:admin/templates/user.jinja2"
    )


def user(request: Request) -> dict[str, Any]:
    """A user whom the sites have seen, if only in the trail."""
    db = request.reading
    user_id = as_uuid(request.matchdict["id"])
    if user_id is None:
        raise HTTPNotFound
    person = people.name(db, user_id)
    events = people.history(db, user_id)
    if person is None and not events:
        raise HTTPNotFound
    activity = people.activity(db, user_id, person["user_email"] if person else "")
    statement = queries.listed().where(queries.s.c.user_id == user_id)
    return {
        "user_id": user_id,
        "person": person,
        "page": page(request, statement, queries.CREATED_AT, queries.ID, size=25),
        "addresses": people.addresses(db, user_id),
        "devices": people.devices(db, user_id),
        "activity": activity,
        "tokens": tokens.listed(db, user_id) if activity["tokens"] else [],
        "may_revoke_tokens": bool(request.has_permission(TOKENS)),
        "rules": standing.in_force(db, user_id=user_id),
        "logins": people.history(db, user_id, logins=True),
        "events": events,
        "may_revoke": may_revoke(request),
    }
