"""The search page."""

from typing import Any

from ...core.markdown import plain
from ...web.request import Request
from .. import search, topics
from ..forms import SearchForm
from . import is_moderator, listed, note_unread, viewer


def results(request: Request) -> dict[str, Any]:
    """Show the posts that match, or those of an author. A senseless filter is ignored."""
    form = SearchForm(request.GET)
    who = viewer(request)
    categories = topics.all_categories(request.db, who)
    if categories:
        note_unread(request, categories[0])
    form.category.choices = {"": "All", **{category.slug: category.name for category in categories}}
    _drop_unknown_choices(form)
    query = search.Query(form.q.data[:200], form.category.data, form.author.data[:100], form.within.data)
    page = None
    if query.words or query.author:
        page = listed(request, search.results(query, is_moderator(who)))
    return {"form": form, "page": page, "marked": search.marked, "excerpt": plain}


def _drop_unknown_choices(form: SearchForm) -> None:
    """Clear a choice that is missing or not offered: that is not worth an error."""
    for field in (form.category, form.within):
        if field.data not in field.choices:
            field.data = ""
