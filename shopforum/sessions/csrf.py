"""Protection against forged requests (CSRF): refused before any session is extended, refreshed or written to.

Three checks, cheapest first:

1. The browser's statement of the request's origin: Sec-Fetch-Site and Origin. A sibling host is another origin there;
   store and forums are same-site, so SameSite cookies do not separate them.
2. The token's signature, which needs no database.
3. The session, or the visitor, that the token was made for.

Where both headers are missing, the Referer takes their place. A request without any of the three is left to the token
alone: docs/decisions.md says which clients send none, and why they are served.
"""

import hashlib

from pyramid.interfaces import ICSRFStoragePolicy
from zope.interface import implementer

from ..core.ids import parse_uuid
from ..core.text import clean
from . import cookies
from .cookies import CookieJar
from .form_refusals import ForeignForm, FormRefused
from .keyring import SESSION_ID, Keyring, new_session_id
from .policy import FORM_SESSION, NOBODY, OWN_FORM, policy_of
from .request import SessionRequest as Request

COOKIE = cookies.VISITOR
# Seconds. As long as a guest's cart is kept: its forms must not expire before it.
_MAX_AGE = 30 * 86400
# Lax: a link from another site brings the cookie along. With Strict each such link made a new cookie, and the forms of
# all other tabs became invalid. A POST from another site's page is refused by its origin and for its missing token.
_JAR = CookieJar("Lax")
# Values of the view option `own_form`: a login, a logout.
SIGNS_IN, SIGNS_OUT = "in", "out"


@implementer(ICSRFStoragePolicy)
class CSRFPolicy:
    """ICSRFStoragePolicy: a token bound to the session, or, for visitors, to a random cookie of this host."""

    def new_csrf_token(self, request: Request) -> str:
        """Return the same token as `get_csrf_token`: a new session or a new visitor's cookie makes it new."""
        return self.get_csrf_token(request)

    def get_csrf_token(self, request: Request) -> str:
        """Return the token for this page's forms. It stays valid when the session id rotates, for forms in other tabs."""
        secrets_: Keyring = request.sessions.config.secrets
        return secrets_.form_token(*subject(request))

    def check_csrf_token(self, request: Request, supplied: str) -> bool:
        """Return True for a form of this site that was made for its sender. Raises FormRefused, ForeignForm."""
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
            # The token is good for this session alone. The policy compares it with the cookies when it first looks them
            # up, and then neither extends nor refreshes another session than the form's.
            request.environ[FORM_SESSION] = session_id
            return True
        if not own:
            # An attacker who planted the visitor's cookie knows its tokens. None of them is good for a session.
            request.environ[FORM_SESSION] = NOBODY
        cookie = cookies.read(request, COOKIE, SESSION_ID)
        if cookie is not None and visitor == _public(cookie):
            return True
        # The previous login has deleted the visitor's cookie. A session's cookies do not come with another site's POST.
        if own == SIGNS_IN and request.identity is not None:
            return True
        expected = f"a form of visitor {_public(cookie)[:8]}" if cookie else f"the cookie {COOKIE}"
        came = cookie is not None or cookies.SESSION not in request.cookies
        why = ("other_visitor" if cookie else "no_cookie") if came else "signed_in"
        raise FormRefused(
            why, expected, f"a form of visitor {str(visitor)[:8]}" + ("" if cookie else ", no cookie")
        )


def subject(request: Request) -> tuple[str, str]:
    """Return the purpose and the subject of a page's token: `session` and its id, or `visitor` and the public part of the
    visitor's cookie. Makes that cookie where it is missing.
    """
    session = request.identity
    if session is not None:
        return "session", str(session.id)
    return "visitor", _public(_visitor(request))


def require_own_form(request: Request) -> None:
    """Require of a login that its form was made for this visitor or for this browser's session, which may be over.

    Raises FormRefused for the form of a session that this browser does not hold: an attacker's own form, by which the
    victim would be signed in to the attacker's account (login CSRF).
    """
    session_id = request.environ.get(FORM_SESSION)
    if session_id is None or request.identity is not None:
        return
    if not policy_of(request).own_form(request):
        raise FormRefused("other_session", "a form of this browser's", f"a form of session {session_id}")


def check_origin(request: Request) -> None:
    """Refuse a request that another origin's page has sent, a sibling host's included. Raises ForeignForm.

    The Referer tells where the browser is older than both other headers, or where a proxy removes them (OWASP Cross-Site
    Request Forgery Prevention Cheat Sheet, "Verifying Origin With Standard Headers").

    `Origin: null` beside `Sec-Fetch-Site: same-origin` comes from this site's own page behind a proxy that adds
    `Referrer-Policy: no-referrer`: browsers then hide the origin (Fetch, "append a request Origin header"). No page of
    another origin, no sandbox and no `data:` address is called same-origin, and no script can set that header.
    """
    own, site = request.host_url, request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if origin is None and site is None and request.referer:
        origin = "/".join(request.referer.split("/", 3)[:3])
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
    """Return whether the browser states that a page of this site has sent the form, and keeps this site's cookies.

    That is enough for a login or a logout from an old tab, whichever session its form was made for. Call it after
    `check_origin`.
    """
    said = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    return said and any(name.startswith("__Host-") for name in request.cookies)


def forget_visitor(request: Request) -> tuple[str, str]:
    """Return a header that deletes the visitor's cookie: one that was planted before a login is worth nothing after it."""
    return _JAR.expired(COOKIE)


def _visitor(request: Request) -> str:
    """Return the visitor's random value, made where it is missing. Every page with a form extends its cookie."""
    value: str | None = request.environ.get(COOKIE)
    if value is None:
        known = cookies.read(request, COOKIE, SESSION_ID)
        value = known or new_session_id()
        request.environ[COOKIE] = value
        if known is None or request.method == "GET":
            header = _JAR.header(COOKIE, value, _MAX_AGE)
            request.add_response_callback(lambda _, response: response.headerlist.append(header))
    return value


def _public(value: str) -> str:
    """Return the public part of the cookie for a token: a hash that matches the cookie and does not reveal it."""
    return hashlib.sha256(value.encode()).hexdigest()[:32]
