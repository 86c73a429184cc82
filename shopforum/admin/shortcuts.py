"""The console's keyboard shortcuts: the key of each act, for the pages that carry it and for the page that lists them.

They work with JavaScript, outside fields, and only where the admin has switched them on: a single key that acts must be
possible to turn off (WCAG 2.2, 2.1.4). No key acts at once; it opens the page that asks first.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Shortcut:
    """A key, and what it does."""

    key: str
    does: str


SHORTCUTS = {
    "search": Shortcut("/", "Go to the search box"),
    "dashboard": Shortcut("d", "Open the dashboard"),
    "sessions": Shortcut("s", "Open the sessions"),
    "revocations": Shortcut("v", "Open the revocations"),
    "rules": Shortcut("u", "Open the rules"),
    "incidents": Shortcut("i", "Open the incidents"),
    "explain": Shortcut("x", "Open Explain: why a request was served or refused"),
    "audit": Shortcut("a", "Open the audit log"),
    "down": Shortcut("j", "Go to the next row of a list; Space ticks it"),
    "up": Shortcut("k", "Go to the row before"),
    "end": Shortcut("e", "End the selected sessions: asks first"),
    "quarantine": Shortcut("q", "Quarantine the selected sessions: asks first"),
    "refresh": Shortcut("r", "Refresh the list"),
    "older": Shortcut("n", "Go to the next page of a list"),
    "newer": Shortcut("p", "Go to the page before"),
}


def key(name: str) -> str:
    """Return the key of an act."""
    return SHORTCUTS[name].key
