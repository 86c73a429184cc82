"""`/users/{id}`: a user's sessions on all sites, addresses, browsers and history, and the ways to end all sessions."""

from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound

from ...api_tokens import tokens
from ...core.database import once_more
from ...core.permissions import TOKENS
from ...operations import audit_queries, deny_rules, session_queries, user_queries
from ...web.request import Request
from .. import selection
from ..lists import page
from . import may_revoke


def includeme(config: Configurator) -> None:
    """Register the view."""
    config.add_view(
        user, route_name="admin_user", request_method="GET", renderer="shopforum:admin/templates/user.jinja2"
    )


def user(request: Request) -> dict[str, Any]:
    """Show a user who has signed in, or whom the audit log names."""
    user_id = request.matched_id
    known = _known(request, user_id)
    person = known["person"]
    if person is None and not known["events"]:
        raise HTTPNotFound
    activity = user_queries.activity(request.services.databases, user_id, person.user_email if person else "")
    keys = request.sessions.config.secrets
    return {
        **known,
        "user_id": user_id,
        "picks": selection.of(request),
        "activity": activity,
        "tokens": tokens.listed(request.read_db, keys, user_id) if activity.has_tokens else [],
        "may_revoke_tokens": bool(request.has_permission(TOKENS)),
        "may_revoke": may_revoke(request),
    }


@once_more
def _known(request: Request, user_id: UUID) -> dict[str, Any]:
    """Return what the session core knows of a user."""
    with request.read_db.in_one_transaction() as db:
        found = page(request, session_queries.of_user(user_id), size=25, db=db)
        return {
            "person": user_queries.name(db, user_id),
            "page": found,
            "new_devices": audit_queries.new_devices(db, [row.id for row in found.rows]),
            "addresses": user_queries.addresses(db, user_id),
            "devices": user_queries.devices(db, user_id),
            "deletion": user_queries.deletion(db, user_id),
            "rules": deny_rules.in_force(db, user_id=user_id),
            "logins": audit_queries.logins_of_user(db, user_id),
            "events": audit_queries.of_user(db, user_id),
        }
