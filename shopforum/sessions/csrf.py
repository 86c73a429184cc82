"""Forged requests, refused before any session is extended, refreshed or so much as written to.

Three checks, cheapest first. The browser's own word on where the request comes from: Sec-Fetch-Site and Origin, in
which a sibling host is a stranger (store and forums are same-site, so SameSite cookies do not part them). The
token's signature, which needs no database. And that the token was made for this session, or for this visitor.

A request with neither header is left to the token alone: every browser since 2020 sends Origin with a POST, so it
was not a browser that somebody led here.
"""

import hashlib
import re
import secrets

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken
from pyramid.interfaces import ICSRFStoragePolicy
from pyramid.request import Request
from zope.interface import implementer

from . import cookies
from .cookies import CookieJar
from .policy import FORM_SESSION
from .tokens import Secrets, as_uuid

COOKIE = "__Host-csrf"
# As long as a guest's cart is kept: its forms shall not die before it.
_MAX_AGE = 30 * 86400
# Lax: a link from another site brings the cookie along. Strict, each such link made a new one, and the forms of all
# other tabs were dead. What another site's page could send is refused by its origin and for want of a token.
_JAR = CookieJar("Lax")
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


@implementer(ICSRFStoragePolicy)
class CSRFPolicy:
    """ICSRFStoragePolicy: a token bound to the session, or, for visitors, to a random cookie of this host."""

    def new_csrf_token(self, request: Request) -> str:
        """The same as get_csrf_token: a session brings its own, a visitor's is new where the cookie is."""
        return self.get_csrf_token(request)

    def get_csrf_token(self, request: Request) -> str:
        """The token for this page's forms. It outlives rotations of the session id, for forms in other tabs."""
        secrets_: Secrets = request.sessions.config.secrets
        session = request.identity
        if session is not None:
            return secrets_.form_token("session", str(session.id))
        return secrets_.form_token("visitor", _public(_visitor(request)))

    def check_csrf_token(self, request: Request, supplied: str) -> bool:
        """Whether the form was ours and made for whoever sends it. Raises BadCSRFOrigin for a stranger's page."""
        check_origin(request)
        secrets_: Secrets = request.sessions.config.secrets
        session_id = as_uuid(secrets_.form_subject("session", supplied))
        if session_id is not None:
            # Good for this session and no other: the policy holds it against the cookies when they are first looked
            # at, and then neither extends nor refreshes a session that is not the form's.
            request.environ[FORM_SESSION] = session_id
            return True
        cookie = cookies.read(request, COOKIE, _SHAPE)
        return cookie is not None and secrets_.form_subject("visitor", supplied) == _public(cookie)


def require_own_form(request: Request) -> None:
    """For a login: the form must be this visitor's or this session's. Raises BadCSRFToken for one of a session that
    this browser does not have, an attacker's own, say, by which a victim would be signed in as somebody else.
    """
    if FORM_SESSION in request.environ and request.identity is None:
        raise BadCSRFToken("the form was made for a session that is not here")


def check_origin(request: Request) -> None:
    """Refuse a request that another origin's page has sent, a sibling's too. Raises BadCSRFOrigin."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None and site != "same-origin":
        raise BadCSRFOrigin("the request comes from another site")
    if origin is not None and origin != request.host_url:
        raise BadCSRFOrigin("the request comes from another origin")


def forget_visitor(request: Request) -> tuple[str, str]:
    """A header that drops the visitor's cookie: what was planted before a login is worth nothing after it."""
    return _JAR.expired(COOKIE)


def _visitor(request: Request) -> str:
    """The visitor's random value, made where there is none. With every page that has a form its days begin anew."""
    value: str | None = request.environ.get(COOKIE)
    if value is None:
        value = cookies.read(request, COOKIE, _SHAPE) or secrets.token_urlsafe(32)
        request.environ[COOKIE] = value
        header = _JAR.header(COOKIE, value, _MAX_AGE)
        request.add_response_callback(lambda _, response: response.headerlist.append(header))
    return value


def _public(value: str) -> str:
    """What a token may show of the cookie: enough to match it, nothing to make it from."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]
