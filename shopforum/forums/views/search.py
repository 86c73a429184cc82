"""The search page."""

from typing import Any

from ...core.markdown import plain
from ...web.request import Request
from .. import search, topics
from ..forms import SearchForm
from . import listed, note_unread, viewer


def results(request: Request) -> dict[str, Any]:
    """The posts that match, the best first, or those of an author. A filter that makes no sense is none."""
    form = SearchForm(request.GET)
    who = viewer(request)
    rows = topics.all_categories(request.db, who)
    note_unread(request, rows)
    form.category.choices = {"": "All", **{row["slug"]: row["name"] for row in rows}}
    _drop_nonsense(form)
    query = search.Query(form.q.data[:200], form.category.data, form.author.data[:100], form.within.data)
    moderator = who is not None and who.moderator
    page = listed(request, *search.results(query, moderator)) if query.words or query.author else None
    return {"form": form, "page": page, "marked": search.marked, "excerpt": plain}


def _drop_nonsense(form: SearchForm) -> None:
    """A choice that is not among those offered, or not there, is no choice; it is not worth an error."""
    for field in (form.category, form.within):
        if field.data not in field.choices:
            field.data = ""
