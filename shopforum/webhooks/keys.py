"""Verifying FusionAuth's signature of an event: a JWT over the body's hash, by the one algorithm that the settings name.

The algorithm in the JWT's header is ignored. The keys are those that FusionAuth publishes. They are fetched when a key id is
unknown, and kept for a while; an attacker can make up unknown key ids, so they are fetched at most every ten seconds. For an
HS algorithm the key is the shared secret, and nothing is fetched.
"""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from typing import Any

import jwt
import requests
from urllib3.exceptions import HTTPError

from ..core import network_deadlines, outgoing_requests

_LONGEST_SIGNATURE = 8192
_LARGEST_KEY_SET = 256 * 1024
# Seconds for the whole answer: FusionAuth waits meanwhile, for the response to its own event.
_LONGEST = 0.9
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class KeysUnavailable(Exception):
    """FusionAuth's keys cannot be fetched at the moment: the event has to be delivered again."""


class KeySet:
    """The keys for one algorithm. Thread-safe.

    KEEP and PAUSE are in seconds of this process's clock: how long keys are kept, and the pause between two fetches.
    """

    KEEP = 3600.0
    PAUSE = 10.0

    def __init__(self, url: str, tenant_id: str | None, algorithm: str, secret: str) -> None:
        self._url = f"{url}/.well-known/jwks.json"
        self._headers = {"X-FusionAuth-TenantId": tenant_id} if tenant_id else {}
        self._algorithm = algorithm
        self._secret = secret
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")

    def signed(self, signature: str, body: bytes) -> bool:
        """Return whether FusionAuth has signed exactly these bytes. Raises KeysUnavailable."""
        if len(signature) > _LONGEST_SIGNATURE or not _BASE64URL.fullmatch(signature):
            return False
        try:
            key = self._key(str(jwt.get_unverified_header(signature).get("kid")))
            if key is None:
                return False
            options: Any = {
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            }
            claims = jwt.decode(signature, key, algorithms=[self._algorithm], options=options)
        except (jwt.PyJWTError, ValueError, RecursionError):
            return False
        expected = base64.b64encode(hashlib.sha256(body).digest())
        found = claims.get("request_body_sha256")
        return isinstance(found, str) and hmac.compare_digest(found.encode(), expected)

    def count(self) -> int:
        """Fetch the keys, and return how many fit the algorithm. Raises KeysUnavailable."""
        return 1 if self._algorithm.startswith("HS") else len(self._fetch())

    def _key(self, key_id: str) -> Any:
        if self._algorithm.startswith("HS"):
            return self._secret
        with self._lock:
            now = time.monotonic()
            stale = now - self._fetched_at > self.KEEP
            if (stale or key_id not in self._keys) and now - self._tried_at > self.PAUSE:
                self._tried_at = now
                self._refetch(key_id, now)
            if self._fetched_at == float("-inf"):
                raise KeysUnavailable("the keys could not be fetched, and the next try is not due yet")
            return self._keys.get(key_id)

    def _refetch(self, key_id: str, now: float) -> None:
        try:
            self._keys, self._fetched_at = self._fetch(), now
        except KeysUnavailable:
            # A key that was valid an hour ago stays valid while FusionAuth cannot be asked.
            if key_id not in self._keys:
                raise

    def _fetch(self) -> dict[str, jwt.PyJWK]:
        """Fetch the published keys that fit the algorithm, by their ids. The time-outs are shorter than those of FusionAuth's
        delivery.
        """
        try:
            # A proxy that the environment names could respond with keys of its own: the session asks none.
            with (
                network_deadlines.ended_after(_LONGEST),
                outgoing_requests.sender() as http,
                http.get(
                    self._url, headers=self._headers, timeout=(0.3, 0.5), allow_redirects=False, stream=True
                ) as response,
            ):
                content = response.raw.read(_LARGEST_KEY_SET, decode_content=True)
            published = list(json.loads(content)["keys"]) if response.status_code == 200 else []
        except (
            requests.RequestException,
            HTTPError,
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RecursionError,
        ) as error:
            raise KeysUnavailable(f"{self._url} gave no keys: {type(error).__name__}") from None
        if not published:
            raise KeysUnavailable(f"{self._url} answered {response.status_code}, without keys")
        return {key["kid"]: found for key in published if (found := self._fitting(key))}

    def _fitting(self, key: Any) -> jwt.PyJWK | None:
        if not isinstance(key, dict) or not isinstance(key.get("kid"), str):
            return None
        if key.get("alg", self._algorithm) != self._algorithm or key.get("use", "sig") != "sig":
            return None
        try:
            return jwt.PyJWK(key, self._algorithm)
        except jwt.PyJWTError:
            return None
