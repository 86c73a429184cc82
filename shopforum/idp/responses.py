"""The meaning of FusionAuth's answers: a login, a challenge or a refusal. Any other answer is a fault."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..core.text import clean
from ..sessions import AuthorityMisconfigured, AuthorityUnavailable


@dataclass(frozen=True)
class Account:
    """A user who is registered for this application, as FusionAuth knows the user now. `name` is never empty."""

    user_id: UUID
    name: str
    email: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class LoginAnswer(Account):
    """A complete login: the right password (and second factor) of a user who is registered for this application."""

    refresh_token: str | None = field(repr=False)
    refresh_token_id: UUID | None
    # FusionAuth's id of the trust in this browser, where it was asked to trust it.
    trust_id: str | None = field(default=None, repr=False)


class TwoFactorRequired(Exception):
    """The password was right, and a second factor is due. `methods` are `(id, kind, hint)`; without any, the user has to set up an
    authenticator first.
    """

    def __init__(self, two_factor_id: str, methods: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__("a second factor is due")
        self.two_factor_id = two_factor_id
        self.methods = methods


class AccountFault(AuthorityUnavailable):
    """FusionAuth answered with an error that may concern this account alone, and says nothing about other accounts. `status` is
    its status.
    """

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class LoginRefused(Exception):
    """The login is refused.

    `kind` is for the log and, where the password was right, for the user. It is one of:

    - `credentials`: unknown, wrong, locked, expired or prevented. They are not told apart, since FusionAuth answers some of
      them to a wrong password too
    - `unregistered`, `password_change`, `unverified`
    - `closing`: the account is to be deleted
    - `restricted`: by a lambda of the customer's. `code` says why, for the log, and `text` in words for the user
    - `no_second_factor`: one is required and none is set up, nor can it be set up here
    - `code`: a wrong second factor
    - `challenge`: a second factor that came too late
    - `passkey`: a passkey that is not this user's, or that signed something else

    `change_password_id` comes with `password_change`: the right to set a new password. It is a secret. `user_id` comes with
    `unregistered` and `closing`: the user who has given the right password.
    """

    def __init__(
        self,
        kind: str,
        status: int,
        code: str = "",
        text: str = "",
        change_password_id: str = "",
        user_id: UUID | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.code = code
        self.text = text
        self.change_password_id = change_password_id
        self.user_id = user_id


class InputRefused(Exception):
    """FusionAuth refuses what a person has typed. `errors` has its messages, by `email`, `password`, `name` or `""`."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("FusionAuth refuses the input")
        self.errors = errors


class AddressTaken(Exception):
    """A user with this e-mail address exists already."""


# Statuses of /api/login other than 200, 242 and 400 (FUSIONAUTH: only 200 is a login, though all 2xx look like success).
REFUSALS = {
    202: "unregistered",
    203: "password_change",
    212: "unverified",
    213: "unverified",
    404: "credentials",
    409: "credentials",
    410: "credentials",
    423: "credentials",
}


def login(body: Any, application_id: str) -> LoginAnswer:
    """Read a 200 of the Login API. Raises LoginRefused where the user is not registered, AuthorityUnavailable where the
    answer is not a valid one of FusionAuth.
    """
    found = _account(_field(body, "user", dict), application_id)
    if found is None:
        raise LoginRefused("unregistered", 200)
    token_id = body.get("refreshTokenId")
    return LoginAnswer(
        **vars(found),
        refresh_token=_field(body, "refreshToken", str, default=None),
        refresh_token_id=_uuid(token_id) if token_id else None,
        trust_id=_field(body, "twoFactorTrustId", str, default=None),
    )


def refused_user(status: int, body: Any) -> UUID | None:
    """Return the user of a 202, who has given the right password and is not registered; None for other answers."""
    user = body.get("user") if status == 202 and isinstance(body, dict) else None
    return parse_uuid(str(user.get("id"))) if isinstance(user, dict) else None


# The person's fields by FusionAuth's names of them.
_TYPED = {"user.email": "email", "user.password": "password", "password": "password", "user.fullName": "name"}


def refused_input(body: Any) -> AddressTaken | InputRefused | AuthorityMisconfigured:
    """Read a 400 of a sign-up or of a change of the password."""
    found = errors(body)
    if any(error.code.startswith("[duplicate]user.email") for error in found):
        return AddressTaken()
    ours = [error for error in found if _FAULTS.match(error.code) and error.field not in _TYPED]
    if ours or not found:
        codes = ", ".join(error.code for error in found)
        return AuthorityMisconfigured(f"FusionAuth refused an account's data with 400 ({codes[:200]})")
    typed: dict[str, list[str]] = {}
    for error in found:
        typed.setdefault(_TYPED.get(error.field, ""), []).append(error.message or error.code)
    return InputRefused(typed)


