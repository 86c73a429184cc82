"""Pyramid's security policy over sessions: it identifies a request's session, checks permissions and sets the cookies.

Views never handle a cookie or a token. They read `request.identity` (a Session or None), and log in and out with
`remember` and `forget`.
"""

from typing import Any
from uuid import UUID

from pyramid.interfaces import ISecurityPolicy
from pyramid.request import Request as PyramidRequest
from pyramid.request import RequestLocalCache
from pyramid.response import Response
from pyramid.security import Allowed, Denied

from ..core import addresses
from ..core.text import clean
from . import binding_headers, cookies, unmatched_cookies, user_sessions
from .audit import Client
from .cookies import CookieJar
from .form_refusals import FormRefused
from .keyring import REFRESH_TOKEN, SESSION_ID
from .model import Login, Outcome, Pair, Session
from .prefetch import is_prefetch
from .request import SessionRequest as Request
from .request import registry_of

# The permission of every signed-in user.
SIGNED_IN = "signed-in"
# Key in `request.environ`: the session that this request's form was made for. Set by the CSRF check, which runs first.
FORM_SESSION = "shopforum.sessions.form_session"
# Value of FORM_SESSION for a visitor's form, which is good for no session.
NOBODY = UUID(int=0)
# Key in `request.environ`, set by the view option `own_form`: this request signs in or out, and accepts an older form.
OWN_FORM = "shopforum.sessions.own_form"
# Key in `request.environ`, set where a form was refused: its page may show who is signed in, but must neither extend nor
# refresh a session.
UNTOUCHED = "shopforum.sessions.untouched"


class SessionPolicy:
    """ISecurityPolicy. The identity is looked up once a request, and only on demand."""

    def __init__(self) -> None:
        self._outcome = RequestLocalCache(self._resume)

    def identity(self, request: Request) -> Session | None:
        """Return the signed-in session of this request, or None. Raises AuthorityUnavailable."""
        return self._of(request).session

    def known(self, request: Request) -> Session | None:
        """Return the session if this request has looked it up, and None otherwise. Looks up nothing, raises nothing."""
        outcome = self._outcome.get(request)
        return outcome.session if isinstance(outcome, Outcome) else None

    def authenticated_userid(self, request: Request) -> str | None:
        """Return the user's id at the identity provider as text, or None."""
        session = self.identity(request)
        return None if session is None else str(session.user_id)

    def permits(self, request: Request, context: Any, permission: str) -> Allowed | Denied:
        """Return whether the session has a role that holds the permission. A permission without roles is denied. The denial of a
        signed-in user has the permission as its argument.
        """
        session = self.identity(request)
        if session is None:
            return Denied("signed out")
        roles = registry_of(request.registry).session_permissions.get(permission, frozenset())
        if permission == SIGNED_IN or roles & session.roles:
            return Allowed(permission)
        return Denied("missing role for %s", permission)

    def ended(self, request: Request) -> dict[str, str]:
        """Return why the session of the presented cookies is over: `why`, a code, and `ref`, the id of the revocation that
        ended it, if one did. Empty where no session is over.
        """
        outcome = self._of(request)
        found = {"why": outcome.ended, "ref": outcome.ended_by and str(outcome.ended_by)}
        return {name: value for name, value in found.items() if value}

    def presented(self, request: Request) -> UUID | None:
        """Return the session that the presented pair belongs to, dead or alive, or None."""
        return self._of(request).presented

    def own_form(self, request: Request) -> bool:
        """Return whether the request's form was made for the session that its pair belongs to, dead or alive."""
        session_id = request.environ.get(FORM_SESSION)
        return session_id is not None and session_id == self.presented(request)

    def spent(self, request: Request) -> bool:
        """Return whether the presented cookies may be cleared: this request has found their refresh token dead.

        Cookies of a session that had ended before are left: a login in the same browser may have been faster than this
        response, which would then clear the new cookies. Dead cookies open nothing, and the next login replaces them.
        """
        return self._of(request).spent

    def remember(self, request: Request, login: Login, **_: Any) -> list[tuple[str, str]]:
        """Start a session for a user who has just authenticated; returns the headers that set its cookies.

        Returns no headers where the browser has sent a login again meanwhile, which has superseded this one. Raises
        SignInBlocked where a deny rule refuses the login.
        """
        current = self._of(request)
        replaced = current.session.id if current.session else current.withheld_session
        # The cookies that the browser held when it sent the form. All forms that it sends before an answer changes them
        # come from one browser, from whichever tab, whether or not the token of the form was checked.
        held = cookies.read(request, cookies.VISITOR, SESSION_ID) or current.presented
        config = request.sessions.config
        login_form = config.secrets.digest(config.site, "login form", str(held))[:16] if held else None
        outcome = request.sessions.start(login, client_of(request), replaced=replaced, login_form=login_form)
        self._outcome.set(request, outcome)
        return cookie_headers(request, outcome)

    def forget(self, request: Request, **_: Any) -> list[tuple[str, str]]:
        """End this request's session, here and at the provider; returns the headers that clear its cookies.

        A dormant session is not refreshed first: ending it must work while the provider is away.
        """
        session = self._look(request, touch=False, end=True).session
        if session is not None:
            request.sessions.logout(session, client_of(request))
        return self.drop(request)

    def drop(self, request: Request) -> list[tuple[str, str]]:
        """Go on as a visitor, after this request has ended its own session by a revocation; returns the headers that clear the
        cookies. Looking for that session once more would count as its use after its end.
        """
        self._outcome.set(request, Outcome())
        return cleared_headers(request)

    def _of(self, request: Request) -> Outcome:
        outcome: Outcome = self._outcome.get_or_create(request)
        return outcome

    def _resume(self, request: Request) -> Outcome:
        untouched = UNTOUCHED in request.environ
        touch = not (untouched or is_prefetch(request))
        outcome = self._look(request, touch=touch, refresh=not untouched)
        twice = cookies.sent_twice(request)
        if twice:
            unmatched_cookies.note_sent_twice(request.sessions.context, twice, client_of(request))
        headers = cookie_headers(request, outcome)
        if outcome.without_key and cookies.BOUND in request.cookies:
            # It is too old, or another session's. The browser renews a cookie that it does not have.
            headers.append(jar(request).expired(cookies.BOUND))
        if headers:
            request.add_response_callback(lambda _, response: _extend(response, headers))
        return outcome

    def _look(self, request: Request, **options: bool) -> Outcome:
        """Return the outcome of the cookies. Raises FormRefused where the form was made for another session."""
        sessions, pair = request.sessions, presented_pair(request)
        only: UUID | None = request.environ.get(FORM_SESSION)
        skipped = binding_headers.skipped(request)
        outcome = sessions.resume(pair, client_of(request), only=only, skipped=skipped, **options)
        session = outcome.session
        if only is None or session is None or session.id == only:
            return outcome
        if OWN_FORM in request.environ and user_sessions.has(
            sessions.db, session.user_id, session.site, only
        ):
            return outcome
        why = "signed_in" if only == NOBODY else "other_session"
        received = "a visitor's form" if only == NOBODY else f"a form of session {only}"
        raise FormRefused(why, f"a form of session {session.id}", received)


