"""The moderators' pages, and their public log."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import RowMapping

from ... import paging
from ...markdown import plain, render
from .. import flags, links, moderation, posts, topics
from ..forms import CategoryForm, ModerateForm, ModerateTopicForm
from ..people import Person
from . import id_of, person, viewer

_TOPIC_LABELS = {
    "pin": "Pin it to the top of its category",
    "unpin": "Unpin it",
    "lock": "Lock it: no more replies",
    "unlock": "Unlock it",
    "hide": "Hide it from everybody",
    "show": "Show it again",
    "move": "Move it to another category",
}
LOG_LABELS = {
    "pin": "pinned",
    "unpin": "unpinned",
    "lock": "locked",
    "unlock": "unlocked",
    "hide": "hid",
    "show": "showed again",
    "move": "moved",
    "hide_post": "removed a post in",
    "show_post": "restored a post in",
    "dismiss_flags": "left a reported post in",
}


def topic_page(request: Request) -> dict[str, Any]:
    """What can be done with a topic."""
    topic = topics.topic(request.db, id_of(request), person(request))
    return {"topic": topic, "form": _topic_form(request, topic)}


def moderate_topic(request: Request) -> Any:
    """Pin, lock, hide or move a topic."""
    who = person(request)
    found = topics.topic(request.db, id_of(request), who)
    form = _topic_form(request, found)
    if not form.validate():
        request.response.status_int = 422
        return {"topic": found, "form": form}
    if form.act.data == "move":
        moderation.move_topic(request.db, found["id"], who, int(form.category.data), form.reason.data)
    else:
        moderation.change_topic(request.db, found["id"], who, form.act.data, form.reason.data)
    return HTTPSeeOther(links.topic(found["id"], found["title"]) + "?notice=moderated")


def _topic_form(request: Request, topic: RowMapping) -> ModerateTopicForm:
    """The form with what makes sense for the topic as it is."""
    form = ModerateTopicForm(request.POST, category=str(topic["category_id"]))
    possible = [act for act, (column, value) in moderation.TOPIC_ACTS.items() if topic[column] != value]
    form.act.choices = {act: _TOPIC_LABELS[act] for act in (*possible, "move")}
    form.category.choices = {str(row["id"]): row["name"] for row in topics.all_categories(request.db)}
    return form


def post_page(request: Request) -> dict[str, Any]:
    """A post, what was reported about it, and what can be done."""
    return _post_values(request, person(request))


def moderate_post(request: Request) -> Any:
    """Remove a post, restore it, or leave it and settle the reports."""
    who = person(request)
    values = _post_values(request, who)
    form, found = values["form"], values["post"]
    if not form.validate():
        request.response.status_int = 422
        return values
    acts = {"hide": moderation.hide_post, "show": moderation.show_post, "dismiss": moderation.dismiss_flags}
    acts[form.act.data](request.db, found["id"], who, form.reason.data)
    if values["reports"]:
        return HTTPSeeOther("/moderation/flags?notice=moderated")
    address = links.topic(found["topic_id"], found["topic_title"])
    return HTTPSeeOther(f"{address}?post={found['id']}&notice=moderated")


def _post_values(request: Request, who: Person) -> dict[str, Any]:
    found = posts.post(request.db, id_of(request), who)
    reports = flags.of_post(request.db, found["id"])
    form = ModerateForm(request.POST)
    choices = {"show": "Restore it"} if found["removed_at"] else {"hide": "Remove it"}
    if reports:
        choices["dismiss"] = "Leave it as it is"
    form.act.choices = choices
    return {"post": found, "reports": reports, "form": form, "render": render, "reasons": flags.REASONS}


def queue(request: Request) -> dict[str, Any]:
    """The posts that were reported, the longest waiting first."""
    statement, order = flags.queue()
    page = paging.page(request, statement, *order, descending=False)
    return {"page": page, "excerpt": plain, "reasons": flags.REASONS}


def categories_page(request: Request) -> dict[str, Any]:
    """The categories, and the form for another."""
    return {"categories": topics.all_categories(request.db), "form": CategoryForm()}


def add_category(request: Request) -> Any:
    """Add a category."""
    form = CategoryForm(request.POST)
    if form.validate():
        slug = topics.add_category(request.db, form.name.data, form.description.data)
        if slug is not None:
            return HTTPSeeOther(links.category(slug))
        form.name.errors = ["There is a category with that name, or nearly that."]
    request.response.status_int = 422
    return {"categories": topics.all_categories(request.db), "form": form}


def log(request: Request) -> dict[str, Any]:
    """What moderators did and why. The title of a hidden topic is for moderators."""
    statement, order = moderation.log()
    who = viewer(request)
    return {
        "page": paging.page(request, statement, *order),
        "labels": LOG_LABELS,
        "moderator": who is not None and who.moderator,
    }
