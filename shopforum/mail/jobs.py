"""The mail's backlog, and the letters that the relay moves to the database of the sessions, from where they are sent."""

from ..core.backlog import Backlog
from ..core.relay import Relayed
from .tables import mail

BACKLOGS = (Backlog("mail", "outgoing_mail", since="created_at", order="created_at"),)

RELAYED = (
    Relayed(mail, ordered="created_at", since="created_at", same=("created_at", "recipient", "subject")),
)
