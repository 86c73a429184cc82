"""The forums' addresses. They are public and linked to from other sites, so they never change."""

import re
import unicodedata


def slug(title: str) -> str:
    """Return a title as part of an address: `Which pan for eggs?` becomes `which-pan-for-eggs`."""
    return _plain(title, 80) or "topic"


def handle(name: str) -> str:
    """Return the handle for a name, if nobody else has it: `Mia Marsh` becomes `mia-marsh`."""
    return _plain(name, 40) or "member"


def is_nobodys(handle: str) -> bool:
    """Return whether a handle is that of a member whose account was deleted: such a member has no page (`personal.py`)."""
    return handle.startswith("~")


def _plain(words: str, length: int) -> str:
    """Return Latin letters without accents, digits, and hyphens for everything between: no handle looks like another."""
    letters = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters)[:length].strip("-")


def category(name: str) -> str:
    """Return the address of a category's page, by its slug."""
    return f"/categories/{name}"


def member(name: str) -> str:
    """Return the address of a member's page, by the handle."""
    return f"/members/{name}"


def topic(topic_id: int, title: str) -> str:
    """Return the address of a topic's first page."""
    return f"/topics/{topic_id}-{slug(title)}"


def post(topic_id: int, title: str, post_id: int) -> str:
    """Return the permalink of a post: the page of its topic, scrolled to the post."""
    return f"{topic(topic_id, title)}?post={post_id}#post-{post_id}"
