"""Numbers in a request: the id of a row, a page, a place in a list."""


def bigint(text: str) -> int | None:
    """Return a whole number of 0 or more; None for any other text, and for a number that no bigint holds."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 18 else None
