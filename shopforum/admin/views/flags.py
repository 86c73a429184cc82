"""POST `/sessions/{id}/flags/{kind}`: dismiss a flag, with a note that says why."""

from pyramid.httpexceptions import HTTPNotFound

from ...core.permissions import REVOKE
from ...operations import session_queries
from ...sessions import client_of
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..forms import NoteForm, actor
from .sessions import session_page


def includeme(config: SiteConfigurator) -> None:
    """Register the view and its notice."""
    config.add_notices(
        {
            "dismissed": Notice("success", "The flag is dismissed. It comes back if it happens again."),
        }
    )
    config.add_view(
        dismiss,
        route_name="admin_flag",
        request_method="POST",
        permission=REVOKE,
        renderer="shopforum:admin/templates/session.jinja2",
    )


def dismiss(request: Request) -> object:
    """Dismiss the flag. Without a note the page is shown again."""
    row, kind = session_queries.one(request.read_db, request.matched_id), request.matchdict["kind"]
    if row is None or kind not in {flag.kind for flag in session_queries.flags(request.read_db, row.id)}:
        raise HTTPNotFound
    form = NoteForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
        return {**session_page(request, row), "note": form, "dismissing": kind}
    reason = form.because(request.me).admin
    request.sessions.dismiss_flag(row.id, kind, reason, actor(request.me), client_of(request))
    return notes.see_other(request, f"/sessions/{row.id}?notice=dismissed")
