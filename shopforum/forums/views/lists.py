"""The homepage, a category, a new topic, one's own posts."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request

from ... import paging
from ...markdown import plain, render
from .. import links, posts, reading, topics, writing
from ..forms import TopicForm
from ..people import Missing, TooSoon
from . import person, too_soon, viewer


def home(request: Request) -> dict[str, Any]:
    """The categories, and the topics of all of them by their last post."""
    statement, order = topics.latest(viewer(request))
    page = paging.page(request, statement, *order)
    return {"categories": topics.all_categories(request.db), "page": page}


def category(request: Request) -> dict[str, Any]:
    """A category's topics."""
    found = topics.category(request.db, request.matchdict["slug"])
    statement, order = topics.of_category(found["id"], viewer(request))
    return {"category": found, "page": paging.page(request, statement, *order)}


def mark_read(request: Request) -> HTTPSeeOther:
    """Everything in a category counts as read."""
    slug = request.matchdict["slug"]
    if not reading.mark_category(request.db, person(request).id, slug):
        raise Missing
    return HTTPSeeOther(links.category(slug) + "?notice=read")


def new_topic(request: Request) -> dict[str, Any]:
    """The form for a new topic."""
    found = topics.category(request.db, request.matchdict["slug"])
    return {"category": found, "form": TopicForm(), "preview": None}


def start_topic(request: Request) -> Any:
    """Open a topic, or show what it will look like."""
    found = topics.category(request.db, request.matchdict["slug"])
    form = TopicForm(request.POST)
    preview = None
    if not form.validate():
        request.response.status_int = 422
    elif "preview" in request.POST:
        preview = render(form.body.data)
    else:
        try:
            placed = writing.start_topic(
                request.db,
                found["slug"],
                person(request),
                form.title.data,
                form.body.data,
                request.registry.post_delay,
            )
            return HTTPSeeOther(placed.url)
        except TooSoon as error:
            too_soon(request, form, error)
    return {"category": found, "form": form, "preview": preview}


def own_posts(request: Request) -> dict[str, Any]:
    """What the person has written, newest first: where a login leads."""
    statement, order = posts.mine(person(request))
    return {"page": paging.page(request, statement, *order), "excerpt": plain}
