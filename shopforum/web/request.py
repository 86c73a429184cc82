"""The request as every view of the sites has it: Pyramid's, with what the application adds, typed."""

from typing import Any

from pyramid.request import Request as PyramidRequest

from ..core.database import Database
from ..core.read_only_database import ReadOnlyDatabase
from ..core.sites import Site
from ..idp import FusionAuth
from ..sessions import Session, Sessions

# Bytes of a body, at most; the largest form is a long post.
MAX_BODY = 1024 * 1024


class Request(PyramidRequest):
    """Views take one of these. `db` is for short statements and transactions, `read_db` for the operators' queries, with a
    time limit of its own; `identity` is the signed-in session; `id` stands for this request in the log; `typed` are the
    fields of a form that is shown once more (login/resubmit.py).
    """

    # The body is kept in memory: it is bounded, and WebOb forgets to close the temporary file it would use.
    request_body_tempfile_limit = MAX_BODY + 1

    id: str
    site: Site
    db: Database
    read_db: ReadOnlyDatabase
    sessions: Sessions
    idp: FusionAuth
    typed: Any

    @property
    def me(self) -> Session:
        """The signed-in session, in a view whose permission nobody has without one. Raises RuntimeError elsewhere."""
        session: Session | None = self.identity
        if session is None:
            raise RuntimeError("nobody is signed in: the view needs a permission")
        return session
