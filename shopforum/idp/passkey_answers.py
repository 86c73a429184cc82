"""Read FusionAuth's answers about passkeys: a challenge, the options for a new one, a refusal, a user's list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..core.text import clean
from ..sessions import AuthorityMisconfigured
from .answer_fields import FAULTS, error_codes, errors, read_field, read_instant, read_uuid, unknown


@dataclass(frozen=True)
class Passkey:
    """A passkey of a user, as FusionAuth lists it. `used_at` is the moment of its last login, or of its creation."""

    id: UUID
    name: str
    created_at: datetime
    used_at: datetime


def challenge(status: int, body: Any) -> str | None:
    """Read the answer to the start of a login by passkey; None for a user who does not exist or has no passkey.

    FusionAuth does not document what it answers for a user without passkeys. A 400 that names none of our fields is read as such an answer.
    """
    if unknown(status, body):
        return None
    if status == 400 and not any(FAULTS.match(error.code) for error in errors(body)):
        return None
    found = _options(status, body)
    return str(read_field(found, "challenge", str)) if found.get("allowCredentials") else None


def options(status: int, body: Any) -> dict[str, Any]:
    """Read the answer to the start of a new passkey: the options for the browser. Raises AuthorityUnavailable."""
    found = _options(status, body)
    read_field(found, "challenge", str)
    read_field(read_field(found, "user", dict), "id", str)
    return found


def _options(status: int, body: Any) -> dict[str, Any]:
    if status != 200:
        raise AuthorityMisconfigured(
            f"FusionAuth starts nothing with a passkey ({status}, {error_codes(body)})"
        )
    return dict(read_field(body, "options", dict))


def refused(status: int, body: Any) -> bool:
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
            read_uuid(read_field(one, "id", str)),
            clean(read_field(one, "displayName", str, default=""), 100) or "Passkey",
            read_instant(one.get("insertInstant")),
            read_instant(one.get("lastUseInstant") or one.get("insertInstant")),
        )
        for one in read_field(body or {}, "credentials", list, default=[])
    ]
    return tuple(sorted(found, key=lambda one: (one.created_at, one.id), reverse=True))
