"""The permission that an act takes, judged by the sessions it reaches: the same for the console, the API and the command line.

An act that reaches a whole site, more than PEOPLE people, or a console session of an owner takes the permission for
whole sites. The session core judges again in the transaction of the act, earlier acts included (`sessions.reach`).
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast
from sqlalchemy.dialects.postgresql import ARRAY

from ..core.permissions import OWNERS
from ..core.sites import ADMIN
from ..sessions import Limit

# An act on more sessions than this takes a fresh password and the number typed out.
LARGE = 100
# More people than this, in one act or in all acts of an hour, take the permission for whole sites.
PEOPLE = 100


class BeyondReach(Exception):
    """The act reaches further than its actor may. The text is for people."""


def limit(*, unlimited: bool, own: UUID | None = None, names: frozenset[str] = frozenset()) -> Limit | None:
    """Return how far an actor may reach: no console session of an owner, no more than PEOPLE people an hour. None for one with the permission for whole sites. `own` is the actor's user, `names` are Limit's."""
    return None if unlimited else Limit(PEOPLE, ADMIN, OWNERS, own, names)


def alone(own: UUID | None = None, names: frozenset[str] = frozenset()) -> Limit:
    """Return how far an actor with the permission for whole sites reaches without a second one: no more than PEOPLE people an hour."""
    return Limit(PEOPLE, ADMIN, frozenset(), own, names)


def owners_session(site: Any, roles: Any) -> ColumnElement[bool]:
    """Return the condition that a session is an owner's at the console. `site` and `roles` are its columns."""
    return and_(site == ADMIN, roles.op("&&")(cast(sorted(OWNERS), ARRAY(Text))))
