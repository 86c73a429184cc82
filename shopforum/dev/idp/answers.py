"""The answers that FusionAuth may give to the calls of the sites, as data: when, in which edition, and who says so.

The hook `answer` makes the provider give any of them once. `tests/idp/test_answers.py` has the client's reaction to each.
docs/fusionauth-answers.md is written from these rows.

Sources: *docs* is FusionAuth's documentation, by the page; *issue* is a thread of github.com/FusionAuth/fusionauth-issues;
*client* is an official client. Where FusionAuth says nothing, the source is *assumed*, with the reason.
"""

from dataclasses import dataclass
from typing import Any

_USER = {"id": "00000000-0000-4000-8000-000000000007", "active": True}
_TWO_FACTOR_ID = "YkQY5Gsyo4RlfmDciBGRmvfj3RmatUqrbjoIZ19fmw4"

PATHS = {
    "login": ("POST", "/api/login"),
    "two-factor": ("POST", "/api/two-factor/login"),
    "send": ("POST", "/api/two-factor/send"),
    "passwordless-start": ("POST", "/api/passwordless/start"),
    "passwordless-send": ("POST", "/api/passwordless/send"),
    "passwordless-login": ("POST", "/api/passwordless/login"),
    "set-up": ("POST", "/api/user/two-factor"),
    "passkey-start": ("POST", "/api/webauthn/start"),
    "passkey-login": ("POST", "/api/webauthn/login"),
    "passkey-options": ("POST", "/api/webauthn/register/start"),
    "passkey-add": ("POST", "/api/webauthn/register/complete"),
    "passkey-list": ("GET", "/api/webauthn"),
    "passkey-remove": ("DELETE", "/api/webauthn"),
    "refresh": ("POST", "/api/jwt/refresh"),
    "token": ("POST", "/oauth2/token"),
    "user": ("GET", "/api/user"),
    "revoke": ("DELETE", "/api/jwt/refresh"),
    "delete": ("DELETE", "/api/user"),
    "tokens": ("GET", "/api/jwt/refresh"),
    "sign-up": ("POST", "/api/user/registration"),
    "forgotten": ("POST", "/api/user/forgot-password"),
    "change-password": ("POST", "/api/user/change-password"),
}


@dataclass(frozen=True)
class Answer:
    """One answer: to which call, in which case, with which status and body, and who says so.

    `edition` is the lowest one in which FusionAuth gives it. `reaction` is what the client makes of it, a key of REACTIONS.
    """

    call: str
    case: str
    status: int
    body: Any
    reaction: str
    source: str
    edition: str = "Community"

    @property
    def name(self) -> str:
        """The name of the answer for the hook."""
        return f"{self.call}: {self.case}"


REACTIONS = {
    "challenge": "a second factor is asked for",
    "unknown": "nothing is sent, and the page is the same",
    "passkey": "refused: the passkey is not this account's; counted as a try",
    "enrolment": "an authenticator is set up first",
    "credentials": "refused: e-mail address or password is wrong; counted as a try",
    "unregistered": "refused: not registered here",
    "password_change": "refused: the password has to be changed",
    "unverified": "refused: the address is not confirmed",
    "restricted": "refused, in the customer's own words",
    "no_second_factor": "refused: set up a second factor",
    "code": "refused: the code is wrong; counted as a try",
    "late": "refused: the challenge is over",
    "ended": "the session ends: log in again",
    "no_roles": "the account is closed here: the sessions end",
    "done": "nothing is left to do",
    "taken": "the page is the same as for a new address",
    "input": "FusionAuth's message stands at the field",
    "our_fault": "503, an error in the log: our key or settings are wrong",
    "account": "503 for this user; says nothing about others; a login stays counted as a try",
    "outage": "503; five in a row open the breaker of this kind of call",
    "unreadable": "503; the cookies stay",
}


def _errors(code: str, message: str, field_name: str = "") -> dict[str, Any]:
    entry = [{"code": code, "message": message}]
    return {
        "fieldErrors": {field_name: entry} if field_name else {},
        "generalErrors": [] if field_name else entry,
    }


