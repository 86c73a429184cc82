"""The console's pages, a module each, and the permissions that they take."""

from ...core.permissions import REVOKE
from ...web.request import Request


def may_revoke(request: Request) -> bool:
    """Return whether the admin may end single sessions and those of a user. Without the permission no button is shown."""
    return bool(request.has_permission(REVOKE))
