"""A topic and the replies to it."""

from typing import Any

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPSeeOther

from ...core.markdown import render
from ...core.personal import DELETED_NAME
from ...sessions import is_prefetch
from ...web import caching, notes
from ...web.contributions import Notice, Undo
from ...web.numbers import bigint
from ...web.request import Request
from .. import links, posts, read_markers, topics, writing
from ..forms import ReplyForm
from ..paging import Part
from ..person import Person
from ..posts import PostOnPage
from ..refusals import Locked
from ..topics import Topic
from . import id_of, note_counts, numbered, page_number, person, settings, suspended, viewer, written


def show(request: Request) -> Any:
    """Show a page of a topic: `?page=`, the one with `?post=`, or the first one with new posts for `?unread=1`.

    `?quote=` fills the form with a quotation of that post.
    """
    caching.mark_public(request)
    who = viewer(request)
    topic = topics.topic(request.site_db, id_of(request), who)
    address = links.topic(topic.id, topic.title)
    if request.path != address:
        return HTTPMovedPermanently(f"{address}?{request.query_string}".rstrip("?"))
    values = _values(request, topic, who, _wanted_page(request, topic))
    values["form"] = ReplyForm()
    values["form"].body.data = _quotation(request, topic, values["posts"])
    values["quoted"] = bool(values["form"].body.data)
    notice = _removed_notice(request, values["posts"], who)
    if notice:
        values["notice"] = notice
    _note_read(request, topic, who, values["posts"])
    return values


def reply(request: Request) -> Any:
    """Add a post, or show a preview of it."""
    who = person(request)
    topic = topics.topic(request.site_db, id_of(request), who)
    if topic.locked and not who.moderator:
        raise Locked
    form = ReplyForm(request.POST)
    answer = written(
        request,
        form,
        lambda: writing.reply(request.site_db, topic.id, who, form.body.data, settings(request)),
    )
    if isinstance(answer, HTTPSeeOther):
        return answer
    values = _values(request, topic, who, posts.page_of(topic.post_count))
    return {**values, "form": form, "preview": answer}


def _values(request: Request, topic: Topic, who: Person | None, page: int) -> dict[str, Any]:
    """Return the values of the template, except for the form."""
    note_counts(request, topic)
    shown = posts.on_page(request.site_db, topic.id, page, who, settings(request).window(who))
    return {
        "topic": topic,
        "posts": shown,
        "page": numbered(
            request, links.topic(topic.id, topic.title), Part(shown, page, posts.page_of(topic.post_count))
        ),
        "viewer": who,
        "suspended": suspended(request, who, (post.author_id for post in shown)),
        "may_reply": who is not None and (who.moderator or not topic.locked),
        "preview": None,
        "quoted": False,
        "render": render,
    }


def _wanted_page(request: Request, topic: Topic) -> int:
    """Return the page that the query asks for; the first one for a senseless query.

    Raises Missing for a post of another topic.
    """
    post_id = bigint(request.GET.get("post", ""))
    if post_id is not None:
        return posts.page_of(posts.number_of(request.site_db, topic.id, post_id))
    if "unread" in request.GET:
        return posts.page_of(topic.first_unread or topic.post_count)
    return min(page_number(request), posts.page_of(topic.post_count))


def _quotation(request: Request, topic: Topic, shown: list[PostOnPage]) -> str:
    """Return a quotation of the post that the query names, as Markdown with a link; "" if it is not on the page."""
    post_id = bigint(request.GET.get("quote", ""))
    quoted = next((post for post in shown if post.id == post_id and post.removed_at is None), None)
    if quoted is None:
        return ""
    address = request.site.url + links.post(topic.id, topic.title, quoted.id)
    lines = "\n".join(f"> {line}".rstrip() for line in quoted.body.split("\n"))
    # The handle mentions the quoted author. A name could contain Markdown.
    author = DELETED_NAME if links.is_nobodys(quoted.handle) else f"@{quoted.handle}"
    return f"{author} [wrote]({address}):\n\n{lines}\n\n"


def _removed_notice(request: Request, shown: list[PostOnPage], who: Person | None) -> Notice | None:
    """Return the notice with the undo button, on the page that follows a removal."""
    post_id = bigint(request.GET.get("post", ""))
    if who is None or notes.said(request).get("notice") != "removed":
        return None
    if not any(post.id == post_id and post.author_id == who.id for post in shown):
        return None
    return Notice("success", "Your post is removed.", Undo(f"/posts/{post_id}/restore", "Undo"))


def _note_read(request: Request, topic: Topic, who: Person | None, shown: list[PostOnPage]) -> None:
    """Move the viewer's marker to the last post on the page. A page that the browser has prefetched is not read yet."""
    news = topic.has_message or (shown and shown[-1].number > topic.read_to)
    if who and shown and news and not is_prefetch(request):
        read_markers.mark_topic(request.site_db, who.id, topic.id, shown[-1].number)
