"""The pages of one post: edit, history, remove and restore, report."""

from datetime import datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from ...core.markdown import render
from ...web import notes
from ...web.numbers import bigint
from ...web.request import Request
from .. import diffs, links, posts, reports, writing
from ..forms import EditForm, ReportForm
from ..posts import Post
from ..refusals import Missing, TooLate
from . import id_of, is_moderator, listed, note_counts, person, settings, viewer, written


def edit_page(request: Request) -> dict[str, Any]:
    """Show the form to edit the person's own post."""
    post = _editable(request)
    form = EditForm(body=post.body, seen=str(post.edit_count))
    return {"post": post, "form": form, "preview": None, "until": _until(request, post)}


def edit(request: Request) -> Any:
    """Save the edit, or show a preview of it."""
    post = _editable(request)
    form = EditForm(request.POST)

    def save() -> writing.Placed:
        body, reason, seen = form.body.data, form.reason.data, bigint(form.seen.data or "")
        return writing.edit(request.site_db, post.id, person(request), body, reason, seen, settings(request))

    answer = written(request, form, save)
    if isinstance(answer, HTTPSeeOther):
        return answer
    return {"post": post, "form": form, "preview": answer, "until": _until(request, post)}


def _editable(request: Request) -> Post:
    who = person(request)
    post = posts.own_post(request.site_db, id_of(request), who, settings(request).window(who))
    if post.removed_at is not None:
        raise Missing
    if not post.editable:
        raise TooLate
    note_counts(request, post)
    return post


def _until(request: Request, post: Post) -> datetime | None:
    """Return the instant until which the author can edit a post; None is for ever."""
    window = settings(request).window(person(request))
    return post.created_at + timedelta(seconds=window) if window else None


def history(request: Request) -> dict[str, Any]:
    """Show the changes of each edit, to everybody who may see the post."""
    who = viewer(request)
    post = posts.post(request.site_db, id_of(request), who)
    note_counts(request, post)
    page = listed(request, posts.history(post.id, who))
    return {"post": post, "page": page, "compare": diffs.compare, "moderator": is_moderator(who)}


def remove(request: Request) -> HTTPSeeOther:
    """Remove the person's own post, and offer to undo it."""
    post = posts.remove(request.site_db, id_of(request), person(request))
    return _back_to_topic(request, post, "removed")


def restore(request: Request) -> HTTPSeeOther:
    """Restore a post that the person has removed."""
    post = posts.restore(request.site_db, id_of(request), person(request))
    return _back_to_topic(request, post, "restored")


def report_page(request: Request) -> dict[str, Any]:
    """Show the form to report a post."""
    post = reports.reportable(request.site_db, id_of(request), person(request))
    note_counts(request, post)
    return {"post": post, "form": ReportForm(), "render": render}


def report(request: Request) -> Any:
    """Report a post to the moderators."""
    who = person(request)
    post = reports.reportable(request.site_db, id_of(request), who)
    form = ReportForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
    elif reports.report(request.site_db, post.id, who, form.reason.data, form.text.data):
        return _back_to_topic(request, post, "flagged")
    else:
        form.form_errors.append(
            f"{reports.MOST_OPEN} of your reports are waiting for a moderator. Send this one later; nothing is lost."
        )
        request.response.status_int = 429
        request.response.headers["Retry-After"] = "3600"
    note_counts(request, post)
    return {"post": post, "form": form, "render": render}


def _back_to_topic(request: Request, post: Post, notice: str) -> HTTPSeeOther:
    address = links.topic(post.topic_id, post.topic_title)
    return notes.see_other(request, f"{address}?post={post.id}&notice={notice}")
