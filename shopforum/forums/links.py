"""The forums' addresses: they are public, linked to from elsewhere, and never change."""

import re
import unicodedata


def slug(title: str) -> str:
    """A title as part of an address: `Which pan for eggs?` is `which-pan-for-eggs`."""
    return _plain(title, 80) or "topic"


def handle(name: str) -> str:
    """What somebody of this name is mentioned by, if nobody else is: `Mia Marsh` is `mia-marsh`."""
    return _plain(name, 40) or "member"


def _plain(words: str, length: int) -> str:
    """Latin letters without their marks, digits, and a hyphen for all between them: nothing that looks like another."""
    letters = unicodedata.normalize("NFKD", words).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters)[:length].strip("-")


def category(name: str) -> str:
    """A category's page, by its slug."""
    return f"/categories/{name}"


def topic(topic_id: int, title: str) -> str:
    """A topic's first page."""
    return f"/topics/{topic_id}-{slug(title)}"


def post(topic_id: int, title: str, post_id: int) -> str:
    """A post on the page of its topic where it stands, scrolled to."""
    return f"{topic(topic_id, title)}?post={post_id}#post-{post_id}"
