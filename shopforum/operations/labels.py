"""The labels for people of states, flags, events, reasons and initiating entities, as `sessions.vocabulary` names them.

Every member of those enums has a label here. A name that is not known, from a newer version of the session core, is
shown in plain letters.
"""

from dataclasses import dataclass

from ..core import user_agents
from ..sessions.vocabulary import (
    ActKind,
    BindingState,
    EndReason,
    EventName,
    FlagKind,
    InitiatingEntity,
    SkipReason,
    State,
    Withheld,
)
from .rows import AuditRow


@dataclass(frozen=True)
class Label:
    """A name for people. `severity` is neutral, info, success, warning or danger; `text` explains the name."""

    label: str
    severity: str = "neutral"
    text: str = ""


STATES: dict[str, Label] = {
    State.ACTIVE: Label("Active", "success", "Its next request is served."),
    State.DORMANT: Label(
        "Dormant",
        "warning",
        "It has idled out, but its refresh token can still bring it back. It can be ended.",
    ),
    State.REVOKED: Label(
        "Revoked", "danger", "Somebody or a rule ended it. No request is served and no refresh works."
    ),
    State.EXPIRED: Label(
        "Expired", "neutral", "Its time ran out, or the identity provider refused to refresh it."
    ),
}

BINDINGS: dict[str, Label] = {
    BindingState.BOUND: Label(
        "Bound",
        "success",
        "Its cookies work only with a key that does not leave its device. Copied, they soon stop working.",
    ),
    BindingState.OFFERED: Label(
        "Offered", "info", "Its browser was asked for a key with the login, and has not sent one yet."
    ),
    BindingState.UNBOUND: Label(
        "Not bound", "neutral", "Its browser has sent no key: it cannot, or it was not asked."
    ),
}

SKIPPED: dict[str, str] = {
    SkipReason.QUOTA_EXCEEDED: "it had signed too often in the minutes before",
    SkipReason.SERVER_ERROR: "our answer was an error",
    SkipReason.UNREACHABLE: "it could not reach us",
}

# Why a request of a bound session was refused, with what its browser said of it.
_WITHOUT_KEY = (
    "the session is bound to a device, and the request brought no proof of its key that is good now"
)
WITHOUT_KEY: dict[str, str] = {
    Withheld.WITHOUT_KEY: _WITHOUT_KEY,
    **{
        code: f"{_WITHOUT_KEY}; its browser said why: {SKIPPED[reason]}"
        for code, reason in (
            (Withheld.WITHOUT_KEY_QUOTA, SkipReason.QUOTA_EXCEEDED),
            (Withheld.WITHOUT_KEY_SERVER, SkipReason.SERVER_ERROR),
            (Withheld.WITHOUT_KEY_NETWORK, SkipReason.UNREACHABLE),
        )
    },
}

# Why a key or a proof of it was refused: the codes of `sessions.binding`.
BINDING_REFUSALS: dict[str, str] = {
    "bound_already": "The session has a key already.",
    "challenge": "It signed a challenge that this session was not given.",
    "signature": "The signature is not by the session's key.",
    "key_in_renewal": "The proof brought a key of its own.",
    "no_key": "It came without a key or unsigned, as from a browser that has lost its key.",
    "key": "Its key is weak, or none at all.",
    "algorithm": "It names an algorithm that is never accepted, or not that of the key.",
    "audience": "It was made for another address.",
    "malformed": "It cannot be read.",
    "too_long": "It is too long.",
}

