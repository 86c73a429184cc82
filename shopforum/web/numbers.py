"""Numbers that somebody sent: the id of a row, a page, a place in a list."""


def bigint(text: str) -> int | None:
    """A whole number from a query or a field, 0 or more. None for anything else, and for what no bigint holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
