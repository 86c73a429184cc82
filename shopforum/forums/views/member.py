"""A member's page: who writes, since when, and what."""

from typing import Any

from ...core.markdown import plain
from ...web import caching
from ...web.request import Request
from .. import members, search
from . import listed, note_counts, suspended, viewer


def show(request: Request) -> dict[str, Any]:
    """Show a member and the member's posts, newest first."""
    caching.mark_public(request)
    who = viewer(request)
    member = members.profile(request.site_db, request.matchdict["handle"], who)
    note_counts(request, member)
    page = listed(request, search.results(search.Query(author=f"@{member.handle}"), who))
    out = suspended(request, who, [member.user_id])
    return {"member": member, "page": page, "suspended": out, "excerpt": plain}
