"""What FusionAuth's answers mean: a login, a challenge, a refusal; anything that is none of these is a fault."""

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..core.text import clean
from ..sessions import AuthorityMisconfigured, AuthorityUnavailable


@dataclass(frozen=True)
class LoginAnswer:
    """A complete login: the right password (and second factor), by somebody registered for this application."""

    user_id: UUID
    name: str
    email: str
    roles: tuple[str, ...]
    refresh_token: str | None = field(repr=False)
    refresh_token_id: UUID | None


class TwoFactorRequired(Exception):
    """The password was right, a second factor is due. `methods` are `(id, kind, hint)`."""

    def __init__(self, two_factor_id: str, methods: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__("a second factor is due")
        self.two_factor_id = two_factor_id
        self.methods = methods


class AccountFault(AuthorityUnavailable):
    """FusionAuth answered with an error that may concern this account alone, and says nothing about the others."""


class LoginRefused(Exception):
    """No login. `kind` is for the log and, where the password was right, for the person.

    It is one of:
    `credentials` (unknown, wrong, locked, expired or prevented: told apart to nobody, since FusionAuth answers some
    of them to a wrong password too), `unregistered`, `password_change`, `unverified`, `restricted` (by a lambda of the
    customer's, whose `code` says why), `no_second_factor` (one is required and none is set up), `code` (a wrong second
    factor), `challenge` (a second factor that came too late).
    """

    def __init__(self, kind: str, status: int, code: str = "") -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.code = code


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
    """Read a 200 of the Login API. Raises LoginRefused where the user is not registered, AuthorityUnavailable where
    the answer is not what FusionAuth says.
    """
    user = _field(body, "user", dict)
    roles = _roles(user, application_id)
    if roles is None:
        raise LoginRefused("unregistered", 200)
    email = _field(user, "email", str, default="")
    # As FusionAuth shows people itself.
    name = str(user.get("fullName") or "")
    name = name or " ".join(str(user[key]) for key in ("firstName", "lastName") if user.get(key))
    token_id = body.get("refreshTokenId")
    return LoginAnswer(
        user_id=_uuid(user.get("id")),
        name=clean(name or str(user.get("username") or email), 200),
        email=clean(email, 320),
        roles=roles,
        refresh_token=_field(body, "refreshToken", str, default=None),
        refresh_token_id=_uuid(token_id) if token_id else None,
    )


def bad_request(body: Any) -> LoginRefused | AuthorityMisconfigured:
    """Read a 400 of a login, which is never a wrong password.

    A login validation lambda refuses with it, in codes of the customer's. FusionAuth's own codes name what is missing or
    wrong in the request: our mistake.
    """
    for code in _codes(body):
        if not _OURS.match(code):
            return LoginRefused("restricted", 400, clean(code, 100))
    return AuthorityMisconfigured(
        f"FusionAuth answered a login with 400 ({clean(', '.join(_codes(body)), 200)})"
    )


_OURS = re.compile(
    r"\[(blank|couldNotConvert|missing|invalid|TenantIdRequired|invalidJSON|invalidContentType)\]"
)


def wrong_field(body: Any, name: str) -> bool:
    """Whether a 400 speaks of this field of the request."""
    fields = body.get("fieldErrors") if isinstance(body, dict) else None
    return isinstance(fields, dict) and name in fields


def _codes(body: Any) -> list[str]:
    """The codes of an `Errors` body, those of no field first."""
    if not isinstance(body, dict):
        return []
    fields = body.get("fieldErrors")
    lists = [body.get("generalErrors"), *(fields.values() if isinstance(fields, dict) else ())]
    errors = [one for found in lists if isinstance(found, list) for one in found if isinstance(one, dict)]
    return [str(one.get("code") or "") for one in errors]


def roles(body: Any, application_id: str) -> tuple[str, ...] | None:
    """The roles of a user that was asked for; None where the account is not active or not registered."""
    user = _field(body, "user", dict)
    return _roles(user, application_id) if _field(user, "active", bool) else None


def _roles(user: Any, application_id: str) -> tuple[str, ...] | None:
    for registration in _field(user, "registrations", list, default=[]):
        if isinstance(registration, dict) and same_id(registration.get("applicationId"), application_id):
            return tuple(sorted(str(role) for role in _field(registration, "roles", list, default=[])))
    return None


def same_id(one: Any, other: str) -> bool:
    """Compare two ids by their value: an operator may have written one in capitals."""
    found = parse_uuid(one) if isinstance(one, str) else None
    return found is not None and found == parse_uuid(other)


def two_factor(body: Any) -> TwoFactorRequired:
    """Read a 242: the challenge's id and what may answer it. Raises LoginRefused where nothing may: a second factor is
    required of somebody who has none.
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
    if not methods:
        raise LoginRefused("no_second_factor", 242)
    return TwoFactorRequired(_field(body, "twoFactorId", str), methods)


def claims(token: str) -> dict[str, Any]:
    """The claims of a JWT that came straight from FusionAuth, in the answer that is being read.

    The signature is not checked: the token is read for its subject and thrown away, and nobody else could have put
    it into that answer. It is never accepted from a browser.
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
    """Whether an answer says that the refresh token is dead, in any of the ways that mean it.

    The published workflow says 404; servers answer 400 with `[invalid]refreshToken` from one endpoint and
    `invalid_grant` from the other. 409, 410 and 423 speak of the user, whose login is prevented, expired or locked. Every
    other 4xx speaks of us, not of the token.
    """
    if unknown(status, body) or status in (409, 410, 423):
        return True
    if status != 400 or not isinstance(body, dict):
        return False
    return body.get("error") == "invalid_grant" or wrong_field(body, "refreshToken")


def unknown(status: int, body: Any) -> bool:
    """Whether FusionAuth says that what was asked for is not there. Its 404 has no body; one that has is a gateway's
    before it, which says nothing about tokens and users.
    """
    return status == 404 and not body


def uuid_or_unavailable(value: Any) -> UUID:
    """A UUID from an answer. Raises AuthorityUnavailable."""
    return _uuid(value)


def _uuid(value: Any) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise AuthorityUnavailable("the answer has no proper id") from None


_REQUIRED: Any = object()


def _field(body: Any, name: str, kind: type, default: Any = _REQUIRED) -> Any:
    """A member of an answer, of the type it has to have."""
    value = body.get(name) if isinstance(body, dict) else None
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind):
        raise AuthorityUnavailable(f"the answer has no proper {name}")
    return value
