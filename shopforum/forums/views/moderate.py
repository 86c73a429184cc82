"""The moderators' pages, and the public log of their acts."""

from contextlib import suppress
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from webob.multidict import MultiDict

from ...core.markdown import plain, render
from ...web import notes
from ...web.numbers import bigint
from ...web.request import Request
from .. import diffs, links, moderation, posts, reports, topics
from ..forms import CategoryForm, ModerateForm, ModerateTopicForm
from ..person import Person
from ..refusals import Missing
from ..topics import Topic
from . import id_of, is_moderator, listed, note_counts, person, suspended, viewer

_POST_LABELS = {
    "hide": "Remove it",
    "show": "Restore it",
    "dismiss": "Leave it as it is",
}
_EDIT_LABELS = {
    "hide": "Hide the earlier text",
    "show": "Show the earlier text again",
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
    """Show the form to moderate a topic."""
    topic = topics.topic(request.site_db, id_of(request), person(request))
    note_counts(request, topic)
    return {"topic": topic, "form": _topic_form(request, topic)}


def moderate_topic(request: Request) -> Any:
    """Pin, lock, hide or move a topic."""
    who = person(request)
    found = topics.topic(request.site_db, id_of(request), who)
    form = _topic_form(request, found)
    if not _acceptable(request, form, _TOPIC_LABELS):
        return {"topic": found, "form": form}
    if form.act.data == "move":
        moderation.move_topic(request.site_db, found.id, who, int(form.category.data), form.reason.data)
    else:
        moderation.change_topic(request.site_db, found.id, who, form.act.data, form.reason.data)
    return notes.see_other(request, links.topic(found.id, found.title) + "?notice=moderated")


def _acceptable(request: Request, form: ModerateForm, labels: dict[str, str]) -> bool:
    """Return whether a form is valid.

    If another moderator has done the same act meanwhile, the act is no choice any more: the response is 409.
    """
    if form.validate():
        return True
    late = form.act.data in labels and form.act.data not in form.act.choices
    if late:
        form.act.errors = ["This has changed meanwhile. Choose one of the current options."]
    request.response.status_int = 409 if late else 422
    return False


def _topic_form(request: Request, topic: Topic) -> ModerateTopicForm:
    """Return the form with the acts that are possible in the topic's current state."""
    form = ModerateTopicForm(request.POST or request.typed, category=str(topic.category_id))
    acts = moderation.TOPIC_ACTS.items()
    possible = [act for act, (column, value) in acts if getattr(topic, column) != value]
    form.act.choices = {act: _TOPIC_LABELS[act] for act in (*possible, "move")}
    categories = topics.all_categories(request.site_db)
    form.category.choices = {str(category.id): category.name for category in categories}
    return form


def post_page(request: Request) -> dict[str, Any]:
    """Show a post, its reports, and the form to moderate it."""
    return _post_values(request, person(request))


def moderate_post(request: Request) -> Any:
    """Remove a post, restore it, or leave it as it is and settle its reports."""
    who = person(request)
    values = _post_values(request, who)
    form, found = values["form"], values["post"]
    if not _acceptable(request, form, _POST_LABELS):
        return values
    acts = {
        "hide": moderation.hide_post,
        "show": moderation.show_post,
        "dismiss": moderation.dismiss_reports,
    }
    acts[form.act.data](request.site_db, found.id, who, form.reason.data)
    if values["reports"]:
        return notes.see_other(request, "/moderation/flags?notice=moderated")
    address = links.topic(found.topic_id, found.topic_title)
    return notes.see_other(request, f"{address}?post={found.id}&notice=moderated")


def _post_values(request: Request, who: Person) -> dict[str, Any]:
    found = posts.post(request.site_db, id_of(request), who)
    note_counts(request, found)
    open_reports = reports.of_post(request.site_db, found.id)
    form = ModerateForm(request.POST or request.typed)
    # A moderator can remove a post that its author has removed: then the author cannot restore it.
    possible = {
        "hide": found.removed_by != "moderator",
        "show": found.removed_by is not None,
        "dismiss": bool(open_reports),
    }
    form.act.choices = {act: label for act, label in _POST_LABELS.items() if possible[act]}
    return {
        "post": found,
        "suspended": suspended(request, who, [found.author_id]),
        "reports": open_reports,
        "form": form,
        "render": render,
        "reasons": reports.REASONS,
    }


def edit_page(request: Request) -> dict[str, Any]:
    """Show an edit of a post, and the form to hide its earlier text or show it again."""
    return _edit_values(request)


def moderate_edit(request: Request) -> Any:
    """Hide the text before an edit, or show it again."""
    values = _edit_values(request)
    form, found = values["form"], values["edit"]
    if not _acceptable(request, form, _EDIT_LABELS):
        return values
    act = moderation.hide_edit if form.act.data == "hide" else moderation.show_edit
    act(request.site_db, found.id, person(request), form.reason.data)
    return notes.see_other(request, f"/posts/{values['post'].id}/history?notice=moderated")


def _edit_values(request: Request) -> dict[str, Any]:
    found = posts.post(request.site_db, id_of(request), person(request))
    note_counts(request, found)
    edit = posts.edited(request.site_db, found.id, int(request.matchdict["edit"]))
    form = ModerateForm(request.POST or request.typed)
    act = "show" if edit.hidden else "hide"
    form.act.choices = {act: _EDIT_LABELS[act]}
    return {"post": found, "edit": edit, "form": form, "compare": diffs.compare}


def queue(request: Request) -> dict[str, Any]:
    """Show the reported posts, the longest waiting first."""
    return _queue_values(request, _queue_form(request), _ticked(request.typed))


def settle(request: Request) -> Any:
    """Remove or keep all selected posts, with one reason. A post that another moderator has settled meanwhile is left alone."""
    form = _queue_form(request)
    ticked = _ticked(request.POST)
    if not form.validate() or not ticked:
        if not ticked:
            form.form_errors.append("Select the posts first.")
        request.response.status_int = 422
        return _queue_values(request, form, ticked)
    who = person(request)
    act = moderation.hide_post if form.act.data == "hide" else moderation.dismiss_reports
    for post_id in sorted(ticked):
        with suppress(Missing):
            act(request.site_db, post_id, who, form.reason.data)
    return notes.see_other(request, "/moderation/flags?notice=moderated")


def _ticked(fields: MultiDict[str] | None) -> set[int]:
    """Return the ids of the selected posts, also of a form that was saved over a login."""
    return {bigint(value) or 0 for value in fields.getall("post")} if fields else set()


def _queue_form(request: Request) -> ModerateForm:
    form = ModerateForm(request.POST or request.typed)
    form.act.choices = {"hide": "Remove them", "dismiss": "Keep them"}
    form.reason.render_kw = {**(form.reason.render_kw or {}), "list": "reasons"}
    return form


def _queue_values(request: Request, form: ModerateForm, ticked: set[int]) -> dict[str, Any]:
    who = person(request)
    page = listed(request, reports.queue(who))
    return {
        "page": page,
        "suspended": suspended(request, who, (post.author_id for post in page.rows)),
        "form": form,
        "ticked": ticked,
        "excerpt": plain,
        "reasons": reports.REASONS,
        "removals": reports.REMOVAL_REASONS,
    }


def categories_page(request: Request) -> dict[str, Any]:
    """Show the categories, and the form for a new one."""
    return _categories(request, CategoryForm())


def add_category(request: Request) -> Any:
    """Add a category."""
    form = CategoryForm(request.POST)
    if form.validate():
        slug = topics.add_category(request.site_db, form.name.data, form.description.data)
        if slug is not None:
            return HTTPSeeOther(links.category(slug))
        form.name.errors = ["A category with this name, or a very similar one, exists already."]
    request.response.status_int = 422
    return _categories(request, form)


def _categories(request: Request, form: CategoryForm) -> dict[str, Any]:
    categories = topics.all_categories(request.site_db, person(request))
    if categories:
        note_counts(request, categories[0])
    return {"categories": categories, "form": form}


def category_page(request: Request) -> dict[str, Any]:
    """Show the form to rename a category."""
    found = topics.category(request.site_db, request.matchdict["slug"], person(request))
    note_counts(request, found)
    return {"category": found, "form": CategoryForm(name=found.name, description=found.description)}


def rename_category(request: Request) -> Any:
    """Change the name and the description of a category; its address stays."""
    slug = request.matchdict["slug"]
    form = CategoryForm(request.POST)
    if form.validate():
        if not topics.rename_category(request.site_db, slug, form.name.data, form.description.data):
            raise Missing
        return notes.see_other(request, links.category(slug) + "?notice=renamed")
    request.response.status_int = 422
    return {"category": topics.category(request.site_db, slug, person(request)), "form": form}


def log(request: Request) -> dict[str, Any]:
    """Show the acts of moderators with their reasons. Only moderators see the title of a hidden topic."""
    who = viewer(request)
    page = listed(request, moderation.log(who))
    return {"page": page, "labels": LOG_LABELS, "moderator": is_moderator(who)}
