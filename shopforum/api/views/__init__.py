"""The operations of the document, a function each under its `operationId`."""

from .approvals import get_approval
from .document import describe
from .events import list_events
from .incidents import (
    add_filter,
    contain_incident,
    get_incident,
    list_incidents,
    open_incident,
)
from .revocations import get_revocation, list_revoked, revoke, revoke_user
from .rules import add_rule, lift_rule, list_rules
from .session_acts import list_incident_acts, list_session_acts
from .sessions import end_session, explain_session, get_session, list_sessions

__all__ = [
    "add_filter",
    "add_rule",
    "contain_incident",
    "describe",
    "end_session",
    "explain_session",
    "get_approval",
    "get_incident",
    "get_revocation",
    "get_session",
    "lift_rule",
    "list_events",
    "list_incident_acts",
    "list_incidents",
    "list_revoked",
    "list_rules",
    "list_session_acts",
    "list_sessions",
    "open_incident",
    "revoke",
    "revoke_user",
]
