"""The console's pages, one module for each."""

from ...core.permissions import REVOKE
from ...web.request import Request


def may_revoke(request: Request) -> bool:
    """Whether the admin may end single sessions and those of a user: without it no button is shown."""
    return bool(request.has_permission(REVOKE))
