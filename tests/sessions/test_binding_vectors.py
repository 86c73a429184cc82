"""Proofs that others have made: recorded from a Chromium, or published beside other implementations.

They show that our parser reads what the world signs, and nothing that is near it. A challenge that is not of our shape is
refused as `challenge`, which happens only after the signature has been found good.
"""

import base64
import json
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from device_client import Device, b64

from shopforum.sessions import binding_proof
from shopforum.sessions.binding_proof import BadProof, DeviceKey

HERE = "https://store.test/dbsc/refresh"

# As Chromium 156 sent them, with a key in software, for an address of the development sites.
CHROMIUM_REGISTERED = (
    "eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6IkMwdkpjUkwwQkZoZ3FlVlpvWHV4U2Ez"
    "UUc4dDFRcG4yQWVjYmZ2NkNldTQiLCJ5Ijoid3c5NlNtSkpQY3FDQklBcDhjR0NxNVV5Y2pqSnV1ODJyLUdrX1BjMUhvbyJ9LCJ0"
    "eXAiOiJkYnNjK2p3dCJ9.eyJqdGkiOiJxOFpVUk9aVWNiajdlS0xVSzY1WFFwUkZ5bTFPQmJQSWV0WXJaS0toMzdVIn0.hTNULRS"
    "fbFupLcXvPllkkNGWbmg-hz1Ew1NLLgWVnZfJLlLt_hLdJMPywDWGkjwnx5SOYKJB-HdvTWH3phvGuQ"
)
CHROMIUM_RENEWED = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0In0.eyJqdGkiOiJPcnhQX1dsNjBFM1ZLSUhnUEJEN1lKeTFqYW1JSWpJTzFs"
    "UzBZWFlrc1N3In0.3DZCGgkxdDvedi27mQ9yameTknzxtkvjD80p3T4pkRohdSbLcgT1ggCVix1JufBjrtgdiAYW_jblSJMWvRKO"
    "zw"
)

# TecsiAron/php-dbsc, tests/DBSCTest.php (MIT): recorded from Chrome.
PHP_REGISTERED = (
    "eyJhbGciOiJFUzI1NiIsImp3ayI6eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImJRczV3SXNDejc2NjZUTDl2bkJJMFRr"
    "TktmWkFvWkhQbnZBWXowWFdlUkkiLCJ5IjoiT0pnLVpMWTB5NHc5eW85NjRXLUhxT01LZDFLajZNSUFpSkxJa1E1ZTY0RSJ9LCJ0"
    "eXAiOiJkYnNjK2p3dCJ9.eyJqdGkiOiJ2NHJ6YTFtTlRyVk1xbFFLZzBaQnN4QmlHRkFoQmJTSWJYcENvSmlXTWZVIn0.Qaqw0VE8"
    "Z4QbW5mQgK1Y7XGQm9hRYmqROaAIOo5Fysqxz6GHpUqDa8MW-9jjBp8n-4aKgZDAphUvR5irRVI-YA"
)

# yuukioosaka/spring-dbsc, src/test/resources/vectors/registration.json and refresh.json (MIT): the vectors, neutral as to the
# language, of dbsc-toolkit. The key's members, and those of the header, come in another order than a Chromium's.
TOOLKIT_REGISTERED = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0IiwiandrIjp7Imt0eSI6IkVDIiwiY3J2IjoiUC0yNTYiLCJ4IjoiT2lxc0xv"
    "MkZneDhzMXg1RUk5YmpVRGk1UU45bGc5X3BNOFZHWW52ZHVQNCIsInkiOiJMSXRnd2JXZXdtZzBycmF1S0kxSVg0dEUyV3pObm1C"
    "MzIyRTRVdmZTUHQ4In19.eyJqdGkiOiJLTjNxd19wUXhSOHRZNXVJOG9QMWFTMmRGM2dINGpLNWxNNm5PN3BROHJTIn0.6YjXpu8G"
    "V1Yjw8R5qB42lh_5HPj0USF7RBAmp1gJaKIondZ0rpSIzjVvAbbztFRTGWI0jPPheN2YqDZQ8J_heg"
)
TOOLKIT_RENEWED = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0In0.eyJqdGkiOiJLTjNxd19wUXhSOHRZNXVJOG9QMWFTMmRGM2dINGpLNWxN"
    "Nm5PN3BROHJTIn0.dZhwcoAWFE9jCoWAInYiaw9z_ZO_nJCfVv8JUGK_5xZybqIal0uWB8Svdid9A4eymcitK8amsuuhrh7t15ls"
    "ew"
)

