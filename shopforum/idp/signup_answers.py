"""Read FusionAuth's answers to a sign-up and to a change of the password, which may refuse what a person has typed."""

from typing import Any
from uuid import UUID

from ..sessions import AuthorityMisconfigured
from .answer_fields import FAULTS, error_codes, errors, read_field, read_uuid, unknown
from .login_answers import LoginRefused


class InputRefused(Exception):
    """FusionAuth refuses what a person has typed. `errors` has its messages, by `email`, `password`, `name` or `""`."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("FusionAuth refuses the input")
        self.errors = errors


class AddressTaken(Exception):
    """A user with this e-mail address exists already."""


# The person's fields by FusionAuth's names of them.
_TYPED = {"user.email": "email", "user.password": "password", "password": "password", "user.fullName": "name"}


def refused_input(body: Any) -> AddressTaken | InputRefused | AuthorityMisconfigured:
    """Read a 400 of a sign-up or of a change of the password."""
    found = errors(body)
    if any(error.code.startswith("[duplicate]user.email") for error in found):
        return AddressTaken()
    ours = [error for error in found if FAULTS.match(error.code) and error.field not in _TYPED]
    if ours or not found:
        return AuthorityMisconfigured(f"FusionAuth refused an account's data with 400 ({error_codes(body)})")
    typed: dict[str, list[str]] = {}
    for error in found:
        typed.setdefault(_TYPED.get(error.field, ""), []).append(error.message or error.code)
    return InputRefused(typed)


def user_id(status: int, body: Any) -> UUID:
    """Read the answer to a request for the user of a changePasswordId. Raises LoginRefused (`challenge`) where there is none."""
    if unknown(status, body):
        raise LoginRefused("challenge", status)
    if status != 200:
        raise AuthorityMisconfigured(f"FusionAuth answered a request for a user with {status}")
    return read_uuid(read_field(body, "user", dict).get("id"))
