"""The proof of a bound session: a JWT that the browser signs with a key of its device (W3C, Device Bound Session Credentials).

At the registration the header carries the public key. At a renewal the key is the stored one, and a key in the header is
refused. The payload's `jti` is a challenge of the session core; binding.py judges it. Pure functions, no SQL. Internal.
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from ..core.ids import parse_uuid
from .keyring import SESSION_ID

# The algorithms that a browser may choose from; no other is ever verified.
ALGORITHMS = ("ES256", "RS256")
# Characters. A proof with an RSA key of 4,096 bits, and the key in its header, has about 1,900.
LONGEST = 4096
_TYPE = "dbsc+jwt"
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
# Bits. NIST SP 800-131A asks for 2,048; larger keys than 4,096 only make a verification slow.
_RSA_BITS = range(2048, 4097)
_RSA_EXPONENTS = range(65537, 1 << 32)
# The public parts of a key (RFC 7518, 6.2.1 and 6.3.1). Nothing else of a key is read.
_PUBLIC = {"ES256": ("kty", "crv", "x", "y"), "RS256": ("kty", "n", "e")}
# Proofs carry no times, and the wall clock of a device decides nothing. `jti` and `aud` are judged here.
_OPTIONS: Any = {
    "require": ["jti"],
    **dict.fromkeys(
        ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub"), False
    ),
}


class BadProof(Exception):
    """The proof is refused. `why` is a code for the audit log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class DeviceKey:
    """The public half of a device's key: its algorithm (ES256, RS256), and the key as DER (SubjectPublicKeyInfo)."""

    algorithm: str
    public_key: bytes

    @property
    def thumbprint(self) -> str:
        """The SHA-256 of the key, in hex: its name for people."""
        return hashlib.sha256(self.public_key).hexdigest()

    def identifier(self, session_id: UUID) -> str:
        """Return the name of the session that is bound to this key, at its browser.

        It opens nothing, and only the browser knows it: who holds the cookies, or the session's id, has not seen the key. No
        key of the site makes it, since a browser keeps the name for as long as its session lives.
        """
        mark = hashlib.sha256(b"shopforum.sessions bound session " + self.public_key).digest()
        return f"{session_id}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def session_id(identifier: str) -> UUID | None:
    """Return the session that an identifier names, right or not; None for any other text."""
    return parse_uuid(identifier.partition(".")[0]) if identifier.isascii() else None


def registration(proof: str, audience: str) -> tuple[DeviceKey, str]:
    """Return the key that a registration's proof carries and has signed it, and the challenge. Raises BadProof.

    `audience` is the address of the request: a proof need not name one, and one for another address is refused.
    """
    header = _header(proof)
    key = _key(header["alg"], header.get("jwk"))
    return key, _challenge(proof, key, audience)


def renewal(proof: str, key: DeviceKey, audience: str) -> str:
    """Return the challenge that the session's key has signed. Raises BadProof; `audience` as for `registration`."""
    header = _header(proof)
    if "jwk" in header:
        raise BadProof("key_in_renewal")
    if header["alg"] != key.algorithm:
        raise BadProof("algorithm")
    return _challenge(proof, key, audience)


def _header(proof: str) -> dict[str, Any]:
    """Return the header of a proof of the right size, shape, type and algorithm."""
    if len(proof) > LONGEST:
        raise BadProof("too_long")
    if not _SHAPE.fullmatch(proof):
        raise BadProof("malformed")
    try:
        header = jwt.get_unverified_header(proof)
    except jwt.PyJWTError:
        raise BadProof("malformed") from None
    if header.get("alg") == "none":
        # A browser that has lost its key says so in this way.
        raise BadProof("no_key")
    if header.get("alg") not in ALGORITHMS:
        raise BadProof("algorithm")
    if header.get("typ") != _TYPE:
        raise BadProof("malformed")
    return header


def _key(algorithm: str, jwk: object) -> DeviceKey:
    """Return the key of a registration. Raises BadProof for one of another kind, of a weak or of an excessive size."""
    if not isinstance(jwk, dict):
        raise BadProof("no_key")
    public = {name: jwk.get(name) for name in _PUBLIC[algorithm]}
    try:
        key: Any = jwt.PyJWK(public, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError):
        # Values that are no text, points that are not on the curve, and numbers that make no key.
        raise BadProof("key") from None
    good = (
        isinstance(key.curve, SECP256R1)
        if algorithm == "ES256"
        else key.key_size in _RSA_BITS and key.public_numbers().e in _RSA_EXPONENTS
    )
    if not good:
        raise BadProof("key")
    return DeviceKey(algorithm, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _challenge(proof: str, key: DeviceKey, audience: str) -> str:
    """Verify the signature, and return the challenge that it covers."""
    try:
        public_key: Any = load_der_public_key(key.public_key)
        claims = jwt.decode(proof, public_key, algorithms=[key.algorithm], options=_OPTIONS)
    except jwt.InvalidSignatureError:
        raise BadProof("signature") from None
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise BadProof("malformed") from None
    if claims.get("aud", audience) != audience:
        raise BadProof("audience")
    challenge: str = claims["jti"]
    if not SESSION_ID.fullmatch(challenge):
        raise BadProof("challenge")
    return challenge
