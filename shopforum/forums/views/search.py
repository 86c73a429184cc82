"""The search page."""

from typing import Any

from pyramid.request import Request

from ... import paging
from .. import search, topics
from ..forms import SearchForm


def results(request: Request) -> dict[str, Any]:
    """The posts that match, the best first. A filter that makes no sense is none."""
    form = SearchForm(request.GET)
    rows = topics.all_categories(request.db)
    form.category.choices = {"": "All", **{row["slug"]: row["name"] for row in rows}}
    _drop_nonsense(form)
    words = form.q.data[:200]
    if not words:
        return {"form": form, "page": None, "marked": search.marked}
    query = search.Query(words, form.category.data, form.author.data[:100], form.within.data)
    statement, order = search.results(query)
    return {"form": form, "page": paging.page(request, statement, *order), "marked": search.marked}


def _drop_nonsense(form: SearchForm) -> None:
    """A choice that is not among those offered, or not there, is no choice; it is not worth an error."""
    for field in (form.category, form.within):
        if field.data not in field.choices:
            field.data = ""
