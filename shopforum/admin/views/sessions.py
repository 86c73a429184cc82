"""`/sessions` and `/sessions/{id}`: the list with its tabs and filters, and everything about one session."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound, HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import RowMapping

from ...paging import FIELD, Page
from ...sessions.tokens import as_uuid
from .. import counting, fork, pasted, queries, story, trail, words
from ..filters import SessionFilter
from ..forms import NoteForm, RevokeForm
from ..reading import TooSlow, page
from . import may_revoke


def includeme(config: Configurator) -> None:
    """The views."""
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
    """A tab over the list; `count` is text, because it may be "1,000+"."""

    label: str
    url: str
    current: bool
    count: str | None


def sessions(request: Request) -> Any:
    """The list. A filter that makes no sense is shown again with what is wrong, over an empty list; an id or an address
    that was pasted into it leads on.
    """
    form = SessionFilter(request.GET)
    db = request.reading
    found, counts, cut = Page([], None, None, None, None), None, False
    if form.validate():
        elsewhere = form.user.data and pasted.leads_to(db, form)
        if elsewhere:
            return HTTPSeeOther(elsewhere)
        try:
            found, counts = _listed(request, form)
        except TooSlow:
            if not form.user.data or form.user_id:
                raise
            found, counts, cut = *_listed(request, form, beginning=True), True
    else:
        request.response.status_int = 422
    return {
        "form": form,
        "tabs": [_tab(form, name, counts) for name in (*words.TABS, "")],
        "page": found,
        # The page asks what has come since its newest row; one that is not the first asks nothing.
        "since": "" if request.GET.get(FIELD) or form.errors else _newest(found),
        "as_of": datetime.now(UTC).strftime("%H:%M:%S"),
        "cut": cut,
        "matching": counts[form.state.data or ""] if counts else None,
        "may_revoke": may_revoke(request),
    }


def _listed(
    request: Request, form: SessionFilter, *, beginning: bool = False
) -> tuple[Page, dict[str, str] | None]:
    """The page of the list, and the counts on its tabs."""
    db = request.reading
    matching = queries.matching(db, form, beginning=beginning)
    statement = queries.listed().where(*matching, *queries.in_state(db, form.state.data))
    found = page(request, statement, queries.CREATED_AT, queries.ID, size=30)
    # Counts of a part of what matches would be taken for those of all.
    return found, None if beginning else counting.on_tabs(db, matching)


def session(request: Request) -> dict[str, Any]:
    """One session, with its places, its pairs of credentials and its story."""
    session_id = as_uuid(request.matchdict["id"])
    row = queries.one(request.reading, session_id) if session_id else None
    if row is None:
        raise HTTPNotFound
    return session_page(request, row)


def session_page(request: Request, row: RowMapping) -> dict[str, Any]:
    """What the page of a session is drawn from."""
    db = request.reading
    places, pairs = queries.places(db, row["id"]), queries.generations(db, row["id"])
    return {
        "row": row,
        "places": places,
        "flags": queries.flags(db, row["id"]),
        "generations": pairs,
        "fork": fork.draw(row, pairs, places),
        "events": story.tell(row, pairs, trail.of_session(db, row)),
        "form": RevokeForm(),
        "note": NoteForm(),
        "fresh_note": NoteForm(),
        "dismissing": "",
        "may_revoke": may_revoke(request),
    }


def _newest(found: Page) -> str:
    newest = found.rows[0]["created_at"] if found.rows else datetime.now(UTC)
    return str(newest.astimezone(UTC).isoformat())


def _tab(form: SessionFilter, name: str, counts: dict[str, str] | None) -> Tab:
    query = form.query(state=name)
    return Tab(
        label=name.capitalize() or "All",
        url="/sessions" + (f"?{query}" if query else ""),
        current=(form.state.data or "") == name,
        count=counts[name] if counts else None,
    )
