"""Pyramid with pyramid_tm, zope.sqlalchemy and the object-relational mapper, as its cookiecutter sets it up."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import zope.sqlalchemy
from markupsafe import Markup
from pyramid.authorization import Allow, Authenticated
from pyramid.config import Configurator
from pyramid.csrf import CookieCSRFStoragePolicy, get_csrf_token
from pyramid.httpexceptions import HTTPFound
from pyramid.request import Request, RequestLocalCache
from pyramid.response import Response
from sqlalchemy import DateTime, ForeignKey, Text, create_engine
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, sessionmaker

from shopforum.core.engine import driver_url

from . import page
from .models import Base, User, lines_of

_FIELD = Markup('<input type="hidden" name="csrf_token" value="{}">')
_COOKIE = "session"


class StoredSession(Base):
    """A login session."""

    __tablename__ = "bench_pyramid_sessions"
    token_hash = mapped_column(Text, primary_key=True)
    user_id = mapped_column(ForeignKey("bench_users.id"))
    expires_at = mapped_column(DateTime(timezone=True))
    user: Mapped[User] = relationship()


class Policy:
    """The security policy: the session of the cookie, extended, and its user."""

    def __init__(self) -> None:
        self._cache = RequestLocalCache(_load)

    def identity(self, request: Request) -> User | None:
        """Return the signed-in user."""
        return self._cache.get_or_create(request)

    def authenticated_userid(self, request: Request) -> str | None:
        """Return the user's id."""
        user = self.identity(request)
        return str(user.id) if user else None

    def permits(self, request: Request, context: Any, permission: str) -> bool:
        """Return whether somebody is signed in."""
        return self.identity(request) is not None


class Root:
    """The context of all views."""

    __acl__ = ((Allow, Authenticated, "view"),)

    def __init__(self, request: Request) -> None:
        self.request = request


def prepare(url: str, user_id: UUID, name: str) -> None:
    """Make the tables and the user."""
    engine = create_engine(driver_url(url))
    Base.metadata.create_all(engine, [User.__table__, StoredSession.__table__])
    with Session(engine) as session:
        session.merge(User(id=user_id, user_name=name))
        session.commit()
    engine.dispose()


def app(url: str) -> Callable[..., Any]:
    """Return the application."""
    templates = page.environment()
    with Configurator(
        settings={"tm.manager_hook": "pyramid_tm.explicit_manager"}, root_factory=Root
    ) as config:
        config.include("pyramid_tm")
        factory = sessionmaker(create_engine(driver_url(url), pool_size=16))
        config.add_request_method(partial(_session, factory), "dbsession", reify=True)
        config.set_security_policy(Policy())
        config.set_csrf_storage_policy(CookieCSRFStoragePolicy())
        config.set_default_csrf_options(require_csrf=True)
        config.add_route("login", "/login")
        config.add_view(_login, route_name="login")
        config.add_route("cart", "/shopping-cart")
        config.add_view(partial(_cart, templates), route_name="cart", permission="view")
        return config.make_wsgi_app()


def _session(factory: sessionmaker[Session], request: Request) -> Session:
    made = factory()
    zope.sqlalchemy.register(made, transaction_manager=request.tm)
    return made


def _load(request: Request) -> User | None:
    found = request.dbsession.get(StoredSession, _hash(request.cookies.get(_COOKIE, "")))
    if found is None or found.expires_at < datetime.now(UTC):
        return None
    found.expires_at = datetime.now(UTC) + timedelta(hours=1)
    return found.user


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _login(request: Request) -> Response:
    token = secrets.token_urlsafe(32)
    expires = datetime.now(UTC) + timedelta(hours=1)
    made = StoredSession(token_hash=_hash(token), user_id=UUID(request.params["user"]), expires_at=expires)
    request.dbsession.add(made)
    response = HTTPFound("/shopping-cart")
    response.set_cookie(_COOKIE, token)
    return response


def _cart(templates: Any, request: Request) -> Response:
    cart = page.cart_of(request.dbsession.scalars(lines_of(request.identity.id)))
    shown = page.values(cart, request.identity, lambda: _FIELD.format(get_csrf_token(request)))
    return Response(
        templates.get_template("shopforum:store/templates/cart.jinja2").render(request=request, **shown)
    )
