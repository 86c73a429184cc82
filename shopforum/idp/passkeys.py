"""The passkeys of users at FusionAuth: start a login by one, make, list and remove them.

FusionAuth makes the challenges and checks what the browser's authenticator signs (WebAuthn). The login itself is
`FusionAuth.passkey_login`, because it ends as every login does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ..sessions import AuthorityMisconfigured
from . import passkey_answers
from .answer_fields import error_codes, unknown
from .login_answers import LoginRefused
from .passkey_answers import Passkey
from .settings import IdpSettings
from .transport import Transport

# The user names the account first. FusionAuth's other workflow is for devices that it remembers itself.
_WORKFLOW = "bootstrap"


@dataclass(frozen=True)
class RelyingParty:
    """The site for which passkeys are good: its origin, and its id in WebAuthn, which is its host or a domain above it."""

    origin: str
    id: str


class Passkeys:
    """The calls about passkeys for one site's application. Thread-safe."""

    def __init__(self, settings: IdpSettings, transport: Transport) -> None:
        self._settings = settings
        self._transport = transport

    def challenge(self, email: str) -> str | None:
        """Return a challenge for the passkeys of the user with this address, good for one login within three minutes; None for a
        user who does not exist or has no passkey. Raises AuthorityUnavailable.
        """
        json = {
            "applicationId": self._settings.application_id,
            "loginId": email,
            "loginIdTypes": ["email"],
            "workflow": _WORKFLOW,
        }
        return passkey_answers.challenge(*self._call("POST", "/api/webauthn/start", json=json))

    def options(self, user_id: UUID, name: str, agent: str) -> dict[str, Any]:
        """Return the options for making a passkey, as `parseCreationOptionsFromJSON` reads them. `name` is the user's for it.

        Raises AuthorityUnavailable.
        """
        json = {"userId": str(user_id), "displayName": name, "userAgent": agent, "workflow": _WORKFLOW}
        return passkey_answers.options(*self._call("POST", "/api/webauthn/register/start", json=json))

    def add(self, user_id: UUID, credential: Mapping[str, Any], party: RelyingParty) -> None:
        """Store a passkey that the browser has made. Raises LoginRefused (`passkey`), AuthorityUnavailable."""
        json = {
            "userId": str(user_id),
            "credential": credential,
            "origin": party.origin,
            "rpId": party.id,
        }
        status, body = self._call("POST", "/api/webauthn/register/complete", key=False, json=json)
        if passkey_answers.refused(status, body):
            raise LoginRefused("passkey", status)
        if status != 200:
            raise AuthorityMisconfigured(f"FusionAuth refused a new passkey ({status}, {error_codes(body)})")

    def of_user(self, user_id: UUID) -> tuple[Passkey, ...]:
        """Return a user's passkeys, the newest first. Raises AuthorityUnavailable."""
        return passkey_answers.passkeys(*self._call("GET", "/api/webauthn", params={"userId": str(user_id)}))

    def remove(self, passkey_id: UUID) -> None:
        """Remove a passkey; one that FusionAuth does not know is removed already. Raises AuthorityUnavailable."""
        status, body = self._call("DELETE", f"/api/webauthn/{passkey_id}")
        if status != 200 and not unknown(status, body):
            raise AuthorityMisconfigured(f"FusionAuth answered the removal of a passkey with {status}")

    def _call(self, method: str, path: str, *, key: bool = True, **content: Any) -> tuple[int, Any]:
        return self._transport.call(self._transport.breaker.login, method, path, key=key, **content)
