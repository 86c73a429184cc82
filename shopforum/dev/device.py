"""A device that binds a visitor's session, as a browser does by itself: it keeps a key, and signs what the site asks (W3C DBSC).

The key is in the memory of this process. It is one of the demonstration: a real one never leaves its key store.
"""

import json
import re

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .visitor import Answer, Visitor

_ALGORITHM = "ES256"
_OFFER = re.compile(r'path="([^"]+)";challenge="([^"]+)"')
_CHALLENGE = re.compile(r'"([^"]+)";id="([^"]+)"')


class NoOffer(Exception):
    """The answer to the login offers no binding."""


class Device:
    """A key, the name of the session that is bound to it, and the proof that it has signed last."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.identifier = ""
        self.proof = ""
        self._renew_at = ""

    def register(self, visitor: Visitor, login: Answer) -> Answer:
        """Register the key for the session of a login. Raises NoOffer, SiteAway."""
        offer = _OFFER.search(login.headers.get("secure-session-registration", ""))
        if offer is None:
            raise NoOffer
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        answer = visitor.send(offer[1], {"Secure-Session-Response": self._signed(offer[2], jwk=public)})
        if answer.status == 200:
            told = json.loads(answer.body)
            self.identifier, self._renew_at = told["session_identifier"], told["refresh_url"]
        return answer

    def renew(self, visitor: Visitor) -> Answer:
        """Renew the bound cookie of a visitor: ask for a challenge, and sign it. Raises SiteAway."""
        asked = self.present(visitor, "")
        found = _CHALLENGE.search(asked.headers.get("secure-session-challenge", ""))
        return asked if found is None else self.present(visitor, self._signed(found[1]))

    def present(self, visitor: Visitor, proof: str) -> Answer:
        """Ask for a new bound cookie with a proof, signed by any key; "" if none was given. Raises SiteAway."""
        headers = {"Sec-Secure-Session-Id": self.identifier}
        if proof:
            headers["Secure-Session-Response"] = self.proof = proof
        return visitor.send(self._renew_at, headers)

    def impostor(self) -> "Device":
        """Return a device with another key that pretends to be this one."""
        other = Device()
        other.identifier, other._renew_at = self.identifier, self._renew_at
        return other

    def _signed(self, challenge: str, **header: object) -> str:
        return jwt.encode(
            {"jti": challenge}, self._key, algorithm=_ALGORITHM, headers={"typ": "dbsc+jwt", **header}
        )