FLAGS: dict[str, Label] = {
    FlagKind.REFRESH_WITHOUT_SESSION: Label(
        "Token alone",
        "danger",
        "Its refresh token came without the session id it belongs to: somebody may have copied the token. "
        "The request was refused and the identity provider was not asked.",
    ),
    FlagKind.CROSS_APP_TOKEN: Label(
        "Used elsewhere",
        "danger",
        "Its session id was sent to another site, where no browser would send it. The request was refused.",
    ),
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN: Label(
        "Id alone",
        "danger",
        "Its session id came without the refresh token it belongs to: somebody may have copied the id. "
        "The request was refused and the session was not extended.",
    ),
    FlagKind.SESSION_USE_AFTER_EXPIRE: Label(
        "Use after end",
        "warning",
        "Its cookies were presented again after it was revoked. The request was refused.",
    ),
    FlagKind.SESSION_BLOCKED: Label(
        "Blocked", "warning", "A deny rule refused its request. The session goes on when the rule is over."
    ),
    FlagKind.SESSION_REPORTED: Label("Reported", "danger", "Its owner reported it: “this was not me”."),
    FlagKind.OTHER_SYSTEM: Label(
        "Other system",
        "danger",
        "The browser named another operating system than at the login. No update does that: cookies were copied, or "
        "the browser pretends to be another.",
    ),
    FlagKind.OTHER_BROWSER: Label(
        "Other browser",
        "danger",
        "The request came from another browser than the login. A browser does not turn into another: cookies may have "
        "been copied.",
    ),
    FlagKind.OLDER_BROWSER: Label(
        "Older browser",
        "warning",
        "The browser named an older version than before. Browsers only get newer: this may be a second browser.",
    ),
    FlagKind.TWO_PLACES: Label(
        "Two places",
        "warning",
        "Used from one network, from another and from the first again within two minutes: two machines, or a phone "
        "between two networks.",
    ),
    FlagKind.OTHER_NETWORK: Label(
        "Other network",
        "info",
        "Used from another network than before. People move; on its own this says little.",
    ),
    FlagKind.REFRESHED_ELSEWHERE: Label(
        "Refreshed elsewhere",
        "danger",
        "FusionAuth has refreshed its refresh token for somebody else than our sites: it may be stolen.",
    ),
    FlagKind.SESSION_USED_WITHOUT_KEY: Label(
        "Without its key",
        "danger",
        "It is bound to a device, and its cookies came without that device's proof: somebody may have copied them, or the "
        "browser could not renew the proof. The request was refused and the session was not extended.",
    ),
    FlagKind.SESSION_BINDING_REFUSED: Label(
        "Binding refused",
        "warning",
        "Somebody tried to bind it to another key, or to renew its proof with a bad signature. Nothing was changed.",
    ),
}

# The list is filtered by quarantine as by a flag, though it is no sign of an attack.
QUARANTINED = "quarantined"
FLAG_CHOICES: dict[str, Label] = {
    QUARANTINED: Label(
        "Quarantined",
        "warning",
        "Nothing is served until the password is given again in that browser. Cart and drafts are kept; other "
        "sessions go on. You can release it or end it.",
    ),
    **FLAGS,
}

