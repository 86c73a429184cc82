"""The mail's backlog."""

from ..core.backlog import Backlog

BACKLOGS = (Backlog("mail", "outgoing_mail", since="created_at", order="created_at"),)
