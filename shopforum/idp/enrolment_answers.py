"""Read FusionAuth's answers to the set-up of an authenticator, for a user who must have a second factor and has none."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ..core.text import clean
from ..sessions import AuthorityMisconfigured
from .answer_fields import error_codes, read_field, read_uuid, unknown, wrong_field
from .login_answers import LoginRefused


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
    user = read_field(body, "user", dict)
    if read_field(read_field(user, "twoFactor", dict, default={}), "methods", list, default=[]):
        raise LoginRefused("challenge", status)
    return read_uuid(user.get("id"))


def enrolled(status: int, body: Any, user_id: UUID) -> Enrolled:
    """Read the answer to a set-up of an authenticator. Raises LoginRefused (`code`, `challenge`)."""
    if status == 421 or (status == 400 and wrong_field(body, "code")):
        raise LoginRefused("code", status)
    if unknown(status, body) or (status == 400 and wrong_field(body, "twoFactorId")):
        raise LoginRefused("challenge", status)
    if status != 200:
        raise AuthorityMisconfigured(
            f"FusionAuth answered the set-up of an authenticator with {status} ({error_codes(body)})"
        )
    # Without a challenge that is still alive there is no code, and after the first method no recovery codes.
    codes_listed = read_field(body or {}, "recoveryCodes", list, default=[])
    return Enrolled(
        user_id,
        read_field(body or {}, "code", str, default=""),
        tuple(clean(str(code), 100) for code in codes_listed),
    )