EVENTS: dict[str, Label] = {
    EventName.LOGIN_SUCCESS: Label("Password accepted", "success"),
    EventName.LOGIN_FAIL: Label("Login failed", "warning"),
    EventName.LOGIN_FAIL_MAX: Label("Too many failed logins", "danger"),
    EventName.LOGIN_LOCK: Label("Login locked", "danger"),
    EventName.TOKEN_REUSE: Label("Replay stopped, session ended", "danger"),
    EventName.TOKEN_REVOKED: Label("Sessions ended", "danger"),
    EventName.API_TOKEN_CREATED: Label("API token created", "info"),
    EventName.API_TOKEN_REFUSED: Label("API token refused", "warning"),
    EventName.API_TOKEN_REVOKED: Label("API token revoked", "info"),
    EventName.NOT_ALLOWED: Label("Not allowed", "warning"),
    EventName.EXCESS_SESSIONS: Label("Too many sessions, oldest ended", "neutral"),
    EventName.FLAG_DISMISSED: Label("Flag dismissed", "neutral"),
    EventName.MAIL_NOT_SENT: Label("Warning not mailed", "warning"),
    EventName.SESSIONS_EXPORTED: Label("Sessions exported", "info"),
    EventName.WEBHOOK_REFUSED: Label("Webhook refused", "warning"),
    EventName.WEBHOOK_REDELIVERED: Label("Webhook sent again", "info"),
    EventName.AUDIT_LOG_EXPORTED: Label("Audit log exported", "info"),
    EventName.AUDIT_ROWS_LOST: Label("Rows of the audit log lost", "danger"),
    EventName.RECOVERED: Label("Recovered from a restore", "info"),
    EventName.MADE_UP_SESSION_ID: Label("Made-up session id", "warning"),
    EventName.DUPLICATE_COOKIE: Label("Cookie came twice", "warning"),
    EventName.SESSION_BOUND: Label("Bound to its device", "success"),
    EventName.SESSION_CREATED: Label("Signed in", "success"),
    EventName.SESSION_EXPIRED: Label("Refresh refused, session over", "neutral"),
    EventName.SESSION_QUARANTINED: Label("Quarantined", "warning"),
    EventName.SESSION_RELEASED: Label("Released from quarantine", "success"),
    EventName.SESSION_LOGOUT: Label("Logged out", "neutral"),
    EventName.SESSION_RENEWED: Label("Refreshed", "info"),
    EventName.DENY_RULE_ADDED: Label("Deny rule added", "warning"),
    EventName.DENY_RULE_LIFTED: Label("Deny rule lifted", "neutral"),
    FlagKind.REFRESH_WITHOUT_SESSION: Label("Refresh token came alone", "danger"),
    FlagKind.CROSS_APP_TOKEN: Label("Session id of another site", "danger"),
    FlagKind.SESSION_WITHOUT_REFRESH_TOKEN: Label("Session id came alone", "danger"),
    FlagKind.SESSION_USE_AFTER_EXPIRE: Label("Used after its end", "warning"),
    FlagKind.SESSION_BLOCKED: Label("Refused by a deny rule", "warning"),
    FlagKind.SESSION_REPORTED: Label("Reported by its owner", "danger"),
    FlagKind.OTHER_SYSTEM: Label("Another operating system", "danger"),
    FlagKind.OTHER_BROWSER: Label("Another browser", "danger"),
    FlagKind.OLDER_BROWSER: Label("An older browser", "warning"),
    FlagKind.TWO_PLACES: Label("Two places at once", "warning"),
    FlagKind.OTHER_NETWORK: Label("Another network", "info"),
    FlagKind.REFRESHED_ELSEWHERE: Label("Refresh token used elsewhere", "danger"),
    FlagKind.SESSION_USED_WITHOUT_KEY: Label("Used without its key", "danger"),
    FlagKind.SESSION_BINDING_REFUSED: Label("Key or proof refused", "warning"),
    EventName.USER_UPDATED: Label("Name or address changed", "info"),
    EventName.USER_DELETION_ASKED: Label("Deletion of the account asked for", "warning"),
    EventName.USER_DELETION_UNDONE: Label("Account kept after all", "info"),
    EventName.USER_DELETED: Label("Account deleted", "warning"),
    EventName.LOGIN_SUSPICIOUS: Label("Suspicious login", "danger"),
    EventName.LOGIN_NEW_DEVICE: Label("Login with a new device", "info"),
    EventName.INCIDENT_OPENED: Label("Incident opened", "warning"),
    EventName.INCIDENT_FILTER_ADDED: Label("Filter added to an incident", "info"),
    EventName.INCIDENT_NOTED: Label("Note on an incident", "info"),
    EventName.INCIDENT_CLOSED: Label("Incident closed", "success"),
    EventName.INCIDENT_EXPORTED: Label("Incident exported", "info"),
    EventName.AUTHENTICATOR_SET_UP: Label("Authenticator set up", "info"),
    EventName.AUTHENTICATOR_REMOVED: Label("Authenticator removed", "warning"),
    EventName.BREAK_GLASS_USED: Label("Code in place of the password", "danger"),
    EventName.BREAK_GLASS_REFUSED: Label("Code in place of the password refused", "danger"),
    EventName.APPROVAL_ASKED: Label("Approval asked for", "warning"),
    EventName.APPROVAL_GIVEN: Label("Approved by a second owner", "success"),
    EventName.APPROVAL_REFUSED: Label("Approval refused", "warning"),
    EventName.APPROVAL_WITHDRAWN: Label("Request for approval withdrawn", "info"),
    EventName.ACTED_ALONE: Label("Acted without a second owner", "danger"),
    EventName.HONEY_PLANTED: Label("Honey token planted", "info"),
    EventName.HONEY_USED: Label("Honey token presented", "danger"),
    EventName.HONEY_RETIRED: Label("Honey token retired", "info"),
    EventName.WEBHOOK_TESTED: Label("Test webhook arrived", "success"),
}

# Entries of a session's timeline that are in no audit log; `timeline.py` makes them.
ROTATION, IDLED_OUT, TIMED_OUT = "rotation", "idled_out", "timed_out"
TIMELINE = {
    ROTATION: Label("Session id rotated"),
    IDLED_OUT: Label("Idle timeout"),
    TIMED_OUT: Label("Absolute timeout"),
}

# How a session and FusionAuth's token disagree (`drift.DriftKind`).
# Acts of sessions; an admin's are events of the audit log.
ACTS: dict[str, str] = {
    ActKind.ORDER_PLACED: "Order placed",
    ActKind.ORDER_TO_NEW_ADDRESS: "Order placed, to an address that no earlier order had",
    ActKind.ORDER_CANCELLED: "Order cancelled",
    ActKind.TOPIC_STARTED: "Topic started",
    ActKind.POST_WRITTEN: "Post written",
    ActKind.POST_EDITED: "Post edited",
    ActKind.POST_REMOVED: "Post removed",
    ActKind.POST_RESTORED: "Post restored",
    ActKind.MODERATED: "Moderated",
    ActKind.DATA_EXPORTED: "Personal data exported",
}

DRIFT = {
    "token_gone": "Sessions without a token at FusionAuth",
    "token_left": "Ended sessions whose token is left at FusionAuth",
    "token_unknown": "Tokens without a session",
}

# Codes that an admin chooses from; `other` stands for a reason in words alone.
OTHER = "other"
REASONS = {
    "stolen_device": "Stolen or lost device",
    "suspected_theft": "Suspected theft of cookies",
    "user_request": "The user asked for it",
    "off_boarding": "Off-boarding",
    "incident": "Incident",
    "test": "Test",
    OTHER: "Something else",
}

