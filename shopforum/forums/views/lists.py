"""The homepage, a category, a new topic, and a person's own posts."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from ...core.markdown import plain
from ...web import caching, notes
from ...web.request import Request
from .. import links, posts, read_markers, topics, writing
from ..forms import TopicForm
from ..refusals import Missing
from . import listed, note_counts, person, settings, viewer, written


def home(request: Request) -> dict[str, Any]:
    """Show the categories, and the topics of all categories by their last post."""
    caching.mark_public(request)
    who = viewer(request)
    categories = topics.all_categories(request.site_db, who)
    if categories:
        note_counts(request, categories[0])
    return {"categories": categories, "page": listed(request, topics.latest(who))}


def category(request: Request) -> dict[str, Any]:
    """Show a category's topics."""
    caching.mark_public(request)
    who = viewer(request)
    found = topics.category(request.site_db, request.matchdict["slug"], who)
    note_counts(request, found)
    return {"category": found, "page": listed(request, topics.of_category(found.id, who))}


def mark_read(request: Request) -> HTTPSeeOther:
    """Mark everything in a category as read."""
    slug = request.matchdict["slug"]
    if not read_markers.mark_category(request.site_db, person(request).id, slug):
        raise Missing
    return notes.see_other(request, links.category(slug) + "?notice=read")


def new_topic(request: Request) -> dict[str, Any]:
    """Show the form for a new topic."""
    who = person(request)
    found = topics.category(request.site_db, request.matchdict["slug"], who)
    note_counts(request, found)
    return {"category": found, "form": TopicForm(), "preview": None, "viewer": who}


def start_topic(request: Request) -> Any:
    """Open a topic, or show a preview of its first post."""
    who = person(request)
    found = topics.category(request.site_db, request.matchdict["slug"], who)
    form = TopicForm(request.POST)
    answer = written(
        request,
        form,
        lambda: writing.start_topic(
            request.site_db, found.slug, who, form.title.data, form.body.data, settings(request)
        ),
    )
    if isinstance(answer, HTTPSeeOther):
        return answer
    note_counts(request, found)
    return {"category": found, "form": form, "preview": answer, "viewer": who}


def own_posts(request: Request) -> dict[str, Any]:
    """Show the person's own posts, newest first. A login leads here."""
    who = person(request)
    return {"page": listed(request, posts.mine(who, settings(request).window(who))), "excerpt": plain}