# w3c/webappsec-dbsc, spec.bs of February 2026 (W3C Software and Document License): the specification's own example. It has the key
# in the payload, against the specification's text, and a signature of other bytes.
SPECIFICATION = (
    "eyJhbGciOiJFUzI1NiIsInR5cCI6ImRic2Mrand0In0.eyJhdWQiOiJodHRwczovL2V4YW1wbGUuY29tL3JlZyIsImp0aSI6ImN2"
    "IiwiaWF0IjoiMTcyNTU3OTA1NSIsImp3ayI6eyJrdHkiOiJFQyIsImNydiI6IlAtMjU2IiwieCI6IjZfR0Iydm9RMHFyb01oNk9s"
    "REZDRlNfU0pyaVFpMVBUdnZCT2hHWjNiSEkiLCJ5IjoiSWVnT0pVTHlFN1N4SF9DZDFLQ0VSN2xXQnZHRkhRLWgweHlqelVqRUlX"
    "RSJ9LCJhdXRob3JpemF0aW9uIjoiYWMifQ.6Fb_vVBDmfNghQiBmIGe8o7tBfYPbPCywhQruP0vIhxgmcJmuNTaMHeVn_M8ZnOm1"
    "_bzIitbZqCWEn-1Qzmtyw"
)

_LETTERS = "Aa0_-"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def payload(proof: str) -> dict[str, object]:
    content: dict[str, object] = json.loads(decoded(proof.split(".")[1]))
    return content