def change_password_id(status: int, body: Any) -> str:
    """Return the right to set a new password that comes with a 203; empty for other answers."""
    return str(_field(body, "changePasswordId", str, default="")) if status == 203 else ""


def bad_request(body: Any) -> LoginRefused | AuthorityMisconfigured:
    """Read a 400 of a login, which is never a wrong password.

    A customer's login validation lambda refuses with it, in codes of its own. FusionAuth's codes name what is missing or
    wrong in the request, which is a fault of this application.
    """
    found = errors(body)
    for error in found:
        if not _FAULTS.match(error.code):
            return LoginRefused("restricted", 400, error.code, error.message)
    codes = ", ".join(error.code for error in found)
    return AuthorityMisconfigured(f"FusionAuth answered a login with 400 ({codes[:200]})")


_FAULTS = re.compile(
    r"\[(blank|couldNotConvert|missing|invalid|TenantIdRequired|invalidJSON|invalidContentType)\]"
)


def wrong_field(body: Any, name: str) -> bool:
    """Return whether a 400 names this field of the request."""
    fields = body.get("fieldErrors") if isinstance(body, dict) else None
    return isinstance(fields, dict) and name in fields


@dataclass(frozen=True)
class Error:
    """One error of an `Errors` body. `field` is the field of the request that it is about, or empty."""

    field: str
    code: str
    message: str


def errors(body: Any) -> list[Error]:
    """Return the errors of an `Errors` body, general errors first."""
    if not isinstance(body, dict):
        return []
    fields = body.get("fieldErrors")
    groups = [("", body.get("generalErrors")), *(fields.items() if isinstance(fields, dict) else ())]
    return [
        Error(str(name), clean(str(one.get("code") or ""), 100), clean(str(one.get("message") or ""), 300))
        for name, found in groups
        if isinstance(found, list)
        for one in found
        if isinstance(one, dict)
    ]


def user_id(status: int, body: Any) -> UUID:
    """Read the answer to a request for the user of a changePasswordId. Raises LoginRefused (`challenge`) where there is none."""
    if unknown(status, body):
        raise LoginRefused("challenge", status)
    if status != 200:
        raise AuthorityMisconfigured(f"FusionAuth answered a request for a user with {status}")
    return _uuid(_field(body, "user", dict).get("id"))


def account(body: Any, application_id: str) -> Account | None:
    """Read the answer to a request for a user; None where the account is not active or not registered here."""
    user = _field(body, "user", dict)
    return _account(user, application_id) if _field(user, "active", bool) else None


def _account(user: Any, application_id: str) -> Account | None:
    roles, user_id = _roles(user, application_id), _uuid(user.get("id"))
    if roles is None:
        return None
    email = clean(_field(user, "email", str, default=""), 320)
    return Account(user_id, shown_name(user, user_id, email), email, roles)


def shown_name(user: Mapping[str, Any], user_id: UUID, email: str) -> str:
    """Return a name for FusionAuth's user object: the one that FusionAuth itself shows first, or what else there is.

    Of a phone number, which is private, only the end is shown.
    """
    parts = " ".join(str(user[key]) for key in ("firstName", "lastName") if user.get(key))
    phone = str(user.get("phoneNumber") or user.get("mobilePhone") or "") if not user.get("email") else ""
    found = user.get("fullName") or parts or user.get("username") or (phone and f"Phone …{phone[-2:]}")
    return clean(str(found or ""), 200) or email[:200] or f"User {str(user_id)[:8]}"


def _roles(user: Any, application_id: str) -> tuple[str, ...] | None:
    for registration in _field(user, "registrations", list, default=[]):
        if isinstance(registration, dict) and same_id(registration.get("applicationId"), application_id):
            return tuple(sorted(str(role) for role in _field(registration, "roles", list, default=[])))
    return None


def same_id(one: Any, other: str) -> bool:
    """Compare two ids by value: an operator may have written one in capitals."""
    found = parse_uuid(one) if isinstance(one, str) else None
    return found is not None and found == parse_uuid(other)


