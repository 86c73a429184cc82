"""The answers to a refresh, at both endpoints, and to the revocation and the listing of refresh tokens."""

from .answer import Answer, errors, invalid_id

_DEAD = errors("[invalid]refreshToken", "The refresh token was not found or has expired.", "refreshToken")

ANSWERS: tuple[Answer, ...] = (
    Answer("tokens", "none", 200, None, "done", "issue 1311"),
    Answer("tokens", "user gone", 404, None, "done", "docs: retrieve-refresh-tokens"),
    Answer("tokens", "malformed", 400, None, "unreadable", "docs: retrieve-refresh-tokens"),
    Answer("refresh", "token dead", 400, _DEAD, "ended", "docs: refresh-a-jwt; issue 729, 2627"),
    Answer(
        "refresh", "token dead, as the workflow's article says", 404, None, "ended", "docs: refresh-a-jwt"
    ),
    Answer("refresh", "a user action prevents it", 409, None, "ended", "assumed: as at a login"),
    Answer("refresh", "user expired", 410, None, "ended", "assumed: as at a login"),
    Answer("refresh", "user locked", 423, None, "ended", "assumed: as at a login"),
    Answer(
        "refresh",
        "refreshing is off",
        400,
        errors("[tokenRefreshDisabled]", "The application does not allow it."),
        "our_fault",
        "assumed: the code is not documented",
    ),
    Answer("refresh", "without a token", 200, {"refreshToken": "r"}, "unreadable", "assumed: never"),
    Answer(
        "token",
        "token dead",
        400,
        {"error": "invalid_grant", "error_reason": "refresh_token_not_found"},
        "ended",
        "issue 1796",
    ),
    Answer("token", "token dead, as the workflow's article says", 404, None, "ended", "docs: refresh-a-jwt"),
    Answer(
        "token",
        "grant is off",
        400,
        {"error": "unauthorized_client", "error_reason": "grant_type_disabled"},
        "our_fault",
        "client: OAuthErrorReason",
    ),
    Answer(
        "token",
        "client secret wrong",
        401,
        {"error": "invalid_client", "error_reason": "invalid_client_authentication"},
        "our_fault",
        "docs: oauth endpoints",
    ),
    Answer("revoke", "revoked", 200, None, "done", "docs: revoke-refresh-tokens"),
    Answer("revoke", "unknown, or expired", 404, None, "done", "issue 1772"),
    Answer(
        "revoke",
        "user id is no id",
        400,
        invalid_id("userId"),
        "our_fault",
        "docs: revoke-refresh-tokens",
    ),
)
