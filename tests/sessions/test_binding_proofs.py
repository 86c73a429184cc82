"""The proofs of a device that are accepted, and no other: whatever comes, it is judged, and fails closed.

test_binding_vectors.py has proofs that others have signed.
"""

import hmac
import secrets
from functools import partial

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from device_client import Device, b64, compact
from hypothesis import given, settings
from hypothesis import strategies as st

from shopforum.sessions import binding_proof
from shopforum.sessions.binding_proof import BadProof, DeviceKey

CHALLENGE = "challenge-of-these-tests-0123456789-012345A"
HERE = "https://store.test/dbsc/refresh"
DEVICE, RSA = Device(), Device("RS256")


def key_of(device: Device) -> DeviceKey:
    return binding_proof.registration(device.registration(CHALLENGE), HERE)[0]


def why_refused(proof: str, key: DeviceKey | None = None) -> str:
    """The reason for which a renewal, or without a key a registration, is refused."""
    judge = partial(binding_proof.renewal, proof, key) if key else partial(binding_proof.registration, proof)
    with pytest.raises(BadProof) as caught:
        judge(HERE)
    return caught.value.why


@pytest.mark.parametrize("device", [DEVICE, RSA], ids=lambda device: device.algorithm)
def test_the_proofs_of_a_browser_are_accepted(device):
    key, challenge = binding_proof.registration(device.registration(CHALLENGE), HERE)
    assert (key.algorithm, challenge) == (device.algorithm, CHALLENGE)
    assert binding_proof.renewal(device.renewal(CHALLENGE), key, HERE) == CHALLENGE
    assert len(key.thumbprint) == 64


def test_an_address_in_the_proof_has_to_be_the_one_that_was_asked():
    header, key = {"alg": "ES256", "typ": "dbsc+jwt"}, key_of(DEVICE)
    right = DEVICE.sign(header, {"jti": CHALLENGE, "aud": HERE})
    assert binding_proof.renewal(right, key, HERE) == CHALLENGE
    for other in ("https://forums.test/dbsc/refresh", [HERE], None, {}):
        assert why_refused(DEVICE.sign(header, {"jti": CHALLENGE, "aud": other}), key) == "audience"


def test_a_registration_carries_its_own_key():
    """The signature is judged by the key in the header: a thief can put his own there, and needs the challenge then."""
    assert why_refused(DEVICE.registration(CHALLENGE, jwk=Device().jwk)) == "signature"
    for jwk in (None, [], "key", 7):
        assert why_refused(DEVICE.registration(CHALLENGE, jwk=jwk)) == "no_key"


def test_a_renewal_is_judged_by_the_stored_key_alone():
    key = key_of(DEVICE)
    assert why_refused(Device().renewal(CHALLENGE), key) == "signature"
    assert why_refused(DEVICE.renewal(CHALLENGE, jwk=DEVICE.jwk), key) == "key_in_renewal"
    thief = Device()
    assert why_refused(thief.registration(CHALLENGE), key) == "key_in_renewal"
    assert why_refused(RSA.renewal(CHALLENGE), key) == "algorithm"


def test_no_other_algorithm_is_verified():
    key = key_of(DEVICE)
    unsigned = f"{b64(compact({'alg': 'none', 'typ': 'dbsc+jwt'}))}.{b64(compact({'jti': CHALLENGE}))}."
    assert why_refused(unsigned, key) == "no_key"
    assert why_refused(unsigned) == "no_key"
    for secret in (
        key.public_key,
        DEVICE.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ):
        content = f"{b64(compact({'alg': 'HS256', 'typ': 'dbsc+jwt'}))}.{b64(compact({'jti': CHALLENGE}))}"
        forged = f"{content}.{b64(hmac.digest(secret, content.encode(), 'sha256'))}"
        assert why_refused(forged, key) == "algorithm"
    for algorithm in ("ES384", "PS256", "EdDSA", "es256", "NONE", "", None, 1, ["ES256"]):
        assert why_refused(DEVICE.renewal(CHALLENGE, alg=algorithm), key) == "algorithm"


@pytest.mark.parametrize(
    "jwk",
    [
        {"crv": "P-384"},
        {"crv": None},
        {"kty": "RSA"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"x": "AAAA"},
        {"y": b64(bytes(32))},
        {"x": "é" * 43},
        {"x": "\ud800" * 43},
        {"x": 7},
        {"x": ["A" * 43]},
        {"x": {}, "y": True},
        {"kty": ["EC"]},
        {"x": ""},
    ],
    ids=str,
)
def test_a_key_that_is_none_is_refused(jwk):
    assert why_refused(DEVICE.registration(CHALLENGE, jwk={**DEVICE.jwk, **jwk})) == "key"