def two_factor(body: Any) -> TwoFactorRequired:
    """Read a 242: the challenge's id and the methods that may answer it; none where an authenticator may be set up.

    Raises LoginRefused where a second factor is required of a user who has set up none, and it can be no authenticator.
    """
    methods = tuple(
        (
            str(method.get("id", "")),
            str(method.get("method", "")),
            str(method.get("email") or method.get("mobilePhone") or ""),
        )
        for method in _field(body, "methods", list, default=[])
        if isinstance(method, dict)
    )
    two_factor_id = _field(body, "twoFactorId", str, default=None)
    configurable = _field(body, "configurableMethods", list, default=[])
    if not methods and (two_factor_id is None or "authenticator" not in configurable):
        raise LoginRefused("no_second_factor", 242)
    return TwoFactorRequired(_field(body, "twoFactorId", str), methods)


@dataclass(frozen=True)
class MailCode:
    """A code that FusionAuth has mailed, and its id of the login that the code completes. Both are secrets."""

    login_id: str = field(repr=False)
    code: str = field(repr=False)


def mail_code(status: int, body: Any) -> MailCode | None:
    """Read the answer to the start of a passwordless login; None where nobody has the address.

    Raises AuthorityMisconfigured without a code of its own for the mail: the id alone would then log in.
    """
    if unknown(status, body):
        return None
    login_id, code = (
        _field(body if status == 200 else {}, name, str, default="") for name in ("code", "oneTimeCode")
    )
    if not 0 < len(login_id) <= 200 or not 0 < len(code) <= 64 or login_id == code:
        codes = ", ".join(error.code for error in errors(body))
        raise AuthorityMisconfigured(f"FusionAuth starts no login by a code ({status}, {codes[:200]})")
    return MailCode(login_id, code)


