"""Read FusionAuth's answers about refresh tokens: a new token, a dead one, the tokens of a user."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from ..sessions import AuthorityUnavailable
from .answer_fields import read_instant, read_uuid, unknown, wrong_field


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
            read_uuid(one.get("id")),
            str(one.get("applicationId") or ""),
            read_instant(one.get("insertInstant")),
        )
        for one in listed
    ]
    return IssuedTokens(tuple(found), complete=len(found) < _MOST_LISTED)
