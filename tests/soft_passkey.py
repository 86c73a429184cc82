"""An authenticator in software, for tests without a browser: it makes passkeys and signs as WebAuthn says."""

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

_FLAGS = AuthenticatorData.FLAG


class SoftPasskey:
    """One passkey for the site at `origin`."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.count = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._id = hashlib.sha256(origin.encode()).digest()[:20]
        self._rp_hash = hashlib.sha256(str(urlsplit(origin).hostname).encode()).digest()

    def make(self, challenge: str) -> dict[str, Any]:
        """Return the JSON of a new passkey, as `navigator.credentials.create()` gives it."""
        public = ES256.from_cryptography_key(self._key.public_key())
        data = AttestedCredentialData.create(bytes(16), self._id, public)
        made = AuthenticatorData.create(self._rp_hash, _FLAGS.UP | _FLAGS.UV | _FLAGS.AT, 0, bytes(data))
        response = {
            "attestationObject": websafe_encode(bytes(AttestationObject.create("none", made, {}))),
            "transports": ["internal"],
        }
        client = CollectedClientData.create("webauthn.create", challenge, self.origin)
        return self._json(client, response, {"credProps": {"rk": True}})

    def sign(self, challenge: str, *, verified: bool = True) -> dict[str, Any]:
        """Return the JSON of a signature, as `navigator.credentials.get()` gives it. `verified`: the owner has unlocked the device."""
        self.count += 1
        flags = _FLAGS.UP | _FLAGS.UV if verified else _FLAGS.UP
        data = AuthenticatorData.create(self._rp_hash, flags, self.count)
        client = CollectedClientData.create("webauthn.get", challenge, self.origin)
        signature = self._key.sign(bytes(data) + client.hash, ec.ECDSA(hashes.SHA256()))
        response = {
            "authenticatorData": websafe_encode(bytes(data)),
            "signature": websafe_encode(signature),
            "userHandle": None,
        }
        return self._json(client, response, {})

    def _json(self, client: CollectedClientData, response: dict[str, Any], results: Any) -> dict[str, Any]:
        name = websafe_encode(self._id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "response": {**response, "clientDataJSON": websafe_encode(bytes(client))},
            "clientExtensionResults": results,
        }

    def answer(self, options: dict[str, Any]) -> str:
        """Return the form's field for a login with these options."""
        return json.dumps(self.sign(options["challenge"]))