@dataclass(frozen=True)
class Passkey:
    """A passkey of a user, as FusionAuth lists it. `used_at` is the moment of its last login, or of its creation."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime


def passkey_challenge(status: int, body: Any) -> str | None:
    """Read the answer to the start of a login by passkey; None for a user who does not exist or has no passkey.

    FusionAuth does not document what it answers for a user without passkeys. A 400 that names none of our fields is read as such an answer.
    """
    if unknown(status, body):
        return None
    if status == 400 and not any(_FAULTS.match(error.code) for error in errors(body)):
        return None
    options = _options(status, body)
    return str(_field(options, "challenge", str)) if options.get("allowCredentials") else None


def passkey_options(status: int, body: Any) -> dict[str, Any]:
    """Read the answer to the start of a new passkey: the options for the browser. Raises AuthorityUnavailable."""
    options = _options(status, body)
    _field(options, "challenge", str)
    _field(_field(options, "user", dict), "id", str)
    return options


def _options(status: int, body: Any) -> dict[str, Any]:
    if status != 200:
        codes = ", ".join(error.code for error in errors(body))
        raise AuthorityMisconfigured(f"FusionAuth starts nothing with a passkey ({status}, {codes[:200]})")
    return dict(_field(body, "options", dict))


def passkey_refused(status: int, body: Any) -> bool:
    """Return whether FusionAuth refuses what a browser's authenticator has signed.

    Its answer to a wrong signature is an empty 404. A 400 may name a part of the credential, which is the browser's alone.
    """
    return unknown(status, body) or (
        status == 400 and any(error.field.startswith("credential") for error in errors(body))
    )


def passkeys(status: int, body: Any) -> tuple[Passkey, ...]:
    """Read a list of passkeys, the newest first; an empty 404 is an empty list. Raises AuthorityUnavailable."""
    if unknown(status, body):
        return ()
    if status != 200:
        raise AuthorityMisconfigured(f"FusionAuth answered a request for passkeys with {status}")
    found = [
        Passkey(
            _uuid(_field(one, "id", str)),
            clean(_field(one, "displayName", str, default=""), 100) or "Passkey",
            _instant(one.get("insertInstant")),
            _instant(one.get("lastUseInstant") or one.get("insertInstant")),
        )
        for one in _field(body or {}, "credentials", list, default=[])
    ]
    return tuple(sorted(found, key=lambda one: (one.created_at, one.id), reverse=True))


@dataclass(frozen=True)
class Enrolled:
    """An authenticator that has been set up. `code` completes the login, once; `recovery_codes` are shown this one time."""

    user_id: UUID
    code: str = field(repr=False)
    recovery_codes: tuple[str, ...] = field(repr=False)


def without_methods(status: int, body: Any) -> UUID:
    """Read the answer to a request for a user who is about to set up a second factor; return the user's id.

    Raises LoginRefused (`challenge`) where there is no such user, or one has been set up meanwhile: the password alone must not
    add another.
    """
    if unknown(status, body):
        raise LoginRefused("challenge", status)
    if status != 200:
        raise AuthorityMisconfigured(f"FusionAuth answered a request for a user with {status}")
    user = _field(body, "user", dict)
    if _field(_field(user, "twoFactor", dict, default={}), "methods", list, default=[]):
        raise LoginRefused("challenge", status)
    return _uuid(user.get("id"))


def enrolled(status: int, body: Any, user_id: UUID) -> Enrolled:
    """Read the answer to a set-up of an authenticator. Raises LoginRefused (`code`, `challenge`)."""
    if status == 421 or (status == 400 and wrong_field(body, "code")):
        raise LoginRefused("code", status)
    if unknown(status, body) or (status == 400 and wrong_field(body, "twoFactorId")):
        raise LoginRefused("challenge", status)
    if status != 200:
        codes = ", ".join(error.code for error in errors(body))
        raise AuthorityMisconfigured(
            f"FusionAuth answered the set-up of an authenticator with {status} ({codes[:200]})"
        )
    # Without a challenge that is still alive there is no code, and after the first method no recovery codes.
    codes_listed = _field(body or {}, "recoveryCodes", list, default=[])
    return Enrolled(
        user_id,
        _field(body or {}, "code", str, default=""),
        tuple(clean(str(code), 100) for code in codes_listed),
    )


def claims(token: str) -> dict[str, Any]:
    """Return the claims of a JWT that came straight from FusionAuth, in the answer that is being read.

    The signature is not checked: the token is read for its subject and discarded, and only FusionAuth can have put it into
    its own answer. It is never accepted from a browser.
    """
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, RecursionError, binascii.Error):
        raise AuthorityUnavailable("the answer's token cannot be read") from None
    if not isinstance(found, dict):
        raise AuthorityUnavailable("the answer's token cannot be read")
    return found


def refresh_token_dead(status: int, body: Any) -> bool:
    """Return whether an answer says that the refresh token is dead, in any of the ways that FusionAuth says it.

    The published workflow says 404; servers answer 400 with `[invalid]refreshToken` from one endpoint and `invalid_grant`
    from the other. 409, 410 and 423 are about the user, whose login is prevented, expired or locked. Every other 4xx is
    about this application, not about the token.
    """
    if unknown(status, body) or status in (409, 410, 423):
        return True
    if status != 400 or not isinstance(body, dict):
        return False
    return body.get("error") == "invalid_grant" or wrong_field(body, "refreshToken")


def unknown(status: int, body: Any) -> bool:
    """Return whether FusionAuth says that the token or the user does not exist.

    Its 404 has no body. A 404 with a body comes from a gateway and says nothing about tokens and users.
    """
    return status == 404 and not body


def uuid_or_unavailable(value: Any) -> UUID:
    """Read a UUID of an answer. Raises AuthorityUnavailable."""
    return _uuid(value)


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise AuthorityUnavailable("the answer has no proper id") from None


_REQUIRED: Any = object()


def _field(body: Any, name: str, kind: type, default: Any = _REQUIRED) -> Any:
    """Return a member of an answer. Raises AuthorityUnavailable where it is missing or has another type."""
    value = body.get(name) if isinstance(body, dict) else None
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind):
        raise AuthorityUnavailable(f"the answer has no proper {name}")
    return value


# FusionAuth lists at most so many tokens of a user.
_MOST_LISTED = 1000


@dataclass(frozen=True)
class IssuedToken:
    """A refresh token that FusionAuth lists, without its value: its id, its application and when it was issued."""

    id: UUID
    application_id: str
    issued_at: datetime


@dataclass(frozen=True)
class IssuedTokens:
    """The refresh tokens of a user. `complete` is False where FusionAuth may have more than it lists."""

    tokens: tuple[IssuedToken, ...]
    complete: bool


def issued_tokens(status: int, body: Any) -> IssuedTokens:
    """Read a list of refresh tokens. A blank 200 is an empty list (issue 1311). Raises AuthorityUnavailable."""
    if status == 404 and unknown(status, body):
        return IssuedTokens((), complete=True)
    listed = (body or {}).get("refreshTokens") or [] if isinstance(body, dict | None) else None
    if status != 200 or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise AuthorityUnavailable(f"FusionAuth answered a list of tokens with {status}")
    found = [
        # A token of single sign-on has no application.
        IssuedToken(
            _uuid(one.get("id")), str(one.get("applicationId") or ""), _instant(one.get("insertInstant"))
        )
        for one in listed
    ]
    return IssuedTokens(tuple(found), complete=len(found) < _MOST_LISTED)


def _instant(value: Any) -> datetime:
    """Read an instant, milliseconds since 1970. Raises AuthorityUnavailable."""
    try:
        return datetime.fromtimestamp(float(value) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise AuthorityUnavailable("the answer has no proper instant") from None
