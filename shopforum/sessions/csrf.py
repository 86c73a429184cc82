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

from pyramid.interfaces import ICSRFStoragePolicy
from zope.interface import implementer

from ..core.ids import parse_uuid
from ..core.text import clean
from . import cookies
from .cookies import CookieJar
from .form_refusals import ForeignForm, FormRefused
from .keyring import Keyring
from .policy import FORM_SESSION, NOBODY, OWN_FORM, policy_of
from .request import SessionRequest as Request

COOKIE = cookies.VISITOR
# As long as a guest's cart is kept: its forms shall not die before it.
_MAX_AGE = 30 * 86400
# Lax: a link from another site brings the cookie along. Strict, each such link made a new one, and the forms of all
# other tabs were dead. What another site's page could send is refused by its origin and for want of a token.
_JAR = CookieJar("Lax")
# What the view option `own_form` says of a login and of a logout.
SIGNS_IN, SIGNS_OUT = "in", "out"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")


@implementer(ICSRFStoragePolicy)
class CSRFPolicy:
    """ICSRFStoragePolicy: a token bound to the session, or, for visitors, to a random cookie of this host."""

    def new_csrf_token(self, request: Request) -> str:
        """The same as get_csrf_token: a session brings its own, a visitor's is new where the cookie is."""
        return self.get_csrf_token(request)

    def get_csrf_token(self, request: Request) -> str:
        """The token for this page's forms. It outlives rotations of the session id, for forms in other tabs."""
        secrets_: Keyring = request.sessions.config.secrets
        return secrets_.form_token(*subject(request))

    def check_csrf_token(self, request: Request, supplied: str) -> bool:
        """Whether the form was ours and made for whoever sends it. Raises FormRefused, ForeignForm."""
        check_origin(request)
        secrets_: Keyring = request.sessions.config.secrets
        session_id = parse_uuid(secrets_.form_subject("session", supplied))
        visitor = secrets_.form_subject("visitor", supplied)
        if session_id is None and visitor is None:
            raise FormRefused("no_token", "a token of ours", "another" if supplied else "none")
        own = request.environ.get(OWN_FORM)
        if own and _vouched_for(request):
            return True
        if session_id is not None:
            # Good for this session and no other: the policy holds it against the cookies when they are first looked
            # at, and then neither extends nor refreshes a session that is not the form's.
            request.environ[FORM_SESSION] = session_id
            return True
        if not own:
            # Whoever planted the visitor's cookie knows its tokens; none of them is good for a session.
            request.environ[FORM_SESSION] = NOBODY
        cookie = cookies.read(request, COOKIE, _SHAPE)
        if cookie is not None and visitor == _public(cookie):
            return True
        # The login before has dropped the visitor's cookie. A session's cookies do not come with another site's POST.
        if own == SIGNS_IN and request.identity is not None:
            return True
        expected = f"a form of visitor {_public(cookie)[:8]}" if cookie else f"the cookie {COOKIE}"
        came = cookie is not None or cookies.SESSION not in request.cookies
        why = ("other_visitor" if cookie else "no_cookie") if came else "signed_in"
        raise FormRefused(
            why, expected, f"a form of visitor {str(visitor)[:8]}" + ("" if cookie else ", no cookie")
        )


def subject(request: Request) -> tuple[str, str]:
    """Whom a page is made for: `session` and its id, or `visitor` and what may be shown of the cookie, which is made
    where there is none.
    """
    session = request.identity
    if session is not None:
        return "session", str(session.id)
    return "visitor", _public(_visitor(request))


def require_own_form(request: Request) -> None:
    """For a login: the form must be this visitor's or this session's, be that over. Raises FormRefused for one of a
    session that this browser does not have, an attacker's own, say, by which a victim would be signed in as somebody
    else.
    """
    session_id = request.environ.get(FORM_SESSION)
    if session_id is None or request.identity is not None:
        return
    if not policy_of(request).own_form(request):
        raise FormRefused("other_session", "a form of this browser's", f"a form of session {session_id}")


def check_origin(request: Request) -> None:
    """Refuse a request that another origin's page has sent, a sibling's too. Raises ForeignForm.

    `Origin: null` beside `Sec-Fetch-Site: same-origin` is our own page's: its proxy has added `Referrer-Policy:
    no-referrer`, for which browsers hide the origin from us (Fetch, "append a request Origin header"). No page of
    another origin, no sandbox and no `data:` address is called same-origin, and no script can set that header.
    """
    own, site = request.host_url, request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if origin not in (None, own, "null"):
        same_host = str(origin).partition("://")[2] == own.partition("://")[2]
        raise ForeignForm("scheme" if same_host else "foreign_origin", own, clean(str(origin), 200))
    if site not in (None, "same-origin"):
        raise ForeignForm(
            "foreign_origin", "Sec-Fetch-Site: same-origin", f"Sec-Fetch-Site: {clean(site, 20)}"
        )
    if origin == "null" and site is None:
        raise ForeignForm("null_origin", own, "null")


def _vouched_for(request: Request) -> bool:
    """Whether the browser says that a page of ours has sent the form, and keeps our cookies. That is enough for a login
    or a logout, to whatever session the form once belonged: the tab may be an old one. Needs `check_origin`.
    """
    said = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return said and any(name.startswith("__Host-") for name in request.cookies)


def forget_visitor(request: Request) -> tuple[str, str]:
    """A header that drops the visitor's cookie: what was planted before a login is worth nothing after it."""
    return _JAR.expired(COOKIE)


def _visitor(request: Request) -> str:
    """The visitor's random value, made where there is none. With every page that has a form its days begin anew."""
    value: str | None = request.environ.get(COOKIE)
    if value is None:
        known = cookies.read(request, COOKIE, _SHAPE)
        value = known or secrets.token_urlsafe(32)
        request.environ[COOKIE] = value
        if known is None or request.method == "GET":
            header = _JAR.header(COOKIE, value, _MAX_AGE)
            request.add_response_callback(lambda _, response: response.headerlist.append(header))
    return value


def _public(value: str) -> str:
    """What a token may show of the cookie: enough to match it, nothing to make it from."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]
