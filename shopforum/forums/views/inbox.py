"""The inbox: replies, mentions, acts of moderators, and security notices."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from ...core.markdown import plain
from ...web import notes
from ...web.numbers import bigint
from ...web.request import Request
from .. import inbox
from ..refusals import Missing
from . import UNREAD, id_of, listed, person


def show(request: Request) -> dict[str, Any]:
    """Show the messages, all or with `?show=unread` the unread ones; the first page has the security notices too."""
    me = person(request)
    unread = request.GET.get("show") == "unread"
    page = listed(request, inbox.messages(me, unread))
    notices = [] if page.number > 1 else inbox.security(request.db, me)
    shown = [notice for notice in notices if notice.unread or not unread]
    if not page.rows:
        request.environ[UNREAD] = sum(notice.unread for notice in notices)
    return {
        "page": page,
        "unread": unread,
        "count": request.environ[UNREAD],
        "notices": shown,
        "newest": max((message.id for message in page.rows), default=0),
        "newest_notice": max((notice.id for notice in notices), default=0),
        "acts": inbox.ACTS,
        "security": inbox.SECURITY,
        "excerpt": plain,
    }


def read(request: Request) -> HTTPSeeOther:
    """Mark one message as read."""
    if not inbox.read(request.site_db, person(request), id_of(request)):
        raise Missing
    return notes.see_other(request, "/inbox?notice=one-read")


def read_all(request: Request) -> HTTPSeeOther:
    """Mark everything that the page has shown, and everything older, as read. Newer messages stay unread."""
    newest, notice = (bigint(str(request.POST.get(name, ""))) or 0 for name in ("newest", "security"))
    me = person(request)
    inbox.read_all(request.site_db, me, newest)
    inbox.read_security(request.db, me, notice)
    return notes.see_other(request, "/inbox?notice=all-read")
