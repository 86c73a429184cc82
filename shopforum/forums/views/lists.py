"""The homepage, a category, a new topic, one's own posts."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from ...core.markdown import plain
from ...web import notes
from ...web.request import Request
from .. import links, posts, read_markers, topics, writing
from ..forms import TopicForm
from ..person import Missing
from . import listed, note_unread, person, rules, viewer, written


def home(request: Request) -> dict[str, Any]:
    """The categories, and the topics of all of them by their last post."""
    who = viewer(request)
    categories = topics.all_categories(request.db, who)
    note_unread(request, categories)
    return {"categories": categories, "page": listed(request, *topics.latest(who))}


def category(request: Request) -> dict[str, Any]:
    """A category's topics."""
    who = viewer(request)
    found = topics.category(request.db, request.matchdict["slug"], who)
    note_unread(request, [found])
    return {"category": found, "page": listed(request, *topics.of_category(found["id"], who))}


def mark_read(request: Request) -> HTTPSeeOther:
    """Everything in a category counts as read."""
    slug = request.matchdict["slug"]
    if not read_markers.mark_category(request.db, person(request).id, slug):
        raise Missing
    return notes.see_other(request, links.category(slug) + "?notice=read")


def new_topic(request: Request) -> dict[str, Any]:
    """The form for a new topic."""
    who = person(request)
    found = topics.category(request.db, request.matchdict["slug"], who)
    note_unread(request, [found])
    return {"category": found, "form": TopicForm(), "preview": None, "viewer": who}


def start_topic(request: Request) -> Any:
    """Open a topic, or show what it will look like."""
    who = person(request)
    found = topics.category(request.db, request.matchdict["slug"], who)
    form = TopicForm(request.POST)
    answer = written(
        request,
        form,
        lambda: writing.start_topic(
            request.db, found["slug"], who, form.title.data, form.body.data, rules(request)
        ),
    )
    if isinstance(answer, HTTPSeeOther):
        return answer
    note_unread(request, [found])
    return {"category": found, "form": form, "preview": answer, "viewer": who}


def own_posts(request: Request) -> dict[str, Any]:
    """What the person has written, newest first: where a login leads."""
    who = person(request)
    statement, order = posts.mine(who, rules(request).window(who))
    return {"page": listed(request, statement, order), "excerpt": plain}
