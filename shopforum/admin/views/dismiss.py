"""`/sessions/dismiss`: dismiss the flags of one kind of all sessions that a filter matches.

After many sessions were ended, every honest browser that comes back raises a flag. GET shows how many there are, and how
many came from the session's own address and browser; POST dismisses.
"""

from typing import Any

from pyramid.httpexceptions import HTTPUnprocessableEntity

from ...core.permissions import REVOKE
from ...operations import session_queries
from ...operations.filters import FilterError, SessionFilter, parse_query
from ...operations.session_queries import OpenFlags
from ...sessions import client_of
from ...sessions.vocabulary import FlagKind
from ...web import notes
from ...web.contributions import Notice
from ...web.request import Request
from ...web.site_config import SiteConfigurator
from ..forms import DismissForm, actor


def includeme(config: SiteConfigurator) -> None:
    """Register the view and its notices."""
    config.add_notices(
        {
            "flags_dismissed": Notice(
                "success", "The flags are dismissed. They come back if it happens again."
            ),
            "no_flags": Notice("info", "The flags were dismissed already. Nothing was changed."),
        }
    )
    for method in ("GET", "POST"):
        config.add_view(
            dismiss,
            route_name="admin_dismiss",
            request_method=method,
            permission=REVOKE,
            renderer="shopforum:admin/templates/dismiss.jinja2",
        )


def dismiss(request: Request) -> Any:
    """Ask, and dismiss the flags that were shown. Flags that were raised since, on other sessions, stay."""
    chosen = _chosen(request)
    found = session_queries.open_flags(request.read_db, chosen, chosen.flag)
    form = DismissForm(request.POST if request.method == "POST" else request.typed)
    if request.method == "POST":
        meant = found.own if form.own.data else found.ids
        valid = form.validate()
        if valid and request.POST.get("count") == str(len(meant)):
            reason = form.because(request.me).admin
            count = request.sessions.dismiss_flags(
                meant, chosen.flag, reason, actor(request.me), client_of(request)
            )
            return notes.see_other(
                request, f"/sessions?state=flagged&notice={'flags_dismissed' if count else 'no_flags'}"
            )
        request.response.status_int = 409 if valid else 422
    return _page(request, form, chosen, found)


def _chosen(request: Request) -> SessionFilter:
    """Read the filter, which names a kind of flag. Raises HTTPUnprocessableEntity."""
    try:
        given = request.POST if request.method == "POST" else request.GET
        chosen = parse_query(given.get("filter", ""))
    except FilterError as error:
        raise HTTPUnprocessableEntity(str(error)) from None
    if chosen.flag not in set(FlagKind):
        raise HTTPUnprocessableEntity("Filter the list by a flag first.")
    return chosen


def _page(request: Request, form: DismissForm, chosen: SessionFilter, found: OpenFlags) -> dict[str, Any]:
    return {
        "form": form,
        "filter": chosen,
        "all": len(found.ids),
        "own": len(found.own),
        "changed": request.response.status_int == 409,
    }
