"""One post: edit it, see its history, remove and restore it, report it."""

from datetime import datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from sqlalchemy import RowMapping

from ...core.markdown import render
from ...web import notes
from ...web.numbers import bigint
from ...web.request import Request
from .. import diffs, flags, links, posts, writing
from ..forms import EditForm, FlagForm
from ..person import Missing, TooLate
from . import id_of, listed, note_unread, person, rules, viewer, written


def edit_page(request: Request) -> dict[str, Any]:
    """The form to change one's own post."""
    post = _editable(request)
    form = EditForm(body=post["body"], seen=str(post["edit_count"]))
    return {"post": post, "form": form, "preview": None, "until": _until(request, post)}


def edit(request: Request) -> Any:
    """Save the change, or show what it will look like."""
    post = _editable(request)
    form = EditForm(request.POST)

    def save() -> writing.Placed:
        body, reason, seen = form.body.data, form.reason.data, bigint(form.seen.data or "")
        return writing.edit(request.db, post["id"], person(request), body, reason, seen, rules(request))

    answer = written(request, form, save)
    if isinstance(answer, HTTPSeeOther):
        return answer
    return {"post": post, "form": form, "preview": answer, "until": _until(request, post)}


def _editable(request: Request) -> RowMapping:
    who = person(request)
    post = posts.own_post(request.db, id_of(request), who, rules(request).window(who))
    if post["removed_at"] is not None:
        raise Missing
    if not post["editable"]:
        raise TooLate
    note_unread(request, [post])
    return post


def _until(request: Request, post: RowMapping) -> datetime | None:
    """How long its author can change a post; None is for ever."""
    window = rules(request).window(person(request))
    return post["created_at"] + timedelta(seconds=window) if window else None


def history(request: Request) -> dict[str, Any]:
    """What each edit changed. Of a removed post it is there for who may see the post."""
    who = viewer(request)
    post = posts.post(request.db, id_of(request), who)
    note_unread(request, [post])
    moderator = who is not None and who.moderator
    statement, order = posts.history(post["id"], moderator)
    page = listed(request, statement, order, size=10)
    return {"post": post, "page": page, "compare": diffs.compare, "moderator": moderator}


def remove(request: Request) -> HTTPSeeOther:
    """Take one's own post out of sight, with a way back."""
    post = posts.remove(request.db, id_of(request), person(request))
    address = links.topic(post["topic_id"], post["topic_title"])
    return notes.see_other(request, f"{address}?post={post['id']}&notice=removed")


def restore(request: Request) -> HTTPSeeOther:
    """Bring back what one has removed oneself."""
    post = posts.restore(request.db, id_of(request), person(request))
    address = links.topic(post["topic_id"], post["topic_title"])
    return notes.see_other(request, f"{address}?post={post['id']}&notice=restored")


def flag_page(request: Request) -> dict[str, Any]:
    """The form to report a post."""
    post = flags.reportable(request.db, id_of(request), person(request))
    note_unread(request, [post])
    return {"post": post, "form": FlagForm(), "render": render}


def flag(request: Request) -> Any:
    """Report a post to the moderators."""
    who = person(request)
    post = flags.reportable(request.db, id_of(request), who)
    form = FlagForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
    elif flags.flag(request.db, post["id"], who, form.reason.data, form.text.data):
        address = links.topic(post["topic_id"], post["topic_title"])
        return notes.see_other(request, f"{address}?post={post['id']}&notice=flagged")
    else:
        form.form_errors.append(
            f"{flags.MOST_OPEN} reports of yours are waiting for a moderator. Send this one later; nothing is lost."
        )
        request.response.status_int = 429
        request.response.headers["Retry-After"] = "3600"
    note_unread(request, [post])
    return {"post": post, "form": form, "render": render}
