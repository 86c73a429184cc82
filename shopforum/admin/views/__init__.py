"""The console's pages, one module for each."""

from ...web.request import Request

READ, REVOKE, REVOKE_ALL = "console:read", "sessions:revoke", "everyone:revoke"


def may_revoke(request: Request) -> bool:
    """Whether the admin may end single sessions and those of a user: without it no button is shown."""
    return bool(request.has_permission(REVOKE))
