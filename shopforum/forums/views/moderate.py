"""The moderators' pages, and their public log."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from sqlalchemy import RowMapping

from ...core.markdown import plain, render
from ...web import notes
from ...web.request import Request
from .. import diffs, flags, links, moderation, posts, topics
from ..forms import CategoryForm, ModerateForm, ModerateTopicForm
from ..person import Missing, Person
from . import id_of, listed, note_unread, person, viewer

_POST_LABELS = {
    "hide": "Remove it",
    "show": "Restore it",
    "dismiss": "Leave it as it is",
}
_EDIT_LABELS = {
    "hide": "Hide what it said before",
    "show": "Show again what it said before",
}
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
    "hide_edit": "hid an earlier text of a post in",
    "show_edit": "showed again an earlier text of a post in",
}


def topic_page(request: Request) -> dict[str, Any]:
    """What can be done with a topic."""
    topic = topics.topic(request.db, id_of(request), person(request))
    note_unread(request, [topic])
    return {"topic": topic, "form": _topic_form(request, topic)}


def moderate_topic(request: Request) -> Any:
    """Pin, lock, hide or move a topic."""
    who = person(request)
    found = topics.topic(request.db, id_of(request), who)
    form = _topic_form(request, found)
    if not _acceptable(request, form, _TOPIC_LABELS):
        return {"topic": found, "form": form}
    if form.act.data == "move":
        moderation.move_topic(request.db, found["id"], who, int(form.category.data), form.reason.data)
    else:
        moderation.change_topic(request.db, found["id"], who, form.act.data, form.reason.data)
    return notes.see_other(request, links.topic(found["id"], found["title"]) + "?notice=moderated")


def _acceptable(request: Request, form: ModerateForm, labels: dict[str, str]) -> bool:
    """Whether a form can be acted on. What can be done at other times, but not now, somebody else did meanwhile: 409."""
    if form.validate():
        return True
    late = form.act.data in labels and form.act.data not in form.act.choices
    if late:
        form.act.errors = ["It has changed meanwhile: this is what can be done now."]
    request.response.status_int = 409 if late else 422
    return False


def _topic_form(request: Request, topic: RowMapping) -> ModerateTopicForm:
    """The form with what makes sense for the topic as it is."""
    form = ModerateTopicForm(request.POST or request.typed, category=str(topic["category_id"]))
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
    if not _acceptable(request, form, _POST_LABELS):
        return values
    acts = {"hide": moderation.hide_post, "show": moderation.show_post, "dismiss": moderation.dismiss_flags}
    acts[form.act.data](request.db, found["id"], who, form.reason.data)
    if values["reports"]:
        return notes.see_other(request, "/moderation/flags?notice=moderated")
    address = links.topic(found["topic_id"], found["topic_title"])
    return notes.see_other(request, f"{address}?post={found['id']}&notice=moderated")


def _post_values(request: Request, who: Person) -> dict[str, Any]:
    found = posts.post(request.db, id_of(request), who)
    note_unread(request, [found])
    reports = flags.of_post(request.db, found["id"])
    form = ModerateForm(request.POST or request.typed)
    # What its author took away can be removed, too: then the author cannot bring it back.
    possible = {
        "hide": found["removed_by"] != "moderator",
        "show": found["removed_by"] is not None,
        "dismiss": bool(reports),
    }
    form.act.choices = {act: label for act, label in _POST_LABELS.items() if possible[act]}
    return {"post": found, "reports": reports, "form": form, "render": render, "reasons": flags.REASONS}


def edit_page(request: Request) -> dict[str, Any]:
    """An edit of a post: what it changed, and whether that is to be seen."""
    return _edit_values(request)


def moderate_edit(request: Request) -> Any:
    """Hide what a post said before an edit, or show it again."""
    values = _edit_values(request)
    form, found = values["form"], values["edit"]
    if not _acceptable(request, form, _EDIT_LABELS):
        return values
    act = moderation.hide_edit if form.act.data == "hide" else moderation.show_edit
    act(request.db, found["id"], person(request), form.reason.data)
    return notes.see_other(request, f"/posts/{values['post']['id']}/history?notice=moderated")


def _edit_values(request: Request) -> dict[str, Any]:
    found = posts.post(request.db, id_of(request), person(request))
    note_unread(request, [found])
    edit = posts.edited(request.db, found["id"], int(request.matchdict["edit"]))
    form = ModerateForm(request.POST or request.typed)
    act = "show" if edit["hidden"] else "hide"
    form.act.choices = {act: _EDIT_LABELS[act]}
    return {"post": found, "edit": edit, "form": form, "compare": diffs.compare}


def queue(request: Request) -> dict[str, Any]:
    """The posts that were reported, the longest waiting first."""
    page = listed(request, *flags.queue(), descending=False)
    return {"page": page, "excerpt": plain, "reasons": flags.REASONS}


def categories_page(request: Request) -> dict[str, Any]:
    """The categories, and the form for another."""
    return _categories(request, CategoryForm())


def add_category(request: Request) -> Any:
    """Add a category."""
    form = CategoryForm(request.POST)
    if form.validate():
        slug = topics.add_category(request.db, form.name.data, form.description.data)
        if slug is not None:
            return HTTPSeeOther(links.category(slug))
        form.name.errors = ["There is a category with that name, or nearly that."]
    request.response.status_int = 422
    return _categories(request, form)


def _categories(request: Request, form: CategoryForm) -> dict[str, Any]:
    rows = topics.all_categories(request.db, person(request))
    note_unread(request, rows)
    return {"categories": rows, "form": form}


def category_page(request: Request) -> dict[str, Any]:
    """The form to rename a category."""
    found = topics.category(request.db, request.matchdict["slug"], person(request))
    note_unread(request, [found])
    return {"category": found, "form": CategoryForm(name=found["name"], description=found["description"])}


def rename_category(request: Request) -> Any:
    """Give a category another name and description; its address stays."""
    slug = request.matchdict["slug"]
    form = CategoryForm(request.POST)
    if form.validate():
        if not topics.rename_category(request.db, slug, form.name.data, form.description.data):
            raise Missing
        return notes.see_other(request, links.category(slug) + "?notice=renamed")
    request.response.status_int = 422
    return {"category": topics.category(request.db, slug, person(request)), "form": form}


def log(request: Request) -> dict[str, Any]:
    """What moderators did and why. The title of a hidden topic is for moderators."""
    who = viewer(request)
    return {
        "page": listed(request, *moderation.log()),
        "labels": LOG_LABELS,
        "moderator": who is not None and who.moderator,
    }