def key_of(jwk: dict[str, str]) -> DeviceKey:
    """The key of a JWK, read by other code than the product's."""
    x, y = (int.from_bytes(decoded(jwk[name])) for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    return DeviceKey("ES256", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def why_refused(proof: str, key: DeviceKey | None = None, audience: str = HERE) -> str:
    """The reason for which a renewal, or without a key a registration, is refused."""
    with pytest.raises(BadProof) as caught:
        binding_proof.renewal(proof, key, audience) if key else binding_proof.registration(proof, audience)
    return caught.value.why


@pytest.mark.parametrize(
    ("registered", "challenge"),
    [
        (CHROMIUM_REGISTERED, "q8ZUROZUcbj7eKLUK65XQpRFym1OBbPIetYrZKKh37U"),
        (PHP_REGISTERED, "v4rza1mNTrVMqlQKg0ZBsxBiGFAhBbSIbXpCoJiWMfU"),
        (TOOLKIT_REGISTERED, "KN3qw_pQxR8tY5uI8oP1aS2dF3gH4jK5lM6nO7pQ8rS"),
    ],
    ids=["chromium", "php-dbsc", "dbsc-toolkit"],
)
def test_registrations_of_others_are_accepted_with_the_key_that_they_carry(registered, challenge):
    key, signed = binding_proof.registration(registered, HERE)
    assert signed == challenge
    assert key == key_of(json.loads(decoded(registered.split(".")[0]))["jwk"])
    # A registration says nothing for a renewal.
    assert why_refused(registered, key) == "key_in_renewal"


@pytest.mark.parametrize(
    ("registered", "renewed", "challenge"),
    [
        (CHROMIUM_REGISTERED, CHROMIUM_RENEWED, "OrxP_Wl60E3VKIHgPBD7YJy1jamIIjIO1lS0YXYksSw"),
        (TOOLKIT_REGISTERED, TOOLKIT_RENEWED, "KN3qw_pQxR8tY5uI8oP1aS2dF3gH4jK5lM6nO7pQ8rS"),
    ],
    ids=["chromium", "dbsc-toolkit"],
)
def test_renewals_of_others_are_accepted_with_their_own_key_alone(registered, renewed, challenge):
    key, _ = binding_proof.registration(registered, HERE)
    assert binding_proof.renewal(renewed, key, HERE) == challenge
    other, _ = binding_proof.registration(PHP_REGISTERED, HERE)
    assert why_refused(renewed, other) == "signature"
    # Nor does a renewal register anything.
    assert why_refused(renewed) == "no_key"


def test_a_good_signature_over_another_s_challenge_is_no_proof():
    assert why_refused(Device().registration("vector-challenge-2f9c")) == "challenge"


def test_a_signature_as_der_is_refused():
    """Older implementations sign so; JWS wants r and s, of 32 bytes each (RFC 7518, 3.4)."""
    key, _ = binding_proof.registration(CHROMIUM_REGISTERED, HERE)
    signed, _, signature = CHROMIUM_RENEWED.rpartition(".")
    r, s = (int.from_bytes(half) for half in (decoded(signature)[:32], decoded(signature)[32:]))
    assert why_refused(f"{signed}.{b64(encode_dss_signature(r, s))}", key) == "signature"


def test_a_key_in_the_payload_is_not_read():
    """Older drafts have it there, and so has the specification's example, which its own signature does not fit."""
    content = payload(SPECIFICATION)
    assert why_refused(SPECIFICATION, audience=str(content["aud"])) == "no_key"
    assert why_refused(SPECIFICATION, key_of(content["jwk"]), str(content["aud"])) == "signature"


def _changed(proof: str) -> list[str]:
    """The proof with each of its characters replaced in turn, each cut out, each doubled, and each end cut off."""
    near = [proof[:at] + new + proof[at + 1 :] for at in range(len(proof)) for new in ("", *_LETTERS)]
    near += [proof[:at] + proof[at] + proof[at:] for at in range(len(proof))]
    near += [proof[:at] for at in range(len(proof))]
    return [one for one in dict.fromkeys(near) if one != proof]


def test_thousands_of_proofs_that_are_nearly_a_browser_s_are_refused():
    key, _ = binding_proof.registration(CHROMIUM_REGISTERED, HERE)
    renewals, registrations = _changed(CHROMIUM_RENEWED), _changed(CHROMIUM_REGISTERED)
    assert (len(renewals) > 1500, len(registrations) > 2500) == (True, True)
    reasons = {why_refused(one, key) for one in renewals} | {why_refused(one) for one in registrations}
    assert reasons == {"malformed", "signature", "algorithm", "no_key", "key"}


def test_a_signature_has_one_spelling():
    """The last of its characters carries two bits; the other four are zero, or the text is not the one that was signed."""
    key, _ = binding_proof.registration(CHROMIUM_REGISTERED, HERE)
    spelled = [CHROMIUM_RENEWED[:-1] + last for last in "xyz0123456789-_"]
    alike = [one for one in spelled if decoded(one.split(".")[2]) == decoded(CHROMIUM_RENEWED.split(".")[2])]
    assert len(alike) == 15
    assert {why_refused(one, key) for one in alike} == {"malformed"}


def test_the_client_of_these_tests_signs_as_chromium_does():
    """Byte for byte: header and payload of the same length and order, a key of the same members, r||s of 64 bytes."""
    device = Device()
    proofs = (
        (CHROMIUM_REGISTERED, device.registration("q8ZUROZUcbj7eKLUK65XQpRFym1OBbPIetYrZKKh37U")),
        (CHROMIUM_RENEWED, device.renewal("OrxP_Wl60E3VKIHgPBD7YJy1jamIIjIO1lS0YXYksSw")),
    )
    for chromium, ours in proofs:
        theirs, own = ([decoded(part) for part in proof.split(".")] for proof in (chromium, ours))
        assert _without_key(own[0]) == _without_key(theirs[0])
        assert own[1] == theirs[1]
        assert len(own[2]) == len(theirs[2]) == 64


def _without_key(header: bytes) -> bytes:
    """A header with the two numbers of its key left out."""
    return re.sub(rb'"([xy])":"[\w-]{43}"', rb'"\1":""', header)