_LAMBDA_FAILS = _errors("[LambdaInvocationException]", "Lambda invocation failed.")
_WEBHOOK_FAILS = _errors(
    "[WebhookTransactionException]", "One or more webhooks returned an invalid response."
)
_EXCEPTION = _errors("[Exception]", "FusionAuth encountered an unexpected error.")
_RESTRICTED = _errors("[LoginRestricted]", "Logins are closed on Sundays.")
_DEAD = _errors("[invalid]refreshToken", "The refresh token was not found or has expired.", "refreshToken")
_TENANT = _errors("[TenantIdRequired]", "A Tenant Id is required to complete this request.")
_ACTION = {"actions": [{"name": "Ban", "localizedName": "Ban", "expiry": 1}]}


def _of_every(call: str) -> tuple[Answer, ...]:
    """Return the answers that every call may get."""
    return (
        Answer(call, "key or client refused", 401, None, "our_fault", "docs: authentication"),
        Answer(call, "account or call not permitted", 403, None, "our_fault", "assumed: by a proxy in front"),
        Answer(call, "internal error", 500, None, "outage", "docs: errors"),
        Answer(call, "internal error with a body", 500, _EXCEPTION, "account", "issue 2594, 3091, 3222"),
        Answer(call, "a lambda fails", 512, _LAMBDA_FAILS, "account", "issue 2006"),
        Answer(call, "search index away", 503, None, "outage", "docs: errors"),
        Answer(call, "a webhook refuses", 504, _WEBHOOK_FAILS, "account", "docs: events-and-webhooks"),
        Answer(call, "too many requests", 429, None, "account", "assumed: a proxy, or a later version"),
        Answer(
            call, "redirect of a proxy", 302, None, "unreadable", "assumed: FusionAuth redirects no API call"
        ),
        Answer(
            call,
            "page of a gateway",
            404,
            "<h1>Not found</h1>",
            "unreadable",
            "assumed: its own 404 is empty",
        ),
    )


def _of_login(call: str) -> tuple[Answer, ...]:
    """Return the answers that both steps of a login share."""
    page = {
        "login": "docs: login",
        "two-factor": "docs: complete-mfa",
        "passwordless-login": "docs: complete-a-passwordless-login",
        "passkey-login": "docs: complete-a-webauthn-passkey-authentication",
    }[call]
    return (
        Answer(call, "not registered", 202, {"user": _USER}, "unregistered", page),
        *(
            Answer(
                call,
                f"password must be changed ({reason})",
                203,
                {"changePasswordId": "c" * 43, "changePasswordReason": reason},
                "password_change",
                page,
                edition,
            )
            for reason, edition in (
                ("Administrative", "Community"),
                ("Expired", "Community"),
                ("Validation", "Community"),
                ("Breached", "Starter"),
            )
        ),
        Answer(call, "e-mail address not verified", 212, {"user": _USER}, "unverified", page),
        Answer(call, "registration not verified", 213, {"user": _USER}, "unverified", page),
        Answer(call, "a validation lambda refuses", 400, _RESTRICTED, "restricted", "docs: login-validation"),
        Answer(
            call,
            "a validation lambda refuses a field",
            400,
            _errors("[unpaid]", "The plan is not paid.", "user.data.plan"),
            "restricted",
            "docs: login-validation",
        ),
        Answer(call, "several tenants, none named", 400, _TENANT, "our_fault", "docs: tenant authentication"),
        Answer(
            call,
            "application id is no id",
            400,
            _errors("[couldNotConvert]applicationId", "Invalid [applicationId].", "applicationId"),
            "our_fault",
            "client: fusionauth-php-client issue 16",
        ),
        Answer(call, "no JSON", 200, "<html></html>", "unreadable", "assumed: a proxy"),
        Answer(call, "without a user", 200, {}, "unreadable", "assumed: never"),
        Answer(call, "user without a registration", 200, {"user": _USER}, "unregistered", "docs: login"),
    )


