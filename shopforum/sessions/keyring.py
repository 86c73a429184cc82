"""The keyring: random session ids, the keyed hashes that the database holds of secrets, tokens of forms, and encryption.

A session id is 256 random bits (ASVS 5.0 7.2.3 asks for 128). The database holds its HMAC-SHA-256 under a key that is not
in the database. A reader of a dump can neither use a row nor match it against a value found elsewhere, and a writer to
the database cannot forge one. Site and kind are part of the hashed text, so that a store's token is unknown at the forums
and a refresh token never passes for a session id.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# Bytes of the random nonce before each ciphertext (NIST SP 800-38D, 8.2.2).
_NONCE = 12

SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")
# Opaque. Characters that a cookie may hold unquoted (RFC 6265, 4.1.1), and short enough that name, value and attributes
# stay below the 4,096 bytes at which browsers silently drop a cookie.
REFRESH_TOKEN = re.compile(r"[!#-+\--:<-\[\]-~]{8,3800}")


@dataclass(frozen=True)
class AuditKey:
    """The key of seals of the audit log that belongs to one secret, and the secret's id."""

    id: str
    key: bytes = field(repr=False)


class Keyring:
    """Keys derived from each secret, one for each use. `keys` are the secrets as text, the newest first.

    New hashes are made with the newest key. Lookups try all keys, so that a key can be replaced without signing everybody
    out. Raises ValueError without a key, or for a key shorter than 32 characters.

    `ids` are the public ids of the keys, in the same order: what is stored names the key that made it. An id reveals nothing of
    a random key, and lets a guess at a weak one be tested, as each seal of the audit log does.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys or any(len(key) < 32 for key in keys):
            raise ValueError("needs keys of 32 characters or more, the newest first")
        self._hash_keys = [_derive(key, "session hashes") for key in keys]
        self._form_keys = [_derive(key, "form tokens") for key in keys]
        self._encryption_keys = [_derive(key, "encryption") for key in keys]
        self.ids = tuple(_derive(key, "key id").hex()[:8] for key in keys)
        self.audit_keys = [
            AuditKey(id_, _derive(key, "audit log")) for id_, key in zip(self.ids, keys, strict=True)
        ]

    @property
    def id(self) -> str:
        """The id of the newest key, which makes all new hashes and seals."""
        return self.ids[0]

    def digest(self, site: str, kind: str, secret: str) -> bytes:
        """Return the digest that the database stores for a secret of a kind ("session", "refresh", …) on a site."""
        return self.digests(site, kind, secret)[0]

    def digests(self, site: str, kind: str, secret: str) -> list[bytes]:
        """Return the digests that the database may hold for a secret: one for each key, the newest first."""
        message = f"{site}\0{kind}\0{secret}".encode()
        return [hmac.digest(key, message, hashlib.sha256) for key in self._hash_keys]

    def account_digests(self, email: str) -> list[bytes]:
        """Return the digests that stand for an account's e-mail address, the same on all sites: one for each key, the newest
        first.
        """
        return self.digests("", "login", email.lower())

    def encrypt(self, purpose: str, subject: str, plain: bytes) -> bytes:
        """Encrypt under the newest key (AES-256-GCM), for one purpose and subject: `decrypt` refuses it for any other."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + AESGCM(self._encryption_keys[0]).encrypt(nonce, plain, _associated(purpose, subject))

    def decrypt(self, purpose: str, subject: str, key_id: str, sealed: bytes) -> bytes | None:
        """Return what `encrypt` was given, or None: the key with this id is gone, or the text was changed or moved here."""
        if key_id not in self.ids:
            return None
        key = self._encryption_keys[self.ids.index(key_id)]
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], _associated(purpose, subject))
        except (InvalidTag, ValueError):
            return None

    def form_token(self, purpose: str, subject: str) -> str:
        """Return a token for forms, good for one purpose and subject: `subject.mac`, both safe in HTML and URLs."""
        return f"{subject}.{_mac(self._form_keys[0], purpose, subject)}"

    def form_subject(self, purpose: str, token: str) -> str | None:
        """Return the subject of a token that `form_token` made for this purpose, or None. Needs no database."""
        subject, _, mac = token.rpartition(".")
        good = [_mac(key, purpose, subject) for key in self._form_keys]
        return (
            subject if subject and any(hmac.compare_digest(mac.encode(), g.encode()) for g in good) else None
        )


def new_session_id() -> str:
    """Return a fresh secret, a session id or the like: 32 bytes from the system's CSPRNG as 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def _derive(key: str, use: str) -> bytes:
    """Derive a separate key for each use, so that no value made for one use is good for another."""
    return hmac.digest(key.encode(), f"shopforum.sessions {use}".encode(), hashlib.sha256)


def _associated(purpose: str, subject: str) -> bytes:
    """Return what a ciphertext is bound to."""
    return f"{purpose}\0{subject}".encode()


def _mac(key: bytes, purpose: str, subject: str) -> str:
    digest = hmac.digest(key, f"{purpose}\0{subject}".encode("utf-8", "surrogatepass"), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
