"""The forums' addresses: they are public, linked to from elsewhere, and never change."""

import re
import unicodedata


def slug(title: str) -> str:
    """A title as part of an address: `Which pan for eggs?` is `which-pan-for-eggs`."""
    letters = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters)[:80].strip("-") or "topic"


def category(name: str) -> str:
    """A category's page, by its slug."""
    return f"/categories/{name}"


def topic(topic_id: int, title: str) -> str:
    """A topic's first page."""
    return f"/topics/{topic_id}-{slug(title)}"


def post(topic_id: int, title: str, post_id: int) -> str:
    """A post on the page of its topic where it stands, scrolled to."""
    return f"{topic(topic_id, title)}?post={post_id}#post-{post_id}"