def policy_of(request: Request) -> SessionPolicy:
    """Return the security policy of the application, which is the add-on's."""
    policy: SessionPolicy = request.registry.queryUtility(ISecurityPolicy)
    return policy


def presented_pair(request: Request) -> Pair:
    """Return the request's cookies. One of the wrong shape, or one that comes twice, counts as absent."""
    renewable = request.sessions.config.renewable
    return Pair(
        cookies.read(request, cookies.SESSION, SESSION_ID),
        cookies.read(request, cookies.REFRESH, REFRESH_TOKEN) if renewable else None,
        cookies.read(request, cookies.BOUND, SESSION_ID),
    )


def client_of(request: PyramidRequest) -> Client:
    """Return where the request came from, cleaned so that it can be stored and shown."""
    address = addresses.peer(request.remote_addr or "", str(request.environ.get("REMOTE_PORT", "")))
    agent = clean(request.environ.get("HTTP_USER_AGENT", ""), 512)
    return Client(address, agent, getattr(request, "id", ""))


def cookie_headers(request: Request, outcome: Outcome) -> list[tuple[str, str]]:
    """Return the headers that set a newly issued pair, and offer to bind a new session to its device. Both cookies last to
    the session's absolute end; the server, not the cookies, decides when a session is over.
    """
    pair = outcome.issue
    if pair is None or pair.session_id is None:
        return []
    headers = [jar(request).header(cookies.SESSION, pair.session_id, outcome.max_age)]
    if pair.refresh_token:
        headers.append(jar(request).header(cookies.REFRESH, pair.refresh_token, outcome.max_age))
    if outcome.challenge:
        headers.append(binding_headers.registration(outcome.challenge))
    return headers


def cleared_headers(request: Request) -> list[tuple[str, str]]:
    """Return the headers that delete the cookies: for a logout, and for the login page after a session has ended."""
    names = [cookies.SESSION, *[cookies.REFRESH] * request.sessions.config.renewable]
    # The browser then asks to renew the bound cookie, and hears that the session is over.
    names += [cookies.BOUND] * (cookies.BOUND in request.cookies)
    return [jar(request).expired(name) for name in names]


def jar(request: Request) -> CookieJar:
    """Return the writer of the session's cookies."""
    return CookieJar(request.sessions.config.same_site)


def _extend(response: Response, headers: list[tuple[str, str]]) -> None:
    """Add cookies, unless the view has set or cleared them itself: a login or logout takes precedence."""
    names = {value.split("=", 1)[0] for name, value in response.headerlist if name == "Set-Cookie"}
    response.headerlist.extend(h for h in headers if h[1].split("=", 1)[0] not in names)
