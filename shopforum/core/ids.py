"""Ids as people and programs write them."""

import re
from uuid import UUID


def parse_uuid(text: str | None) -> UUID | None:
    """The UUID a text spells in its usual form, or None for anything else."""
    if text and re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        return UUID(text)
    return None
