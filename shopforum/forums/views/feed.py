"""The forums as Atom feeds (RFC 4287): the topics with the newest posts, of all categories or of one."""

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from pyramid.response import Response

from ...web import caching
from ...web.request import Request
from .. import links, paging, topics
from ..topics import TopicSummary

# No document of XML 1.0 may have these, not even escaped. The others of the kind are in no text (web/tweens.py).
_NOT_IN_XML = str.maketrans("", "", "\ufffe\uffff")


def feed(request: Request) -> Response:
    """Return the feed of all categories, or of the one in the address. Raises Missing. It is the same for everybody."""
    slug = request.matchdict.get("slug")
    if slug is None:
        rows: Sequence[TopicSummary] = paging.fetch(request.site_db, topics.latest(None), 1).rows
        return _feed(request, request.site.title, "/", rows)
    category = topics.category(request.site_db, slug)
    rows = paging.fetch(request.site_db, topics.of_category(category.id, None), 1).rows
    return _feed(request, f"{category.name} · {request.site.title}", links.category(slug), rows)


def _feed(request: Request, title: str, page: str, rows: Sequence[TopicSummary]) -> Response:
    caching.mark_public(request)
    # A feed without a topic has never changed.
    updated = max((row.last_post_at for row in rows), default=datetime(2026, 1, 1, tzinfo=UTC))
    entries = "".join(_entry(request.site.url, row) for row in rows)
    body = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom">
<id>{_text(request.site.url + request.path)}</id>
<title>{_text(title)}</title>
<updated>{updated.isoformat()}</updated>
<link rel="self" href="{_text(request.site.url + request.path)}"/>
<link href="{_text(request.site.url + page)}"/>
{entries}</feed>
"""
    return Response(body, content_type="application/atom+xml", charset="utf-8")


def _entry(site: str, row: TopicSummary) -> str:
    """Return a topic as an entry: it is updated by each new post, and leads to the newest one."""
    newest = site + links.post(row.id, row.title, row.last_post_id)
    return f"""<entry>
<id>{_text(f"{site}/topics/{row.id}")}</id>
<title>{_text(row.title)}</title>
<author><name>{_text(row.author_name)}</name></author>
<updated>{row.last_post_at.isoformat()}</updated>
<link href="{_text(newest)}"/>
<summary>{_text(f"{row.post_count} posts, the last one by {row.last_post_by}")}</summary>
</entry>
"""


def _text(text: str) -> str:
    return escape(text.translate(_NOT_IN_XML), {'"': "&quot;"})
