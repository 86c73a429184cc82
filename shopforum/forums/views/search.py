"""The search page."""

from typing import Any

from ...core.markdown import without_markup
from ...web.request import Request
from .. import search, topics
from ..forms import SearchForm
from . import listed, note_counts, suspended, viewer


def results(request: Request) -> dict[str, Any]:
    """Show the posts that match, or those of an author. A senseless filter is ignored."""
    form = SearchForm(request.GET)
    who = viewer(request)
    categories = topics.all_categories(request.site_db, who)
    if categories:
        note_counts(request, categories[0])
    form.category.choices = {"": "All", **{category.slug: category.name for category in categories}}
    _drop_unknown_choices(form)
    query = search.Query(form.q.data[:200], form.category.data, form.author.data[:100], form.within.data)
    searched = bool(query.words or query.author)
    page = listed(request, search.results(query, who)) if searched else None
    return {
        "form": form,
        "q": query.words,
        "page": page,
        "suspended": suspended(request, who, (match.author_id for match in page.rows) if page else ()),
        "marked": search.marked,
        "passage": search.passage,
        "words": without_markup,
    }


def _drop_unknown_choices(form: SearchForm) -> None:
    """Clear a choice that is missing or not offered: that is not worth an error."""
    for field in (form.category, form.within):
        if field.data not in field.choices:
            field.data = ""
