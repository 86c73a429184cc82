"""One post: edit it, see its history, remove and restore it, report it."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther
from pyramid.request import Request
from sqlalchemy import RowMapping

from ... import paging
from ...markdown import render
from .. import diffs, flags, links, posts, writing
from ..forms import EditForm, FlagForm
from ..people import Missing, Stale, TooSoon
from . import id_of, number, person, too_soon, viewer


def edit_page(request: Request) -> dict[str, Any]:
    """The form to change one's own post."""
    post = _editable(request)
    return {"post": post, "form": EditForm(body=post["body"], seen=str(post["edit_count"])), "preview": None}


def edit(request: Request) -> Any:
    """Save the change, or show what it will look like."""
    post = _editable(request)
    form = EditForm(request.POST)
    preview = None
    if not form.validate():
        request.response.status_int = 422
    elif "preview" in request.POST:
        preview = render(form.body.data)
    else:
        try:
            return HTTPSeeOther(_save(request, post["id"], form).url)
        except TooSoon as error:
            too_soon(request, form, error)
        except Stale:
            form.form_errors.append(
                "The post was changed after you opened it, perhaps in another window. Yours is below; open the post"
                " anew to see the other."
            )
            request.response.status_int = 409
    return {"post": post, "form": form, "preview": preview}


def _save(request: Request, post_id: int, form: EditForm) -> writing.Placed:
    return writing.edit(
        request.db,
        post_id,
        person(request),
        form.body.data,
        form.reason.data,
        number(form.seen.data or ""),
        request.registry.post_delay,
    )


def _editable(request: Request) -> RowMapping:
    post = posts.own_post(request.db, id_of(request), person(request))
    if post["removed_at"] is not None:
        raise Missing
    return post


def history(request: Request) -> dict[str, Any]:
    """What each edit changed. Of a removed post it is there for who may see the post."""
    post = posts.post(request.db, id_of(request), viewer(request))
    statement, order = posts.history(post["id"])
    return {"post": post, "page": paging.page(request, statement, *order, size=10), "compare": diffs.compare}


def remove(request: Request) -> HTTPSeeOther:
    """Take one's own post out of sight, with a way back."""
    post = posts.remove(request.db, id_of(request), person(request))
    address = links.topic(post["topic_id"], post["topic_title"])
    return HTTPSeeOther(f"{address}?post={post['id']}&notice=removed")


def restore(request: Request) -> HTTPSeeOther:
    """Bring back what one has removed oneself."""
    post = posts.restore(request.db, id_of(request), person(request))
    address = links.topic(post["topic_id"], post["topic_title"])
    return HTTPSeeOther(f"{address}?post={post['id']}&notice=restored#post-{post['id']}")


def flag_page(request: Request) -> dict[str, Any]:
    """The form to report a post."""
    return {
        "post": flags.reportable(request.db, id_of(request), person(request)),
        "form": FlagForm(),
        "render": render,
    }


def flag(request: Request) -> Any:
    """Report a post to the moderators."""
    who = person(request)
    post = flags.reportable(request.db, id_of(request), who)
    form = FlagForm(request.POST)
    if not form.validate():
        request.response.status_int = 422
        return {"post": post, "form": form, "render": render}
    flags.flag(request.db, post["id"], who, form.reason.data, form.text.data)
    address = links.topic(post["topic_id"], post["topic_title"])
    return HTTPSeeOther(f"{address}?post={post['id']}&notice=flagged")
