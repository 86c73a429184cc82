"""Read FusionAuth's answers to the steps of a login: a login, a challenge or a refusal. Any other answer is a fault."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..sessions import AuthorityMisconfigured
from .answer_fields import FAULTS, error_codes, errors, read_field, read_uuid, unknown
from .user_answers import Account, registered


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
    found = registered(read_field(body, "user", dict), application_id)
    if found is None:
        raise LoginRefused("unregistered", 200)
    token_id = body.get("refreshTokenId")
    return LoginAnswer(
        **vars(found),
        refresh_token=read_field(body, "refreshToken", str, default=None),
        refresh_token_id=read_uuid(token_id) if token_id else None,
        trust_id=read_field(body, "twoFactorTrustId", str, default=None),
    )


def refused_user(status: int, body: Any) -> UUID | None:
    """Return the user of a 202, who has given the right password and is not registered; None for other answers."""
    user = body.get("user") if status == 202 and isinstance(body, dict) else None
    return parse_uuid(str(user.get("id"))) if isinstance(user, dict) else None


def change_password_id(status: int, body: Any) -> str:
    """Return the right to set a new password that comes with a 203; empty for other answers."""
    return str(read_field(body, "changePasswordId", str, default="")) if status == 203 else ""


def bad_request(body: Any) -> LoginRefused | AuthorityMisconfigured:
    """Read a 400 of a login, which is never a wrong password.

    A customer's login validation lambda refuses with it, in codes of its own. FusionAuth's codes name what is missing or
    wrong in the request, which is a fault of this application.
    """
    found = errors(body)
    for error in found:
        if not FAULTS.match(error.code):
            return LoginRefused("restricted", 400, error.code, error.message)
    return AuthorityMisconfigured(f"FusionAuth answered a login with 400 ({error_codes(body)})")


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
        for method in read_field(body, "methods", list, default=[])
        if isinstance(method, dict)
    )
    two_factor_id = read_field(body, "twoFactorId", str, default=None)
    configurable = read_field(body, "configurableMethods", list, default=[])
    if not methods and (two_factor_id is None or "authenticator" not in configurable):
        raise LoginRefused("no_second_factor", 242)
    return TwoFactorRequired(read_field(body, "twoFactorId", str), methods)


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
        read_field(body if status == 200 else {}, name, str, default="") for name in ("code", "oneTimeCode")
    )
    if not 0 < len(login_id) <= 200 or not 0 < len(code) <= 64 or login_id == code:
        raise AuthorityMisconfigured(f"FusionAuth starts no login by a code ({status}, {error_codes(body)})")
    return MailCode(login_id, code)
