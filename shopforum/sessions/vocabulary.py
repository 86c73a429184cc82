"""The names that rows, the audit log, the API and the pages share: states, flags, events, reasons, initiating entities.

The values are stored and published, so they never change; events are OWASP's where it has a name (Logging Vocabulary
Cheat Sheet), initiating entities are CAEP's (OpenID Continuous Access Evaluation Profile 1.0, 2).
"""

from enum import StrEnum


class State(StrEnum):
    """The state of a session at an instant. `live.py` has the conditions."""

    ACTIVE = "active"
    DORMANT = "dormant"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Withheld(StrEnum):
    """The reasons for not serving a live session: it is in quarantine, perhaps because its browser has bound it to no device, or a deny
    rule refuses it; or it is bound, and the request came without the device's bound cookie.
    """

    QUARANTINED = "quarantined"
    NOT_BOUND = "not_bound"
    BLOCKED = "blocked"
    WITHOUT_KEY = "without_key"
    WITHOUT_KEY_QUOTA = "without_key_quota"
    WITHOUT_KEY_SERVER = "without_key_server"
    WITHOUT_KEY_NETWORK = "without_key_network"


class BindingState(StrEnum):
    """The binding of a session to a key of its device: bound; still possible, in the first minute; or not bound, because the
    browser cannot or was not asked to.
    """

    BOUND = "bound"
    OFFERED = "offered"
    UNBOUND = "unbound"


class SkipReason(StrEnum):
    """The reasons of a browser that sends a request without renewing its bound cookie (DBSC, Secure-Session-Skipped)."""

    QUOTA_EXCEEDED = "quota_exceeded"
    SERVER_ERROR = "server_error"
    UNREACHABLE = "unreachable"


class InitiatingEntity(StrEnum):
    """The kind of actor that began an act."""

    ADMIN = "admin"
    USER = "user"
    POLICY = "policy"
    SYSTEM = "system"
    PROVIDER = "idp"


class FlagKind(StrEnum):
    """The kind of a flag: a suspicious use of a session."""

    REFRESH_WITHOUT_SESSION = "refresh_without_session"
    CROSS_APP_TOKEN = "cross_app_token"  # noqa: S105 - the name of an event
    SESSION_WITHOUT_REFRESH_TOKEN = "session_without_refresh_token"  # noqa: S105 - the name of an event
    SESSION_USE_AFTER_EXPIRE = "session_use_after_expire"
    SESSION_BLOCKED = "session_blocked"
    SESSION_REPORTED = "session_reported"
    OTHER_SYSTEM = "other_system"
    OTHER_BROWSER = "other_browser"
    OLDER_BROWSER = "older_browser"
    TWO_PLACES = "two_places"
    OTHER_NETWORK = "other_network"
    REFRESHED_ELSEWHERE = "refreshed_elsewhere"
    SESSION_USED_WITHOUT_KEY = "session_used_without_key"
    SESSION_BINDING_REFUSED = "session_binding_refused"


class ActKind(StrEnum):
    """The kind of an act of a session (`acts.py`)."""

    ORDER_PLACED = "order_placed"
    ORDER_TO_NEW_ADDRESS = "order_to_new_address"
    ORDER_CANCELLED = "order_cancelled"
    ORDER_TAKEN_OVER = "order_taken_over"
    TOPIC_STARTED = "topic_started"
    POST_WRITTEN = "post_written"
    POST_EDITED = "post_edited"
    POST_REMOVED = "post_removed"
    POST_RESTORED = "post_restored"
    MODERATED = "moderated"
    DATA_EXPORTED = "data_exported"


