"""The keys of FusionAuth's signatures: fetched when needed, and seldom; and the settings that name them."""

import base64
import hashlib
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from shopforum.core.sites import SettingsError
from shopforum.webhooks import settings
from shopforum.webhooks.keys import KeySet, KeysUnavailable

BODY = b'{"event":{}}'
SECRET = "a shared secret of 64 bytes and more: 0123456789 0123456789 0123456789"
ENDPOINT = {
    "webhooks.out": "siem",
    "webhooks.siem.url": "https://siem.example.com/in",
    "webhooks.siem.secret": "whsec_" + base64.b64encode(b"s" * 32).decode(),
}


def signature(key: Any, algorithm: str, **header: Any) -> str:
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    return jwt.encode({"request_body_sha256": digest}, key, algorithm=algorithm, headers=header)


def fetches(idp: Any) -> int:
    return len(idp.calls("/.well-known/jwks.json"))


def test_the_published_keys_are_fetched_once(idp: Any, fusionauth: Any) -> None:
    idp.forget_calls()
    keys = KeySet(idp.url, None, "RS256", "")
    assert all(keys.signed(fusionauth.sign(BODY), BODY) for _ in range(3))
    assert not keys.signed(fusionauth.sign(BODY), BODY + b" ")
    # Made-up names of keys do not have them fetched again and again.
    stranger = signature(fusionauth.key._private, "RS256", kid="stranger")
    assert not any(keys.signed(stranger, BODY) for _ in range(3))
    assert fetches(idp) == 1


def test_a_new_key_is_found_and_an_old_one_outlasts_an_outage(idp: Any, fusionauth: Any) -> None:
    idp.forget_calls()
    keys = KeySet(idp.url, None, "RS256", "")
    keys.PAUSE = keys.KEEP = -1
    assert keys.signed(fusionauth.sign(BODY), BODY)
    assert keys.signed(fusionauth.sign(BODY), BODY)
    assert fetches(idp) == 2
    for fault in ({"status": 500}, {"status": 200, "body": "<html>"}, {"status": 200, "body": '{"keys": 7}'}):
        idp.hook("fail", path="/.well-known", times=1, **fault)
        assert keys.signed(fusionauth.sign(BODY), BODY)


def test_without_any_key_it_has_to_come_again(idp: Any, fusionauth: Any, console: Any) -> None:
    for fault in ({"status": 500}, {"status": 200, "body": '{"keys": []}'}, {"delay_seconds": 2}):
        idp.hook("fail", path="/.well-known", times=1, **fault)
        keys = KeySet(idp.url, None, "RS256", "")
        for _ in range(2):
            with pytest.raises(KeysUnavailable):
                keys.signed(fusionauth.sign(BODY), BODY)
    known, console.services.objects[KeySet] = (
        console.services.objects[KeySet],
        KeySet(idp.url, None, "RS256", ""),
    )
    try:
        idp.hook("fail", path="/.well-known", times=1, status=503)
        answer = fusionauth.send(fusionauth.event("test"), status=503)
        assert answer.headers["Retry-After"] == "5"
    finally:
        console.services.objects[KeySet] = known


def test_one_algorithm_is_taken_and_no_other(idp: Any, fusionauth: Any) -> None:
    shared = KeySet(idp.url, None, "HS256", SECRET)
    assert shared.signed(signature(SECRET, "HS256"), BODY)
    assert not shared.signed(signature(SECRET, "HS512"), BODY)
    assert not shared.signed(fusionauth.sign(BODY), BODY)
    elliptic = KeySet(idp.url, None, "ES256", "")
    own = ec.generate_private_key(ec.SECP256R1())
    assert not elliptic.signed(signature(own, "ES256", kid=fusionauth.key.kid), BODY)
    assert not elliptic.signed(fusionauth.sign(BODY), BODY)


def test_settings_off_by_default() -> None:
    parsed = settings.parse({})
    assert (parsed.algorithm, parsed.endpoints) == (None, ())


def test_settings_of_an_endpoint() -> None:
    [endpoint] = settings.parse(ENDPOINT | {"webhooks.siem.events": "session_created"}).endpoints
    assert endpoint.events == {"session_created"}
    assert endpoint.secrets == (b"s" * 32,)
    assert "sss" not in repr(endpoint)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("webhooks.fusionauth", "none"),
        ("webhooks.fusionauth", "HS256"),
        ("webhooks.max_age", "0"),
        ("webhooks.max_age", "86400"),
        ("webhooks.max_age", "x"),
        ("webhooks.out", "siem siem"),
        ("webhooks.out", "../x"),
        ("webhooks.siem.url", ""),
        ("webhooks.siem.url", "http://siem.example.com/in"),
        ("webhooks.siem.url", "https://"),
        ("webhooks.siem.url", "https://user:word@siem.example.com/"),
        ("webhooks.siem.secret", ""),
        ("webhooks.siem.secret", "whsec_c2hvcnQ="),
        ("webhooks.siem.secret", "whsec_%%%"),
        ("webhooks.siem.events", "authn_login_success"),
    ],
)
def test_settings_that_make_no_sense_stop_the_start(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        settings.parse(ENDPOINT | {key: value})
