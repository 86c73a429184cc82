"""`/revocations` and `/revocations/{id}`: the revocations, and the receipt of one: ended here, confirmed at FusionAuth."""

from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound

from ...api_tokens import tokens
from ...core import durability
from ...core.paging import Page
from ...operations import deny_rules, revocation_queries, session_queries
from ...operations.progress import Progress
from ...operations.revocation_queries import Since
from ...operations.rows import Receipt, Revocation
from ...web.request import Request
from ..filter_forms import RevocationFilterForm
from ..lists import page


def includeme(config: Configurator) -> None:
    """Register the views."""
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
    """Show the list, newest first. A filter with errors is shown again over an empty list."""
    form, db = RevocationFilterForm(request.GET), request.read_db
    found: Page[Revocation] = Page([])
    if form.validate():
        found = page(request, revocation_queries.listing(db, form.filter))
    else:
        request.response.status_int = 422
    receipts = revocation_queries.receipts(db, [row.id for row in found.rows])
    return {"form": form, "filter": form.filter, "page": found.map(lambda row: receipts[row.id])}


def revocation(request: Request) -> dict[str, Any]:
    """Show the receipt as it stands now."""
    db = request.read_db
    row = revocation_queries.receipt(db, request.matched_id)
    if row is None:
        raise HTTPNotFound
    found = page(request, session_queries.ended_by(row.id))
    since = revocation_queries.since(db, row.id)
    keys = request.sessions.config.secrets
    return {
        "row": row,
        "since": since,
        "durable": durability.read(db),
        "marking": _marking(row, since),
        "telling": Progress.since(row.created_at, row.confirmed, row.confirmed + row.unconfirmed),
        "token_makers": [(maker, tokens.listed(db, keys, maker)) for maker in since.token_makers],
        "page": found,
        "messages": revocation_queries.messages(db, [session.id for session in found.rows]),
        "rules": deny_rules.in_force(db, revocation_id=row.id),
        "outbox": revocation_queries.outbox(db, row.id),
    }


def _marking(row: Receipt, since: Since) -> Progress | None:
    """Return how many of the sessions that have ended are marked as ended, for the list; None when all are."""
    if row.marked_at or (row.exact and since.marked >= row.matched):
        return None
    return Progress.since(
        row.created_at, since.marked if row.exact else row.matched, row.matched if row.exact else None
    )