END_REASONS: dict[str, str] = {
    **REASONS,
    EndReason.LOGOUT: "Logged out",
    EndReason.SIGNED_OUT_ELSEWHERE: "Signed out from another device",
    EndReason.SUPERSEDED: "Replaced by a new login",
    EndReason.REFRESH_REFUSED: "Refresh refused by the identity provider",
    EndReason.REPLAYED: "Spent cookies came back",
    EndReason.IDENTITY_MISMATCH: "The identity provider named somebody else",
    EndReason.EVICTED: "Made room for a newer session",
    EndReason.REPORTED: "Reported by its owner",
    EndReason.REVOKED_AT_PROVIDER: "Revoked at the identity provider",
    EndReason.PASSWORD_CHANGED: "Password changed at the identity provider",
    EndReason.ACCOUNT_LOCKED: "Account locked at the identity provider",
    EndReason.ACCOUNT_CLOSED: "Account closed",
    EndReason.ACCOUNT_DELETED: "Account deleted at the identity provider",
    EndReason.DELETION_ASKED: "The owner deletes the account",
    EndReason.ROLE_REMOVED: "A role was taken away",
    EndReason.REGISTRATION_REMOVED: "Registration removed",
    EndReason.SUCCESSORS_UNSHOWN: "New cookies were never shown",
    EndReason.OLDER_COOKIES: "The browser went back to older cookies",
    EndReason.RESTORED: "Ended after a restore from a backup",
    EndReason.AUDIT_ROWS_LOST: "Used while rows of the audit log were lost",
    EndReason.NOT_BOUND: "Its browser has bound it to no device",
    EndReason.HARMLESS: "Looked at and found harmless",
    **{kind: label.label for kind, label in FLAGS.items()},
}

ENTITIES: dict[str, str] = {
    InitiatingEntity.ADMIN: "Admin",
    InitiatingEntity.USER: "User",
    InitiatingEntity.POLICY: "Rule",
    InitiatingEntity.SYSTEM: "System",
    InitiatingEntity.PROVIDER: "Identity provider",
}

PAIRS = {"login": "Login", "rotation": "Rotation", "refresh": "Refresh"}


def state(name: str) -> Label:
    """Return the label of a session's state."""
    return STATES[name]


def flag(kind: str) -> Label:
    """Return the label of a flag, or of quarantine."""
    return FLAG_CHOICES.get(kind) or Label(_plain(kind), "warning")


def event(name: str) -> Label:
    """Return the label of an event of the audit log, or of an entry of a timeline."""
    return EVENTS.get(name) or TIMELINE.get(name) or Label(_plain(name))


def act(kind: str) -> str:
    """Return the name of an act of a session."""
    return ACTS[kind] if kind in ACTS else event(kind).label


def binding(name: str) -> Label:
    """Return the label of a session's binding to its device."""
    return BINDINGS[name]


def skipped(why: str) -> str:
    """Return why a browser has sent a request without a new proof of its key, in words."""
    return SKIPPED.get(why) or _plain(why)


def binding_refusal(event: AuditRow) -> str:
    """Return why a key or a proof was refused, in a sentence. Empty for other events."""
    return (
        BINDING_REFUSALS.get(event.detail.get("why", ""), "")
        if event.event == FlagKind.SESSION_BINDING_REFUSED
        else ""
    )


def reason(code: str) -> str:
    """Return why something ended, in words."""
    return END_REASONS.get(code) or _plain(code)


def entity(name: str) -> str:
    """Return who began an act, in words."""
    return ENTITIES.get(name, name)


def replay(event: AuditRow) -> str:
    """Return what a replay was, in a sentence or two: which pair came from where, and which one holds. Empty for other events."""
    told = event.detail
    if event.event != EventName.TOKEN_REUSE or "head" not in told:
        return ""
    came = f"{user_agents.label(event.agent)} at {event.address or 'an unknown address'}"
    last = f"{user_agents.label(told['last_agent'])} at {told['last_address'] or 'an unknown address'}"
    age = told["replaced_seconds"]
    old = "of another branch" if age is None else f"replaced {age // 60} min {age % 60} s before"
    text = f"Pair {told['presented']}, {old}, was shown by {came}. Pair {told['head']} holds, last shown by {last}."
    # A reassuring text has to be certain: it takes the very same address and version, not just a place that raises no signal.
    return f"{text} Both are the same: probably a restored browser." if came == last else text


def pair(why: str) -> str:
    """Return why a pair of credentials was handed out, in words."""
    return PAIRS.get(why) or _plain(why)


def _plain(name: str) -> str:
    return name.replace("_", " ").capitalize()
