"""Read a user of FusionAuth: the name to show, and the roles in one application."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..core.ids import parse_uuid
from ..core.text import clean
from .answer_fields import read_field, read_uuid


@dataclass(frozen=True)
class Account:
    """A user who is registered for this application, as FusionAuth knows the user now. `name` is never empty."""

    user_id: UUID
    name: str
    email: str
    roles: tuple[str, ...]


def account(body: Any, application_id: str) -> Account | None:
    """Read the answer to a request for a user; None where the account is not active or not registered here."""
    user = read_field(body, "user", dict)
    return registered(user, application_id) if read_field(user, "active", bool) else None


def registered(user: Any, application_id: str) -> Account | None:
    """Read a user object; None where the user is not registered for the application."""
    roles, user_id = _roles(user, application_id), read_uuid(user.get("id"))
    if roles is None:
        return None
    email = clean(read_field(user, "email", str, default=""), 320)
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
    for registration in read_field(user, "registrations", list, default=[]):
        if isinstance(registration, dict) and same_id(registration.get("applicationId"), application_id):
            return tuple(sorted(str(role) for role in read_field(registration, "roles", list, default=[])))
    return None


def same_id(one: Any, other: str) -> bool:
    """Compare two ids by value: an operator may have written one in capitals."""
    found = parse_uuid(one) if isinstance(one, str) else None
    return found is not None and found == parse_uuid(other)