class EventName(StrEnum):
    """The event of a row of the audit log. A flag's event has the flag's name (`FlagKind`)."""

    LOGIN_SUCCESS = "authn_login_success"
    LOGIN_FAIL = "authn_login_fail"
    LOGIN_FAIL_MAX = "authn_login_fail_max"
    LOGIN_LOCK = "authn_login_lock"
    TOKEN_REUSE = "authn_token_reuse"  # noqa: S105 - the name of an event
    TOKEN_REVOKED = "authn_token_revoked"  # noqa: S105 - the name of an event
    NOT_ALLOWED = "authz_fail"
    EXCESS_SESSIONS = "excess_sessions_exceeded"
    MADE_UP_SESSION_ID = "strict_session_violation"
    DUPLICATE_COOKIE = "cookie_duplicate"
    SESSION_BOUND = "session_bound"
    SESSION_CREATED = "session_created"
    SESSION_EXPIRED = "session_expired"
    SESSION_LOGOUT = "session_logout"
    SESSION_RENEWED = "session_renewed"
    SESSION_QUARANTINED = "session_quarantined"
    SESSION_RELEASED = "session_released"
    FLAG_DISMISSED = "flag_dismissed"
    DENY_RULE_ADDED = "standing_rule_added"
    DENY_RULE_LIFTED = "standing_rule_lifted"
    API_TOKEN_CREATED = "api_token_created"  # noqa: S105 - the name of an event
    API_TOKEN_REFUSED = "api_token_refused"  # noqa: S105 - the name of an event
    API_TOKEN_REVOKED = "api_token_revoked"  # noqa: S105 - the name of an event
    MAIL_NOT_SENT = "letter_not_sent"
    WEBHOOK_REFUSED = "webhook_refused"
    WEBHOOK_REDELIVERED = "webhook_redelivered"
    WEBHOOK_TESTED = "webhook_tested"
    USER_UPDATED = "user_updated"
    USER_DELETION_ASKED = "user_deletion_asked"
    USER_DELETION_UNDONE = "user_deletion_undone"
    USER_DELETED = "user_deleted"
    LOGIN_SUSPICIOUS = "login_suspicious"
    LOGIN_NEW_DEVICE = "login_new_device"
    SESSIONS_EXPORTED = "list_exported"
    AUDIT_LOG_EXPORTED = "trail_exported"
    AUDIT_ROWS_LOST = "audit_rows_lost"
    RECOVERED = "recovered_from_restore"
    INCIDENT_OPENED = "incident_opened"
    INCIDENT_FILTER_ADDED = "incident_filter_added"
    INCIDENT_FILTER_REMOVED = "incident_filter_removed"
    INCIDENT_NOTED = "incident_noted"
    INCIDENT_CLOSED = "incident_closed"
    INCIDENT_EXPORTED = "incident_exported"
    AUTHENTICATOR_SET_UP = "authenticator_set_up"
    AUTHENTICATOR_REMOVED = "authenticator_removed"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    BREAK_GLASS_USED = "break_glass_used"
    BREAK_GLASS_REFUSED = "break_glass_refused"
    APPROVAL_ASKED = "approval_asked"
    APPROVAL_GIVEN = "approval_given"
    APPROVAL_REFUSED = "approval_refused"
    APPROVAL_WITHDRAWN = "approval_withdrawn"
    ACTED_ALONE = "acted_alone"
    HONEY_PLANTED = "honey_planted"
    HONEY_USED = "honey_used"
    HONEY_RETIRED = "honey_retired"


class EndReason(StrEnum):
    """The reasons for the end of a session. Admins choose from reasons of their own (`operations.labels.REASONS`)."""

    LOGOUT = "logout"
    SIGNED_OUT_ELSEWHERE = "signed_out_elsewhere"
    SUPERSEDED = "superseded"
    REFRESH_REFUSED = "refresh_refused"
    REPLAYED = "replayed"
    IDENTITY_MISMATCH = "identity_mismatch"
    EVICTED = "evicted"
    REPORTED = "reported"
    REVOKED_AT_PROVIDER = "revoked_at_provider"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a reason
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_DELETED = "account_deleted"
    DELETION_ASKED = "deletion_asked"
    ROLE_REMOVED = "role_removed"
    REGISTRATION_REMOVED = "registration_removed"
    HARMLESS = "harmless"
    AUDIT_ROWS_LOST = "audit_rows_lost"
    RESTORED = "restored"
    SUCCESSORS_UNSHOWN = "successors_unshown"
    OLDER_COOKIES = "older_cookies"
    NOT_BOUND = "not_bound"


# Ends that say nothing against the browser: the owner or a later login has ended the session, or its time at the provider was over.
ORDINARY_ENDS = (EndReason.LOGOUT, EndReason.SUPERSEDED, EndReason.EVICTED, EndReason.REFRESH_REFUSED)


# The allowed changes of state, and their causes. None stands for a session that does not exist yet.
TRANSITIONS: dict[tuple[State | None, State], str] = {
    (None, State.ACTIVE): "login",
    (State.ACTIVE, State.DORMANT): "idle timeout, with a refresh token",
    (State.ACTIVE, State.EXPIRED): "idle timeout without a refresh token, or absolute timeout",
    (State.ACTIVE, State.REVOKED): "revocation, logout, replay",
    (State.DORMANT, State.ACTIVE): "refresh",
    (State.DORMANT, State.EXPIRED): "refresh refused, or absolute timeout",
    (State.DORMANT, State.REVOKED): "revocation, logout, replay",
    (State.EXPIRED, State.REVOKED): "revocation before the absolute timeout",
    (State.REVOKED, State.EXPIRED): "absolute timeout before the sweep marked the row",
}
