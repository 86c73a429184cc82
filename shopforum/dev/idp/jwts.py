"""RS256 JSON web tokens: the signing key, signing, validation and the published key set."""

import base64
import hashlib
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .database import Database

# The claims that no customer's lambda can change. All other claims, `applicationId` and `roles` too, a lambda may change or remove.
RESERVED_CLAIMS = frozenset({"amr", "auth_time", "cnf", "gty", "exp", "iat", "sub", "tid", "tty"})


class SigningKey:
    """The provider's RSA key pair: made at the first start, kept in its database afterwards."""

    def __init__(self, database: Database) -> None:
        with database.read() as db:
            row = db.execute("SELECT * FROM signing_keys").fetchone()
        if row is None:
            pem = _new_private_pem()
            with database.write() as db:
                # Two processes may start at once on a fresh file: the first key stays.
                db.execute(
                    "INSERT INTO signing_keys (kid, private_pem) SELECT ?, ?"
                    " WHERE NOT EXISTS (SELECT 1 FROM signing_keys)",
                    (_key_id(pem), pem),
                )
                row = db.execute("SELECT * FROM signing_keys").fetchone()
        self.kid: str = row["kid"]
        key = serialization.load_pem_private_key(row["private_pem"].encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the stored signing key is not an RSA key")
        self._private = key
        self._public = key.public_key()

    def sign(self, claims: dict[str, Any], grant: str) -> str:
        """A signed token; ``grant`` goes into the header as FusionAuth's ``gty``."""
        return jwt.encode(claims, self._private, algorithm="RS256", headers={"kid": self.kid, "gty": [grant]})

    def sign_body(self, digest: str) -> str:
        """The signature of a webhook over the base64 SHA-256 of its body; it has no end of its own."""
        return jwt.encode(
            {"request_body_sha256": digest}, self._private, algorithm="RS256", headers={"kid": self.kid}
        )

    def read(self, token: str, now: int) -> dict[str, Any] | None:
        """The claims of a token that this provider signed and that has not expired at ``now``; else None."""
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=["RS256"],
                # The provider's own clock decides about time, and an audience is for its receiver to check.
                options={
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_aud": False,
                    "require": ["exp", "sub"],
                },
            )
        except (jwt.InvalidTokenError, UnicodeError):
            return None
        return claims if claims["exp"] * 1000 > now else None

    def public_pem(self) -> str:
        """The public key in PEM form."""
        return self._public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()

    def key_set(self) -> dict[str, Any]:
        """The key set for ``/.well-known/jwks.json``."""
        numbers = self._public.public_numbers()
        key = {
            "alg": "RS256",
            "e": _unsigned(numbers.e),
            "kid": self.kid,
            "kty": "RSA",
            "n": _unsigned(numbers.n),
            "use": "sig",
        }
        return {"keys": [key]}


def claims_for(
    *,
    issuer: str,
    tenant_id: str,
    user: dict[str, Any],
    application_id: str | None,
    registration: dict[str, Any] | None,
    refresh_token_id: str | None,
    authentication_type: str,
    auth_instant: int,
    now: int,
    seconds: int,
) -> dict[str, Any]:
    """The claims of an access token. ``applicationId`` and ``roles`` only where the user is registered."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": user["id"],
        "tid": tenant_id,
        "jti": str(uuid.uuid4()),
        "iat": now // 1000,
        "exp": now // 1000 + seconds,
        "auth_time": auth_instant // 1000,
        "authenticationType": authentication_type,
        "email_verified": bool(user.get("verified", True)),
    }
    optional = {"aud": application_id, "email": user.get("email"), "sid": refresh_token_id}
    claims.update({name: value for name, value in optional.items() if value})
    if registration is not None:
        claims["applicationId"] = application_id
        claims["roles"] = registration["roles"]
    return claims


def _new_private_pem() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _key_id(pem: str) -> str:
    return hashlib.sha256(pem.encode()).hexdigest()[:32]


def _unsigned(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
