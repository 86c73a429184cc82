"""`/sessions` and `/sessions/{id}`: the list with its tabs and filters, and everything about one session."""

from dataclasses import dataclass
from typing import Any

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPNotFound
from pyramid.request import Request

from ...paging import Page
from ...sessions.tokens import as_uuid
from .. import queries, trail, words
from ..filters import SessionFilter
from ..forms import RevokeForm
from ..reading import page
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
    """A tab over the list; `count` is text, because it may be "10,000+"."""

    label: str
    url: str
    current: bool
    count: str | None


def sessions(request: Request) -> dict[str, Any]:
    """The list. A filter that makes no sense is shown again with what is wrong, over an empty list."""
    form = SessionFilter(request.GET)
    db = request.reading
    found, counts = Page([], None, None, None, None), None
    if form.validate():
        statement = queries.listed().where(*queries.conditions(db, form))
        found = page(request, statement, queries.CREATED_AT, queries.ID, size=30)
        counts = queries.counts(db, form, (*words.TABS, ""))
    else:
        request.response.status_int = 422
    return {
        "form": form,
        "tabs": [_tab(form, name, counts) for name in (*words.TABS, "")],
        "page": found,
        "matching": _shown(counts, form.state.data or "") if counts else None,
        "may_revoke": may_revoke(request),
    }


def session(request: Request) -> dict[str, Any]:
    """One session, with its places, its pairs of credentials and its story."""
    session_id = as_uuid(request.matchdict["id"])
    row = queries.one(request.reading, session_id) if session_id else None
    if row is None:
        raise HTTPNotFound
    db = request.reading
    return {
        "row": row,
        "places": queries.places(db, row["id"]),
        "flags": queries.flags(db, row["id"]),
        "generations": queries.generations(db, row["id"]),
        "events": trail.of_session(db, row),
        "form": RevokeForm(),
        "may_revoke": may_revoke(request),
    }


def _tab(form: SessionFilter, name: str, counts: dict[str, int] | None) -> Tab:
    query = form.query(state=name)
    return Tab(
        label=name.capitalize() or "All",
        url="/sessions" + (f"?{query}" if query else ""),
        current=(form.state.data or "") == name,
        count=_shown(counts, name) if counts else None,
    )


def _shown(counts: dict[str, int], name: str) -> str:
    return f"{queries.CAP:,}+" if counts[name] > queries.CAP else f"{counts[name]:,}"
