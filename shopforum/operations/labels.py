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
    "cross_app_token": Word(
        "Used elsewhere",
        "danger",
        "Its session id was sent to another of our sites, where no browser would send it. The request was refused.",
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
    "session_blocked": Word(
        "Blocked", "warning", "A standing rule refused a request of it. It goes on when the rule is over."
    ),
    "session_reported": Word("Reported", "danger", "Its owner says: this was not me."),
    "other_system": Word(
        "Other system",
        "danger",
        "The browser named another operating system than at the login. No update does that: cookies were copied, or "
        "the browser gives itself out for another.",
    ),
    "other_browser": Word(
        "Other browser",
        "danger",
        "Another browser than at the login. A browser does not turn into another: cookies may have been copied.",
    ),
    "older_browser": Word(
        "Older browser",
        "warning",
        "The same browser in an older version than before. Browsers only get newer: this may be a second one.",
    ),
    "two_places": Word(
        "Two places",
        "warning",
        "Used from one network, from another and from the first again within two minutes: two machines, or a phone "
        "between two networks.",
    ),
    "other_network": Word(
        "Other network",
        "info",
        "Used from another network than before. People move; on its own this says little.",
    ),
}

# What the list can be filtered by: the flags, and what is a badge like them but no sign of anything.
QUARANTINED = "quarantined"
BADGES = {
    QUARANTINED: Word(
        "Quarantined",
        "warning",
        "Nothing is served before the password was given again in that browser. Cart and drafts are kept, other "
        "sessions go on. It can be released, or ended.",
    ),
    **FLAGS,
}

EVENTS = {
    "authn_login_success": Word("Password accepted", "success"),
    "authn_login_fail": Word("Login failed", "warning"),
    "authn_login_fail_max": Word("Too many failed logins", "danger"),
    "authn_login_lock": Word("Login locked", "danger"),
    "authn_token_reuse": Word("Replay stopped, session ended", "danger"),
    "authn_token_revoked": Word("Sessions ended", "danger"),
    "api_token_created": Word("API token made", "info"),
    "api_token_refused": Word("API token refused", "warning"),
    "api_token_revoked": Word("API token revoked", "info"),
    "authz_fail": Word("Not allowed", "warning"),
    "excess_sessions_exceeded": Word("Too many sessions, oldest ended", "neutral"),
    "flag_dismissed": Word("Flag dismissed", "neutral"),
    "letter_not_sent": Word("Warning not mailed", "warning"),
    "list_exported": Word("Sessions exported", "info"),
    "webhook_refused": Word("Webhook refused", "warning"),
    "webhook_redelivered": Word("Webhook sent again", "info"),
    "trail_exported": Word("Audit trail exported", "info"),
    "refresh_without_session": Word("Refresh token came alone", "danger"),
    "cross_app_token": Word("Session id of another site", "danger"),
    "strict_session_violation": Word("Made-up session id", "warning"),
    "session_created": Word("Signed in", "success"),
    "session_expired": Word("Refresh refused, session over", "neutral"),
    "session_quarantined": Word("Put into quarantine", "warning"),
    "session_released": Word("Released from quarantine", "success"),
    "session_reported": Word("Reported by its owner", "danger"),
    "session_blocked": Word("Refused by a rule", "warning"),
    "standing_rule_added": Word("Rule put into force", "warning"),
    "standing_rule_lifted": Word("Rule lifted", "neutral"),
    "other_system": Word("Another operating system", "danger"),
    "other_browser": Word("Another browser", "danger"),
    "older_browser": Word("An older browser", "warning"),
    "two_places": Word("Two places at once", "warning"),
    "other_network": Word("Another network", "info"),
    "session_logout": Word("Logged out", "neutral"),
    "session_renewed": Word("Renewed", "info"),
    "session_use_after_expire": Word("Knocked after its end", "warning"),
    "session_without_refresh_token": Word("Session id came alone", "danger"),
}

# Several events under one name, for the filter of the trail and the rows of the chart.
GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
    "any_failed_login": (
        "Any failed login",
        ("authn_login_fail", "authn_login_fail_max", "authn_login_lock"),
    ),
    "any_end": ("Any end by somebody", ("authn_token_revoked", "authn_token_reuse", "session_logout")),
    "any_signal": ("Any suspicious use", (*FLAGS, "authn_token_reuse")),
}

# What a session's story tells beside the trail.
_MOMENTS = {
    "rotation": Word("Session id replaced", "neutral"),
    "idled_out": Word("Idled out", "neutral"),
    "timed_out": Word("Its time was over", "neutral"),
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
    "evicted": "Made room for a newer session",
    "reported": "Reported by its owner",
    "revoked_at_provider": "Revoked at the identity provider",
    "password_changed": "Password changed at the identity provider",
    "account_locked": "Account locked at the identity provider",
    "account_deleted": "Account deleted at the identity provider",
    "role_removed": "A role was taken away",
    "registration_removed": "Registration removed",
    "harmless": "Looked at and found harmless",
    **{kind: word.label for kind, word in FLAGS.items()},
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
    return BADGES.get(kind) or Word(_plain(kind), "warning")


def event(name: str) -> Word:
    """The word for an event of the audit log."""
    return EVENTS.get(name) or _MOMENTS.get(name) or Word(_plain(name))


def events(name: str) -> tuple[str, ...]:
    """The events that a choice of the trail's filter stands for."""
    return GROUPS[name][1] if name in GROUPS else (name,)


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
