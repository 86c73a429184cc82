"""Values that wait in a browser, in a cookie or a form, and that it can neither read nor change: JSON, encrypted for one purpose
on one site.
"""

import base64
import binascii
import json
import re
from typing import Any

from ..web.request import Request

# The id of a key, and what it has encrypted, in base64url.
SHAPE = re.compile(r"[0-9a-f]{8}\.[A-Za-z0-9_-]{1,4000}={0,2}")


def encrypt(request: Request, purpose: str, content: list[Any], length: int = 0) -> str | None:
    """Return the encrypted value. With `length` it is padded to so many bytes, so that all values look alike, and None where the content
    is longer.
    """
    plain = json.dumps(content, ensure_ascii=False).encode()
    if length and len(plain) > length:
        return None
    keys = request.sessions.config.secrets
    sealed = keys.encrypt(purpose, request.site.name, plain.ljust(length))
    return f"{keys.id}.{base64.urlsafe_b64encode(sealed).decode()}"


def decrypt(request: Request, purpose: str, value: str | None) -> list[Any] | None:
    """Return what `encrypt` was given for this purpose on this site, or None for any other value."""
    if value is None or not SHAPE.fullmatch(value):
        return None
    key_id, _, encoded = value.partition(".")
    try:
        sealed = base64.urlsafe_b64decode(encoded)
    except binascii.Error:
        return None
    plain = request.sessions.config.secrets.decrypt(purpose, request.site.name, key_id, sealed)
    return None if plain is None else list(json.loads(plain))
