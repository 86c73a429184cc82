"""The console's pages, a module each, and the permissions that they take."""

from ...web.request import Request

READ, REVOKE, REVOKE_ALL = "console:read", "sessions:revoke", "everyone:revoke"


def may_revoke(request: Request) -> bool:
    """Whether the admin may end single sessions and those of a user. Without the permission no button is shown."""
    return bool(request.has_permission(REVOKE))
