"""`/sessions` and `/sessions/{id}`: the list with its tabs and filters, and everything about one session."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther

from ...core.database import once_more
from ...core.paging import FIELD, Page
from ...core.read_only_database import ReadOnlyDatabase, TooSlow
from ...operations import audit_queries, counts, id_lookup, saved_views, session_queries, timeline
from ...operations.counts import TabCounts
from ...operations.filters import TABS, SessionFilter
from ...operations.id_lookup import Meant
from ...operations.rows import SessionDetail, SessionRow
from ...web.request import Request
from .. import list_view, pair_tree, selection
from ..filter_forms import SessionFilterForm
from ..forms import NoteForm, RevokeForm
from ..list_view import COLUMNS, ListView
from ..lists import page
from . import may_revoke


def includeme(config: Configurator) -> None:
    """Register the views."""
    config.add_view(
        sessions,
        route_name="admin_sessions",
        request_method="GET",
        renderer="shopforum:admin/templates/sessions.jinja2",
    )
    config.add_view(
        session,
        route_name="admin_session",
        request_method="GET",
        renderer="shopforum:admin/templates/session.jinja2",
    )


@dataclass(frozen=True)
class Tab:
    """A tab over the list. `count` is text, because it may be a lower bound: "1,000+"."""

    label: str
    url: str
    current: bool
    count: str | None


def sessions(request: Request) -> Any:
    """Show the list. A filter with errors is shown again over an empty list. An id or an address that was pasted as a user
    redirects to what it names.
    """
    form = SessionFilterForm(request.GET)
    found = _Found(Page([]), set())
    shown, cut, uncounted = None, False, False
    exact = request.GET.get("count") == "exact"
    if form.validate():
        meant = id_lookup.recognize(request.read_db, form.filter)
        if meant:
            return HTTPSeeOther(_url_of(meant))
        try:
            found, shown = _listed(request, form.filter)
            if exact:
                shown, uncounted = _counted(request, form.filter, shown)
        except TooSlow:
            if not form.filter.user or form.filter.user_id:
                raise
            found, shown, cut = *_listed(request, form.filter, beginning=True), True
    else:
        request.response.status_int = 422
    view = list_view.of(request, form.filter)
    order = view.order
    return {
        "form": form,
        "filter": form.filter,
        "view": view,
        "columns": COLUMNS,
        "tabs": _tabs(request, view, shown),
        "order": order,
        "sorts": {name: view.url(order=name) for name in session_queries.ORDERS},
        "page": found.page,
        # The first page polls for sessions newer than its newest row; later pages do not.
        "since": "" if request.GET.get(FIELD) or form.errors or order else _newest(found.page),
        "as_of": datetime.now(UTC).strftime("%H:%M:%S"),
        "cut": cut,
        "bounds": shown is None or not shown.exact,
        "uncounted": uncounted,
        "picks": selection.of(request),
        "new_devices": found.new_devices,
        "matching": shown[form.filter.state] if shown else None,
        "may_revoke": may_revoke(request),
    }


def _counted(
    request: Request, chosen: SessionFilter, shown: TabCounts | None
) -> tuple[TabCounts | None, bool]:
    """Return the exact counts, and False; or those that are known, and True where counting to the end takes too long."""
    try:
        db = request.read_db
        return counts.exactly_on_tabs(db, session_queries.matching(db, chosen, whole=True)), False
    except TooSlow:
        return shown, True


@dataclass(frozen=True)
class _Found:
    """A page of the list, with the sessions on it that began with a device that was new to their user."""

    page: Page[SessionRow]
    new_devices: set[UUID]


@once_more
def _listed(
    request: Request, chosen: SessionFilter, *, beginning: bool = False
) -> tuple[_Found, TabCounts | None]:
    """Return the page of the list, and the counts on its tabs."""
    with request.read_db.in_one_transaction() as db:
        matching = session_queries.matching(db, chosen, beginning=beginning)
        order = session_queries.ORDERS[list_view.of(request, chosen).order]
        listing = order.where(*matching, *session_queries.in_state(db, chosen.state))
        rows = page(request, listing, size=30, db=db)
        found = _Found(rows, audit_queries.new_devices(db, [row.id for row in rows.rows]))
    # Counts of a part of the matching sessions would be taken for counts of all.
    return found, None if beginning else counts.on_tabs(request.read_db, matching)


def session(request: Request) -> dict[str, Any]:
    """Show a session with its places, its pairs of cookies and its timeline."""
    row = session_queries.one(request.read_db, request.matched_id)
    if row is None:
        raise HTTPNotFound
    return session_page(request, row)


def session_page(request: Request, row: SessionDetail) -> dict[str, Any]:
    """Return the variables of a session's page."""
    return {
        **_history(request.read_db, row),
        "row": row,
        "unclaimed": request.sessions.unclaimed([row.id]),
        "form": RevokeForm(),
        "note": NoteForm(),
        "fresh_note": NoteForm(),
        "dismissing": "",
        "may_revoke": may_revoke(request),
    }


@once_more
def _history(reading: ReadOnlyDatabase, row: SessionDetail) -> dict[str, Any]:
    """Return the places, the flags, the pairs of cookies and the timeline of a session."""
    with reading.in_one_transaction() as db:
        places, pairs = session_queries.places(db, row.id), session_queries.pairs(db, row.id)
        return {
            "places": places,
            "flags": session_queries.flags(db, row.id),
            "pairs": pairs,
            "device_key": session_queries.device_key(db, row.id) if row.bound_at else None,
            "tree": pair_tree.draw(row, pairs, places),
            "events": timeline.tell(row, pairs, audit_queries.of_session(db, row)),
        }


def _url_of(meant: Meant) -> str:
    if meant.session_id:
        return f"/sessions/{meant.session_id}"
    if meant.revocation_id:
        return f"/revocations/{meant.revocation_id}"
    return f"/sessions?{meant.filter.query() if meant.filter else ''}"


def _newest(found: Page[SessionRow]) -> str:
    newest = found.rows[0].created_at if found.rows else datetime.now(UTC)
    return newest.astimezone(UTC).isoformat()


def _tabs(request: Request, view: ListView, shown: TabCounts | None) -> list[Tab]:
    """Return the tabs of the states, and then those of the admin's saved views."""
    saved, here = saved_views.of_user(request.db, request.me.user_id), view.query()
    known = any(one.query == here for one in saved)
    states = [
        Tab(
            label=name.capitalize() or "All",
            url=view.url(state=name),
            current=view.filter.state == name and not known,
            count=shown[name] if shown else None,
        )
        for name in (*TABS, "")
    ]
    return [*states, *(Tab(one.name, f"/sessions?{one.query}", one.query == here, None) for one in saved)]
