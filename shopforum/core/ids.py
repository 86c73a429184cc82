"""Ids in text from outside."""

import re
from uuid import UUID


def parse_uuid(text: str | None) -> UUID | None:
    """Return the UUID that a text has in its usual form, 8-4-4-4-12 hexadecimal digits; None for any other text."""
    if text and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        return UUID(text)
    return None
