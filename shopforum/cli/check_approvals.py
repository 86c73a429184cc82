"""The check of `shopforum check` that an act which takes two owners can be done at all."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from shopforum.configuration import Configuration
from shopforum.core.database import Database
from shopforum.core.databases import SESSIONS
from shopforum.core.engine import create_unpooled_engine
from shopforum.core.permissions import OWNERS
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.core.settings import read
from shopforum.core.sites import ADMIN
from shopforum.idp import FusionAuth
from shopforum.operations import user_queries
from shopforum.operations.settings import OperationsSettings
from shopforum.sessions import AuthorityUnavailable

from .checks import Check

_ABOUT = "admin.two_people"


def checks(console: Configuration) -> Iterator[Check]:
    """Check that two owners have signed in to the console and are still active owners at FusionAuth.

    An owner who has never signed in does not count: nothing shows that this person can. Without `admin.two_people`, and where the
    database or FusionAuth does not answer, which other checks report, this one says nothing.
    """
    if not read(OperationsSettings, console.raw).two_people:
        return
    engine = create_unpooled_engine(console.settings.database_urls[SESSIONS])
    try:
        seen = user_queries.all_holders(ReadOnlyDatabase(Database(engine)), ADMIN, OWNERS)
        idp = FusionAuth(console.idp)
        owners = [user_id for user_id in seen if OWNERS & set(idp.roles(user_id) or ())]
    except (SQLAlchemyError, AuthorityUnavailable):
        return
    finally:
        engine.dispose()
    if len(owners) >= 2:
        yield Check(_ABOUT, fine=f"{len(owners)} owners can approve")
    else:
        yield Check(
            _ABOUT,
            problem=f"{'one owner has' if owners else 'no owner has'} signed in to the console: nobody can approve what an owner asks for",
            fix="make a second owner in FusionAuth, and let both sign in to the console; or set admin.two_people = false",
        )
