"""The request as the views of all sites take it: Pyramid's, typed, with what the application adds."""

from functools import cached_property
from typing import Protocol
from uuid import UUID

from pyramid.httpexceptions import HTTPNotFound
from webob.multidict import MultiDict

from ..core.database import Database
from ..core.ids import parse_uuid
from ..core.read_only_database import ReadOnlyDatabase
from ..core.sites import Site
from ..idp import FusionAuth
from ..sessions import Session, SessionRequest, Sessions
from . import services
from .services import Services

# The largest body, in bytes. The largest form is a long post.
MAX_BODY = 1024 * 1024


class _HasSessions(Protocol):
    """A request that has the session core."""

    @property
    def sessions(self) -> Sessions: ...


class DatabaseAccess:
    """The part that the requests of the sites and of the API share: the databases, and a body that is kept in memory."""

    # It is bounded, and WebOb forgets to close the temporary file that it would use.
    request_body_tempfile_limit = MAX_BODY + 1

    @property
    def db(self: _HasSessions) -> Database:
        """The database of the sessions and of all that the sites share, for short statements and transactions."""
        return self.sessions.db

    @cached_property
    def read_db(self: _HasSessions) -> ReadOnlyDatabase:
        """The database for the operators' queries: read-only, with a time limit of its own."""
        return ReadOnlyDatabase(self.sessions.db)


class Request(DatabaseAccess, SessionRequest):
    """A request of a site. `identity` is the signed-in session or None, and `sessions` the session core (both are the
    session add-on's). `id` names the request in the log. `typed` has the fields of a saved form that is shown again
    (login/resubmit.py), or is None.
    """

    id: str
    # The guard refuses uploaded files (tweens.py), so all values are text.
    POST: MultiDict[str]
    typed: MultiDict[str] | None

    @property
    def services(self) -> Services:
        """The objects that the views of this site share."""
        return services.of(self.registry)

    @property
    def site_db(self) -> Database:
        """The database with the site's own tables."""
        return self.services.site_db

    @property
    def site(self) -> Site:
        """The site that is asked."""
        return self.services.site

    @property
    def idp(self) -> FusionAuth:
        """The client of the identity provider."""
        return self.services.idp

    @property
    def route_name(self) -> str:
        """The name of the matched route; "" where no route matches."""
        return self.matched_route.name if self.matched_route else ""

    @property
    def matched_id(self) -> UUID:
        """The id in the address: `{id}` of the route. Raises HTTPNotFound for a text that is not an id."""
        found = parse_uuid(self.matchdict["id"])
        if found is None:
            raise HTTPNotFound
        return found

    @property
    def me(self) -> Session:
        """The signed-in session, in a view whose permission requires one. Raises RuntimeError without a session."""
        if self.identity is None:
            raise RuntimeError("nobody is signed in: the view needs a permission")
        return self.identity
