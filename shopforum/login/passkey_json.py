"""The exchange with the script of a page about passkeys. The browser's JSON is read strictly: only the fields that FusionAuth's
WebAuthn API has go on to FusionAuth.
"""

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import urlsplit

from pyramid.response import Response

from ..idp import RelyingParty
from ..web.request import Request
from .settings import LoginSettings

_TEXT = re.compile(r"[A-Za-z0-9_-]{1,20000}")
_TRANSPORT = re.compile(r"[a-z-]{1,32}")
# Longer than any credential: an attestation may carry certificates.
_LONGEST = 100_000


def party(request: Request) -> RelyingParty:
    """Return the relying party of this site."""
    domain = request.services.get(LoginSettings).passkey_domain
    return RelyingParty(request.host_url, domain or str(urlsplit(request.host_url).hostname))


def assertion(typed: str | None) -> dict[str, Any] | None:
    """Read the JSON of a login by passkey (`AuthenticationResponseJSON`); None for anything else."""
    return _read(typed, ("authenticatorData", "clientDataJSON", "signature"), ("userHandle",))


def attestation(typed: str | None) -> dict[str, Any] | None:
    """Read the JSON of a new passkey (`RegistrationResponseJSON`); None for anything else."""
    read = _read(typed, ("attestationObject", "clientDataJSON"), ())
    if read is None:
        return None
    sent = json.loads(str(typed))
    results = sent.get("clientExtensionResults")
    properties = results.get("credProps") if isinstance(results, dict) else None
    found = isinstance(properties, dict) and properties.get("rk") is True
    transports = sent["response"].get("transports")
    read["clientExtensionResults"] = {"credProps": {"rk": found}}
    read["transports"] = [
        one
        for one in (transports if isinstance(transports, list) else [])[:10]
        if isinstance(one, str) and _TRANSPORT.fullmatch(one)
    ]
    return read


def challenge(credential: dict[str, Any]) -> str | None:
    """Return the challenge that a credential says to answer, or None. FusionAuth checks whether it was signed."""
    encoded = credential["response"]["clientDataJSON"]
    try:
        said = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError, binascii.Error):
        return None
    found = said.get("challenge") if isinstance(said, dict) else None
    return found if isinstance(found, str) else None


def for_script(body: dict[str, Any], status: int, retry_after: int | None = None) -> Response:
    """Return the answer to the script of a page: options for the browser, or the reason why there are none."""
    response = Response(json_body=body, status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _read(typed: str | None, required: tuple[str, ...], optional: tuple[str, ...]) -> dict[str, Any] | None:
    if typed is None or len(typed) > _LONGEST:
        return None
    try:
        sent = json.loads(typed)
    except (ValueError, RecursionError):
        return None
    response = sent.get("response") if isinstance(sent, dict) else None
    if not isinstance(response, dict) or sent.get("type") != "public-key" or not _text(sent.get("id")):
        return None
    kept = {name: response[name] for name in (*required, *optional) if response.get(name) is not None}
    if not all(_text(value) for value in kept.values()) or not all(name in kept for name in required):
        return None
    return {"id": sent["id"], "type": "public-key", "response": kept, "clientExtensionResults": {}}


def _text(value: Any) -> bool:
    return isinstance(value, str) and _TEXT.fullmatch(value) is not None
