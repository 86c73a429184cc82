"""What the console calls things, and what it says of them: states, flags, events, reasons and scopes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A name for people, the kind of its badge (neutral, info, success, warning, danger) and what it means."""

    label: str
    kind: str = "neutral"
    text: str = ""


STATES = {
    "active": Word("Active", "success", "Its next request is served."),
    "dormant": Word(
        "Dormant",
        "warning",
        "It has idled out, but its refresh token can still bring it back. It can be ended.",
    ),
    "revoked": Word(
        "Revoked", "danger", "Somebody or a rule ended it. No request is served, no refresh works."
    ),
    "expired": Word("Expired", "neutral", "Its time is over, or the identity provider refused to renew it."),
}

# Tabs of the list of sessions, in their order; all of them is the tab without a name.
TABS = ("active", "dormant", "flagged", "revoked", "expired")

FLAGS = {
    "refresh_without_session": Word(
        "Token alone",
        "danger",
        "Its refresh token came without the session id it belongs to: somebody may have copied the token. "
        "The request was refused and the identity provider not asked.",
    ),
    "session_without_refresh_token": Word(
        "Id alone",
        "danger",
        "Its session id came without the refresh token it belongs to: somebody may have copied the id. "
        "The request was refused and the session not extended.",
    ),
    "session_use_after_expire": Word(
        "Knocks",
        "warning",
        "Its cookies were presented again after it was revoked. The request was refused.",
    ),
}

EVENTS = {
    "authn_login_success": Word("Password accepted", "success"),
    "authn_login_fail": Word("Login failed", "warning"),
    "authn_login_fail_max": Word("Too many failed logins", "danger"),
    "authn_login_lock": Word("Login locked", "danger"),
    "authn_token_reuse": Word("Replay stopped, session ended", "danger"),
    "authn_token_revoked": Word("Sessions ended", "danger"),
    "authz_fail": Word("Not allowed", "warning"),
    "refresh_without_session": Word("Refresh token came alone", "danger"),
    "session_created": Word("Signed in", "success"),
    "session_expired": Word("Refresh refused, session over", "neutral"),
    "session_logout": Word("Logged out", "neutral"),
    "session_renewed": Word("Renewed", "info"),
    "session_use_after_expire": Word("Knocked after its end", "warning"),
    "session_without_refresh_token": Word("Session id came alone", "danger"),
}

# Codes that an admin chooses from; `other` stands for a reason in words alone.
REASONS = {
    "stolen_device": "Stolen or lost device",
    "suspected_theft": "Suspected theft of cookies",
    "user_request": "The user asked for it",
    "off_boarding": "Off-boarding",
    "incident": "Incident",
    "test": "Test",
    "other": "Something else",
}

_END_REASONS = {
    **REASONS,
    "logout": "Logged out",
    "signed_out_elsewhere": "Signed out from another device",
    "superseded": "Replaced by a new login",
    "refresh_refused": "Refresh refused by the identity provider",
    "replayed": "Spent cookies came back",
    "identity_mismatch": "The identity provider named somebody else",
}

ENTITIES = {
    "admin": "Admin",
    "user": "User",
    "policy": "Rule",
    "system": "System",
    "idp": "Identity provider",
}

PAIRS = {"login": "Login", "rotation": "Rotated", "refresh": "Renewed"}


def state(name: str) -> Word:
    """The word for a state of a session."""
    return STATES[name]


def flag(kind: str) -> Word:
    """The word for a flag; one of a newer version of the heart has its own name for label."""
    return FLAGS.get(kind) or Word(_plain(kind), "warning")


def event(name: str) -> Word:
    """The word for an event of the audit log."""
    return EVENTS.get(name) or Word(_plain(name))


def reason(code: str) -> str:
    """Why something ended."""
    return _END_REASONS.get(code) or _plain(code)


def entity(name: str) -> str:
    """Who began it."""
    return ENTITIES.get(name, name)


def pair(why: str) -> str:
    """Why a pair of credentials was handed out."""
    return PAIRS.get(why) or _plain(why)


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()
