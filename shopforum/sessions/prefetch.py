"""Prefetches: requests for a page that a browser or a script makes before anybody looks at it. Internal."""

from pyramid.request import Request

# Sec-Purpose: Chromium since 110, Firefox since 115 (Fetch, "Sec-Purpose"). Purpose: Chromium before, and still for links;
# the console's own polling. X-Moz: Firefox before 115. X-Purpose: Safari's previews.
_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_VALUES = ("prefetch", "prerender", "preview")


def is_prefetch(request: Request) -> bool:
    """Return whether the request says that nobody looks at its page yet. It must neither extend a session nor use up or
    mark as read what the page shows.
    """
    said = " ".join(request.headers.get(name, "") for name in _HEADERS).lower()
    return any(value in said for value in _VALUES)
