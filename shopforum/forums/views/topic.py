"""A topic and the replies to it."""

from typing import Any

from pyramid.httpexceptions import HTTPMovedPermanently, HTTPSeeOther
from sqlalchemy import RowMapping

from ...core.markdown import render
from ...core.paging import Page
from ...web import notes
from ...web.contributions import Notice, Undo
from ...web.numbers import bigint
from ...web.request import Request
from .. import links, posts, read_markers, topics, writing
from ..forms import ReplyForm
from ..person import Locked, Person
from . import id_of, note_unread, person, rules, viewer, written


def show(request: Request) -> Any:
    """A page of a topic: `?page=`, the one with `?post=`, or the first with `?unread=1`. `?quote=` fills the form."""
    who = viewer(request)
    topic = topics.topic(request.db, id_of(request), who)
    address = links.topic(topic["id"], topic["title"])
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
    """Add a post, or show what it will look like."""
    who = person(request)
    topic = topics.topic(request.db, id_of(request), who)
    if topic["locked"] and not who.moderator:
        raise Locked
    form = ReplyForm(request.POST)
    answer = written(
        request, form, lambda: writing.reply(request.db, topic["id"], who, form.body.data, rules(request))
    )
    if isinstance(answer, HTTPSeeOther):
        return answer
    values = _values(request, topic, who, posts.page_of(topic["post_count"]))
    return {**values, "form": form, "preview": answer}


def _values(request: Request, topic: RowMapping, who: Person | None, page: int) -> dict[str, Any]:
    """What the template needs, but for the form."""
    note_unread(request, [topic])
    last = posts.page_of(topic["post_count"])
    address = links.topic(topic["id"], topic["title"])
    before = f"{address}?page={page - 1}" if page > 1 else None
    after = f"{address}?page={page + 1}" if page < last else None
    return {
        "topic": topic,
        "posts": posts.on_page(
            request.db, topic["id"], page, rules(request).window(who), who is not None and who.moderator
        ),
        "page": Page([], None, None, after, before),
        "page_number": page,
        "pages": last,
        "viewer": who,
        "may_reply": who is not None and (who.moderator or not topic["locked"]),
        "preview": None,
        "quoted": False,
        "render": render,
    }


def _wanted_page(request: Request, topic: RowMapping) -> int:
    """The page that the query asks for. What makes no sense asks for the first. Raises Missing for a foreign post."""
    post_id = bigint(request.GET.get("post", ""))
    if post_id is not None:
        return posts.page_of(posts.number_of(request.db, topic["id"], post_id))
    if "unread" in request.GET:
        return posts.page_of(topic["first_unread"] or topic["post_count"])
    page = bigint(request.GET.get("page", "")) or 1
    return min(page, posts.page_of(topic["post_count"]))


def _quotation(request: Request, topic: RowMapping, shown: list[RowMapping]) -> str:
    """The text of the post to quote, as Markdown with a link back; nothing where it is not on the page."""
    post_id = bigint(request.GET.get("quote", ""))
    quoted = next((post for post in shown if post["id"] == post_id and post["removed_at"] is None), None)
    if quoted is None:
        return ""
    address = request.site.url + links.post(topic["id"], topic["title"], quoted["id"])
    lines = "\n".join(f"> {line}".rstrip() for line in quoted["body"].split("\n"))
    # The handle tells whoever is quoted; a name could hold marks of Markdown.
    return f"@{quoted['handle']} [wrote]({address}):\n\n{lines}\n\n"


def _removed_notice(request: Request, shown: list[RowMapping], who: Person | None) -> Notice | None:
    """The way back, on the page that follows a removal."""
    post_id = bigint(request.GET.get("post", ""))
    if who is None or notes.said(request).get("notice") != "removed":
        return None
    if not any(post["id"] == post_id and post["author_id"] == who.id for post in shown):
        return None
    return Notice("success", "Your post is removed.", Undo(f"/posts/{post_id}/restore", "Undo"))


def _note_read(request: Request, topic: RowMapping, who: Person | None, shown: list[RowMapping]) -> None:
    """Move the reader's pointer to the last post on the page; a page fetched ahead of time is not read yet."""
    prefetch = "prefetch" in request.headers.get("Sec-Purpose", "")
    news = topic["told"] or (shown and shown[-1]["number"] > topic["read_to"])
    if who and shown and news and not prefetch:
        read_markers.mark_topic(request.db, who.id, topic["id"], shown[-1]["number"])