ANSWERS: tuple[Answer, ...] = (
    *(answer for call in PATHS for answer in _of_every(call)),
    *_of_login("login"),
    Answer("login", "wrong password or unknown", 404, None, "credentials", "docs: login"),
    Answer("login", "a user action prevents it", 409, _ACTION, "credentials", "docs: login"),
    Answer("login", "user expired", 410, None, "credentials", "docs: login"),
    Answer("login", "user locked", 423, None, "credentials", "docs: login; issue 2524"),
    Answer(
        "login",
        "second factor due",
        242,
        {"twoFactorId": _TWO_FACTOR_ID, "methods": [{"id": "R2D2", "method": "authenticator"}]},
        "challenge",
        "docs: login",
    ),
    Answer(
        "login",
        "second factor due by mail",
        242,
        {
            "twoFactorId": _TWO_FACTOR_ID,
            "methods": [{"id": "C3PO", "method": "email", "email": "a@b.example"}],
        },
        "challenge",
        "docs: login",
        "Starter",
    ),
    Answer(
        "login",
        "second factor required, none set up",
        242,
        {"twoFactorId": _TWO_FACTOR_ID, "configurableMethods": ["authenticator", "email"]},
        "enrolment",
        "docs: login-response-codes, since 1.42",
    ),
    Answer(
        "login",
        "second factor required, none set up, and no authenticator allowed",
        242,
        {"twoFactorId": _TWO_FACTOR_ID, "configurableMethods": ["email"]},
        "no_second_factor",
        "docs: login-response-codes, since 1.42",
        "Starter",
    ),
    *_of_login("two-factor"),
    Answer("two-factor", "wrong code", 421, None, "code", "docs: complete-mfa"),
    Answer(
        "two-factor",
        "empty code",
        400,
        _errors("[blank]code", "You must specify the [code] property.", "code"),
        "code",
        "docs: errors",
    ),
    Answer("two-factor", "challenge over", 404, None, "late", "docs: complete-mfa"),
    Answer("two-factor", "a user action prevents it", 409, _ACTION, "credentials", "docs: complete-mfa"),
    Answer("two-factor", "user expired", 410, None, "credentials", "docs: complete-mfa"),
    Answer("two-factor", "user locked", 423, None, "credentials", "docs: complete-mfa"),
    *_of_login("passwordless-login"),
    Answer(
        "passwordless-login",
        "code unknown or too old",
        404,
        None,
        "late",
        "docs: complete-a-passwordless-login",
    ),
    Answer(
        "passwordless-login",
        "code wrong",
        400,
        _errors("[invalid]oneTimeCode", "The code is not valid.", "oneTimeCode"),
        "late",
        "assumed: docs have 404",
    ),
    Answer(
        "passwordless-login",
        "second factor due",
        242,
        {"twoFactorId": _TWO_FACTOR_ID, "methods": [{"id": "R2D2", "method": "authenticator"}]},
        "challenge",
        "docs: complete-a-passwordless-login",
    ),
    Answer(
        "passwordless-login", "user locked", 423, None, "credentials", "docs: complete-a-passwordless-login"
    ),
    Answer(
        "passwordless-start",
        "user not found",
        404,
        None,
        "unknown",
        "docs: start-passwordless-login",
    ),
    Answer(
        "passwordless-start",
        "no code of its own for the mail",
        200,
        {"code": "c" * 43},
        "our_fault",
        "docs: start-passwordless-login, before 1.59 or with ClickableLink",
    ),
    Answer(
        "passwordless-start",
        "not enabled",
        400,
        _errors("[PasswordlessDisabled]", "Passwordless login is not enabled."),
        "our_fault",
        "docs: start-passwordless-login; the code is assumed",
    ),
    *_of_login("passkey-login"),
    Answer("passkey-login", "signature wrong, or challenge over", 404, None, "passkey", "issue 3031"),
    Answer(
        "passkey-login",
        "credential not readable",
        400,
        _errors("[invalid]credential.id", "The credential is not valid.", "credential.id"),
        "passkey",
        "docs: complete-a-webauthn-passkey-authentication; the code is assumed",
    ),
    Answer(
        "passkey-login",
        "another origin than the request's",
        400,
        _errors("[invalid]origin", "The origin is not valid.", "origin"),
        "our_fault",
        "issue 3576",
    ),
    Answer(
        "passkey-login",
        "second factor due",
        242,
        {"twoFactorId": _TWO_FACTOR_ID, "methods": [{"id": "R2D2", "method": "authenticator"}]},
        "challenge",
        "docs: complete-a-webauthn-passkey-authentication",
    ),
    *(
        Answer(
            "passkey-login",
            case,
            status,
            body,
            "credentials",
            "docs: complete-a-webauthn-passkey-authentication",
        )
        for case, status, body in (
            ("a user action prevents it", 409, _ACTION),
            ("user expired", 410, None),
            ("user locked", 423, None),
        )
    ),
    Answer(
        "passkey-start",
        "user not found",
        404,
        None,
        "unknown",
        "docs: start-a-webauthn-passkey-assertion-or-authentication",
    ),
    Answer(
        "passkey-start",
        "user without a passkey",
        400,
        _errors("[NoPasskey]", "The user has no passkey."),
        "unknown",
        "assumed: not documented",
    ),
    Answer(
        "passkey-start",
        "user without a passkey, as an empty list",
        200,
        {"options": {"challenge": "c" * 43, "allowCredentials": []}},
        "unknown",
        "assumed: not documented",
    ),
    Answer(
        "passkey-start",
        "application id is no id",
        400,
        _errors("[couldNotConvert]applicationId", "Invalid [applicationId].", "applicationId"),
        "our_fault",
        "docs: errors",
    ),
    Answer("passkey-start", "without options", 200, {}, "unreadable", "assumed: never"),
    Answer(
        "passkey-options",
        "not enabled",
        400,
        _errors("[WebAuthnDisabled]", "WebAuthn is not enabled."),
        "our_fault",
        "docs: start-a-webauthn-passkey-registration; the code is assumed",
    ),
    Answer("passkey-options", "user gone", 404, None, "our_fault", "docs: errors"),
    Answer("passkey-options", "without a challenge", 200, {"options": {}}, "unreadable", "assumed: never"),
    Answer(
        "passkey-add",
        "the challenge is over, or was for somebody else",
        400,
        _errors("[invalid]credential.response", "The challenge is not valid.", "credential.response"),
        "passkey",
        "docs: complete-a-webauthn-passkey-registration; the code is assumed",
    ),
    Answer("passkey-add", "user gone", 404, None, "passkey", "docs: errors"),
    Answer(
        "passkey-add",
        "another origin than the request's",
        400,
        _errors("[invalid]origin", "The origin is not valid.", "origin"),
        "our_fault",
        "issue 3576",
    ),
    Answer(
        "passkey-add",
        "added",
        200,
        {"credential": {"id": "00000000-0000-4000-8000-000000000008"}},
        "done",
        "docs: complete-a-webauthn-passkey-registration",
    ),
    Answer("passkey-list", "user gone, or without passkeys", 404, None, "done", "docs: retrieve-a-passkey"),
    Answer("passkey-list", "empty", 200, {"credentials": []}, "done", "docs: retrieve-a-passkey"),
    Answer("passkey-list", "malformed", 400, None, "our_fault", "docs: errors"),
    Answer("passkey-list", "without an id", 200, {"credentials": [{}]}, "unreadable", "assumed: never"),
    Answer("passkey-remove", "removed", 200, None, "done", "docs: delete-a-passkey"),
    Answer("passkey-remove", "unknown", 404, None, "done", "docs: delete-a-passkey"),
    Answer(
        "passkey-remove",
        "id is no id",
        400,
        _errors("[couldNotConvert]id", "Invalid [id].", "id"),
        "our_fault",
        "docs: errors",
    ),
    Answer("passwordless-send", "sent", 200, None, "done", "docs: send-passwordless-login"),
    Answer(
        "passwordless-send",
        "code unknown",
        400,
        _errors("[invalid]code", "The code is not valid.", "code"),
        "our_fault",
        "docs: send-passwordless-login",
    ),
    Answer("tokens", "none", 200, None, "done", "issue 1311"),
    Answer("tokens", "user gone", 404, None, "done", "docs: retrieve-refresh-tokens"),
    Answer("tokens", "malformed", 400, None, "unreadable", "docs: retrieve-refresh-tokens"),
    Answer("sign-up", "created", 200, {"user": _USER}, "done", "docs: create-a-user-and-registration"),
    Answer(
        "sign-up",
        "address taken",
        400,
        _errors("[duplicate]user.email", "A User with this address exists.", "user.email"),
        "taken",
        "docs: errors",
    ),
    Answer(
        "sign-up",
        "password too short",
        400,
        _errors("[tooShort]user.password", "The password is too short.", "user.password"),
        "input",
        "docs: errors",
    ),
    Answer(
        "sign-up",
        "application id is no id",
        400,
        _errors("[couldNotConvert]registration.applicationId", "Invalid.", "registration.applicationId"),
        "our_fault",
        "docs: errors",
    ),
    Answer("sign-up", "accepted without a user", 202, None, "unreadable", "assumed: never"),
    Answer("forgotten", "sent", 200, {"changePasswordId": "c" * 43}, "done", "docs: start-forgot-password"),
    Answer("forgotten", "user not found", 404, None, "done", "docs: start-forgot-password"),
    Answer(
        "forgotten",
        "no template for the mail",
        422,
        _errors("[NoEmailTemplate]", "There is no template."),
        "our_fault",
        "docs: start-forgot-password",
    ),
    Answer("change-password", "changed", 200, {"oneTimePassword": "o"}, "done", "docs: change-a-password"),
    Answer("change-password", "link spent or too old", 404, None, "late", "docs: change-a-password"),
    Answer(
        "change-password",
        "password used before",
        400,
        _errors("[previouslyUsed]password", "The password was used before.", "password"),
        "input",
        "docs: errors",
    ),
    Answer(
        "change-password",
        "application id is no id",
        400,
        _errors("[couldNotConvert]applicationId", "Invalid [applicationId].", "applicationId"),
        "our_fault",
        "docs: errors",
    ),
    Answer("change-password", "user locked", 423, None, "unreadable", "assumed: as at a login"),
    Answer("send", "sent", 200, None, "done", "docs: send-a-multi-factor-code"),
    Answer("send", "challenge over", 404, None, "late", "docs: send-a-multi-factor-code"),
    Answer(
        "send",
        "no such method",
        400,
        _errors("[invalid]methodId", "The method is unknown.", "methodId"),
        "our_fault",
        "docs: send-a-multi-factor-code",
    ),
    Answer(
        "set-up",
        "set up, with the login's code",
        200,
        {"code": "123456", "recoveryCodes": ["ABCDE-12345"]},
        "done",
        "docs: enable-multi-factor, since 1.42",
    ),
    Answer("set-up", "set up, not the first method", 200, None, "done", "docs: enable-multi-factor"),
    Answer("set-up", "wrong code", 421, None, "code", "docs: enable-multi-factor"),
    Answer("set-up", "user gone", 404, None, "late", "docs: enable-multi-factor"),
    Answer(
        "set-up",
        "challenge over",
        400,
        _errors("[invalid]twoFactorId", "The twoFactorId is not valid.", "twoFactorId"),
        "late",
        "assumed: docs: enable-multi-factor has 400 alone",
    ),
    Answer(
        "set-up",
        "method not enabled",
        400,
        _errors("[notEnabled]", "The method is not enabled in the tenant."),
        "our_fault",
        "docs: enable-multi-factor",
    ),
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
        _errors("[tokenRefreshDisabled]", "The application does not allow it."),
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
    Answer("user", "deleted", 404, None, "no_roles", "docs: retrieve-a-user"),
    Answer(
        "user", "deactivated", 200, {"user": _USER | {"active": False}}, "no_roles", "docs: retrieve-a-user"
    ),
    Answer("user", "not registered any more", 200, {"user": _USER}, "no_roles", "issue 1748"),
    Answer("user", "without a user", 200, {}, "unreadable", "assumed: never"),
    Answer("revoke", "revoked", 200, None, "done", "docs: revoke-refresh-tokens"),
    Answer("revoke", "unknown, or expired", 404, None, "done", "issue 1772"),
    Answer("delete", "deleted", 200, None, "done", "docs: users"),
    Answer("delete", "unknown", 404, None, "done", "docs: users"),
    Answer(
        "revoke",
        "user id is no id",
        400,
        _errors("[couldNotConvert]userId", "Invalid [userId].", "userId"),
        "our_fault",
        "docs: revoke-refresh-tokens",
    ),
)

BY_NAME = {answer.name: answer for answer in ANSWERS}
