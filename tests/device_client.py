"""A browser's half of a bound session: it holds a key, and signs, byte for byte, what Chromium signs.

JSON is compact with sorted keys, and an ES256 signature is r||s. Everything else is plain HTTP, so `DeviceClient` plays
against a site under test, and `Bound` against the session core alone.
"""

import base64
import json
import re
import uuid
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from session_fixtures import OWNER, SessionCore

from shopforum.sessions.binding import Binding
from shopforum.sessions.model import Outcome, Pair

BOUND = "__Host-bound"
# The address of a request to the session core alone.
HERE = "https://store.test/dbsc/refresh"
# Seconds that a bound cookie lives.
LIFE = 600
# Half the bits of an RSA key, and the distances of its two primes from the power of two above them. A key store makes its keys
# in its own time; here, making one took more than all that is done with it.
_PRIMES = {1024: (105, 179), 2048: (1557, 2543)}


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8))


def compact(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Device:
    """A key in a device's store."""

    def __init__(self, algorithm: str = "ES256", bits: int = 2048) -> None:
        self.algorithm = algorithm
        self.key: Any = ec.generate_private_key(ec.SECP256R1()) if algorithm == "ES256" else _rsa_key(bits)

    @property
    def jwk(self) -> dict[str, str]:
        """The public half, as the header of a registration carries it."""
        numbers = self.key.public_key().public_numbers()
        if self.algorithm == "ES256":
            return {"kty": "EC", "crv": "P-256", "x": _number(numbers.x, 32), "y": _number(numbers.y, 32)}
        return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}

    def sign(self, header: dict[str, Any], payload: dict[str, Any]) -> str:
        """Sign any header and payload."""
        content = f"{b64(compact(header))}.{b64(compact(payload))}"
        if self.algorithm == "ES256":
            der = self.key.sign(content.encode(), ec.ECDSA(SHA256()))
            r, s = decode_dss_signature(der)
            signature = r.to_bytes(32) + s.to_bytes(32)
        else:
            signature = self.key.sign(content.encode(), padding.PKCS1v15(), SHA256())
        return f"{content}.{b64(signature)}"

    def registration(self, challenge: str, **header: Any) -> str:
        """The proof that registers the key; `header` adds to it, or changes it."""
        return self.sign(
            {"alg": self.algorithm, "typ": "dbsc+jwt", "jwk": self.jwk, **header}, {"jti": challenge}
        )

    def renewal(self, challenge: str, **header: Any) -> str:
        """The proof that renews the bound cookie."""
        return self.sign({"alg": self.algorithm, "typ": "dbsc+jwt", **header}, {"jti": challenge})


def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    half = bits // 2
    p, q = (2**half - distance for distance in _PRIMES[half])
    e = 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(e, p * q)
    parts = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    return rsa.RSAPrivateNumbers(p, q, d, *parts, public).private_key(unsafe_skip_rsa_key_validation=True)


class DeviceClient:
    """A browser (`support.Browser`) that binds its sessions, as Chromium does without being asked."""

    def __init__(self, browser: Any, device: Device | None = None) -> None:
        self.browser = browser
        self.device = device or Device()
        self.identifier = ""
        self.challenge: str | None = None

    def post(self, path: str, *, status: Any = None, **headers: str) -> Any:
        """Send one of the two requests that only a browser sends."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        own = {"Origin": self.browser_url, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"}
        return self.browser.post(path, "", headers={**own, **named}, status=status or "*")

    @property
    def browser_url(self) -> str:
        environ = self.browser.extra_environ
        return f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}"

    def log_in(self, who: str) -> Any:
        """Log in, and bind the new session. Returns the answer to the registration."""
        return self.register(self.browser.log_in(who, status=302))

    def register(self, login: Any) -> Any:
        """Do what the answer to a login asks for."""
        path, challenge = offer(login)
        answer = self.post(path, Secure_Session_Response=self.device.registration(challenge), status=200)
        self.identifier = answer.json["session_identifier"]
        self.challenge = next_challenge(answer)
        return answer

    def renew(self) -> Any:
        """Renew the bound cookie: with the challenge at hand, and once more with the one that comes back."""
        for _ in range(2):
            headers = {"Sec_Secure_Session_Id": self.identifier}
            if self.challenge:
                headers["Secure_Session_Response"] = self.device.renewal(self.challenge)
            answer = self.post("/dbsc/refresh", **headers)
            self.challenge = next_challenge(answer)
            if answer.status_int != 403 or not self.challenge:
                break
        return answer


def offer(login: Any) -> tuple[str, str]:
    """The path and the challenge that the answer to a login offers."""
    value = login.headers["Secure-Session-Registration"]
    found = re.fullmatch(r'\(ES256 RS256\);path="([^"]+)";challenge="([\w-]{43})"', value)
    assert found, value
    return found[1], found[2]


def next_challenge(answer: Any) -> str | None:
    """The challenge that comes with an answer, if one does."""
    value = answer.headers.get("Secure-Session-Challenge")
    found = re.fullmatch(r'"([\w-]{43})";id="[\w.-]+"', value) if value else None
    return found[1] if found else None


class Bound:
    """A browser of the session core with a bound session: its two cookies, the bound one, and the key."""

    def __init__(self, core: SessionCore, name: str = "ann", algorithm: str = "ES256") -> None:
        self.core, self.device = core, Device(algorithm)
        self.pair, self.login = core.log_in(name)
        self.answer = self.register(self.login.challenge)
        self.cookie, self.next = self.answer.cookie, self.answer.challenge

    @property
    def id(self) -> uuid.UUID:
        return self.login.session.id

    def register(self, challenge: str, device: Device | None = None, client: Any = OWNER) -> Binding:
        proof = (device or self.device).registration(challenge)
        return self.core.sessions.bind(self.pair, proof, HERE, client)

    def jar(self) -> Pair:
        """All three cookies."""
        return Pair(self.pair.session_id, self.pair.refresh_token, self.cookie)

    def resume(self, client: Any = OWNER, **options: Any) -> Outcome:
        """Use the session, and keep the cookies that come back."""
        outcome = self.core.resume(self.jar(), client, **options)
        self.pair = outcome.issue or self.pair
        return outcome

    def ask(self, proof: str | None = None, client: Any = OWNER) -> Binding:
        """One request for a renewal."""
        return self.core.sessions.renew_bound_cookie(self.answer.identifier, self.pair, proof, HERE, client)

    def renew(self) -> Binding:
        """A renewal, with the challenge at hand or, if that is refused, with the one that comes back."""
        answer = self.ask(self.device.renewal(self.next) if self.next else None)
        if not answer.cookie and answer.challenge:
            answer = self.ask(self.device.renewal(answer.challenge))
        self.cookie, self.next = answer.cookie or self.cookie, answer.challenge
        return answer


def over(answer: Binding) -> bool:
    """Return True if the browser is told to give the binding up."""
    return not answer.cookie and not answer.challenge