def test_keys_of_another_kind_or_size_are_refused():
    larger = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    numbers = {"x": b64(larger.x.to_bytes(48)), "y": b64(larger.y.to_bytes(48))}
    assert why_refused(DEVICE.registration(CHALLENGE, jwk={"kty": "EC", "crv": "P-384", **numbers})) == "key"
    # cryptography makes no key of 512 bits any more; its numbers can be sent all the same.
    for bits in (512, 1024, 8192):
        modulus = {**RSA.jwk, "n": b64((secrets.randbits(bits) | 1 | 1 << bits - 1).to_bytes(bits // 8))}
        assert why_refused(RSA.registration(CHALLENGE, jwk=modulus)) == "key"
    for exponent in (b"\x01", b"\x03", b"\x02", b"", b"\xff" * 40):
        assert why_refused(RSA.registration(CHALLENGE, jwk={**RSA.jwk, "e": b64(exponent)})) == "key"


def test_a_private_key_in_a_registration_is_not_read():
    sent = {**DEVICE.jwk, "d": b64(DEVICE.key.private_numbers().private_value.to_bytes(32)), "use": "enc"}
    key, _ = binding_proof.registration(DEVICE.registration(CHALLENGE, jwk=sent), HERE)
    assert key == key_of(DEVICE)


@pytest.mark.parametrize(
    "proof",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c",
        " " + DEVICE.renewal(CHALLENGE),
        DEVICE.renewal(CHALLENGE) + "=",
        DEVICE.renewal(CHALLENGE) + "==",
        DEVICE.renewal(CHALLENGE) + ", " + DEVICE.renewal(CHALLENGE),
        f"{b64(b'[' * 2000)}.{b64(compact({'jti': CHALLENGE}))}.AAAA",
        f"{b64(b'[]')}.{b64(b'[]')}.AAAA",
        f"{b64(b'{')}.{b64(b'{}')}.AAAA",
        f"{b64(bytes(range(256)))}.{b64(b'{}')}.AAAA",
        DEVICE.renewal(CHALLENGE, typ="JWT"),
        DEVICE.renewal(CHALLENGE, typ=None),
        DEVICE.renewal(CHALLENGE, crit=["exp"]),
        DEVICE.renewal(CHALLENGE, b64=False, crit=["b64"]),
        DEVICE.renewal(CHALLENGE, kid=7),
        DEVICE.sign({"alg": "ES256", "typ": "dbsc+jwt"}, {}),
        DEVICE.sign({"alg": "ES256", "typ": "dbsc+jwt"}, {"jti": None}),
        DEVICE.sign({"alg": "ES256", "typ": "dbsc+jwt"}, {"jti": [CHALLENGE]}),
    ],
    ids=lambda proof: proof[:30] or "empty",
)
def test_an_unreadable_proof_is_refused(proof):
    assert why_refused(proof, key_of(DEVICE)) == "malformed"


def test_a_payload_of_any_depth_or_kind_is_refused_after_its_signature():
    header = b64(compact({"alg": "ES256", "typ": "dbsc+jwt"}))
    for payload in (b"[" * 2000, b"[]", b"7", b"null", b"\xff", b""):
        content = f"{header}.{b64(payload)}".rstrip(".") + ("." if not payload else "")
        signed = content + "." + b64(jwt.get_algorithm_by_name("ES256").sign(content.encode(), DEVICE.key))
        assert why_refused(signed, key_of(DEVICE)) == "malformed"


def test_too_long_a_proof_is_refused_before_it_is_parsed():
    """Also where it is signed well."""
    long = DEVICE.sign({"alg": "ES256", "typ": "dbsc+jwt"}, {"jti": CHALLENGE, "more": "x" * 4000})
    assert why_refused(long, key_of(DEVICE)) == "too_long"
    largest = Device("RS256", bits=4096).registration(CHALLENGE)
    assert len(largest) < binding_proof.LONGEST / 2
    binding_proof.registration(largest, HERE)


@pytest.mark.parametrize("jti", ["", "C2", CHALLENGE + "=", CHALLENGE[:-1], "\ud800" * 43, "é" * 43])
def test_a_challenge_that_is_none_of_ours_is_refused_before_any_query(jti):
    assert why_refused(DEVICE.sign({"alg": "ES256", "typ": "dbsc+jwt"}, {"jti": jti}), key_of(DEVICE)) == (
        "challenge"
    )


def _edits(proof: str) -> st.SearchStrategy[str]:
    """The proof with one to four pieces cut out, put in, doubled or exchanged."""
    position = st.integers(0, len(proof))
    letters = st.text('AZaz09-_.=" ,;{}\x00é', max_size=6)
    edit = st.tuples(position, position, letters)

    def apply(edits: list[tuple[int, int, str]]) -> str:
        text = proof
        for start, end, new in edits:
            text = text[: min(start, end)] + new + text[max(start, min(end, start + 8)) :]
        return text

    return st.lists(edit, min_size=1, max_size=4).map(apply)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_NAMES = st.sampled_from(["alg", "typ", "jwk", "crit", "b64", "kid", "jku", "x5c", "zip", "cty"])
_KEY, _REGISTERED, _RENEWED = key_of(DEVICE), DEVICE.registration(CHALLENGE), DEVICE.renewal(CHALLENGE)


@settings(max_examples=60)
@given(_edits(_REGISTERED), _edits(_RENEWED))
def test_no_edited_proof_is_accepted(registered, renewed):
    if renewed != _RENEWED:
        why_refused(renewed, _KEY)
    if registered != _REGISTERED:
        # Never with the browser's key; an edit makes no other key that has signed it.
        why_refused(registered)


@settings(max_examples=60)
@given(st.dictionaries(_NAMES, _JSON, min_size=1, max_size=3), st.dictionaries(st.text(max_size=4), _JSON))
def test_no_header_or_payload_makes_a_thief_s_own_key_good(header, payload):
    thief = Device()
    good = {"alg": "ES256", "typ": "dbsc+jwt"}
    try:
        content = thief.sign(good | header, {"jti": CHALLENGE} | payload)
    except (UnicodeEncodeError, ValueError):
        return
    why_refused(content, _KEY)
