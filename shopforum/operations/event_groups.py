"""Events of the audit log under one name, for its filter and for the dashboard's chart."""

from dataclasses import dataclass

from ..sessions.vocabulary import EventName, FlagKind


@dataclass(frozen=True)
class EventGroup:
    """Several events, with their name for people."""

    label: str
    events: tuple[str, ...]


EVENT_GROUPS = {
    "any_failed_login": EventGroup(
        "Any failed login", (EventName.LOGIN_FAIL, EventName.LOGIN_FAIL_MAX, EventName.LOGIN_LOCK)
    ),
    "any_end": EventGroup(
        "Any session ended on purpose",
        (EventName.TOKEN_REVOKED, EventName.TOKEN_REUSE, EventName.SESSION_LOGOUT),
    ),
    "any_signal": EventGroup(
        "Any suspicious use",
        (*FlagKind, EventName.LOGIN_SUSPICIOUS, EventName.TOKEN_REUSE),
    ),
}


def events_of(name: str) -> tuple[str, ...]:
    """Return the events that a choice of the audit log's filter stands for: those of a group, or the one event."""
    return EVENT_GROUPS[name].events if name in EVENT_GROUPS else (name,)
