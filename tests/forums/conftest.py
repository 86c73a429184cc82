"""The forums with two categories and no delay between posts; tests of the delay set their own."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from forums.forum_actions import QUICK
from sqlalchemy import text
from support import Browser
from support import person as login_of

from shopforum.core.database import Database
from shopforum.forums import writing
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings
from shopforum.forums.writing import Placed


@pytest.fixture
def db(apps: dict[str, Any]) -> Iterator[Database]:
    services = apps["forums"].services
    database: Database = services.db
    database.all(
        text(
            "INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1), ('pens', 'Pens', 2)"
        )
    )
    services.objects[ForumSettings] = QUICK
    yield database
    services.objects[ForumSettings] = ForumSettings()


@pytest.fixture
def ann() -> Person:
    return Person(uuid4(), "Ann")


@pytest.fixture
def bob() -> Person:
    return Person(uuid4(), "Bob")


@pytest.fixture
def mia() -> Person:
    """The person who logs in as `member`."""
    return Person(UUID(login_of("member").id), "Mia Marsh")


@pytest.fixture
def topic(db: Database, ann: Person) -> Placed:
    """A topic of somebody else's."""
    return writing.start_topic(db, "pans", ann, "Which pan for eggs?", "An *iron* one, or not?", QUICK)


@pytest.fixture
def member(db: Database, browser: Callable[..., Browser]) -> Browser:
    client = browser("forums")
    client.log_in("member")
    return client


@pytest.fixture
def moderator(db: Database, browser: Callable[..., Browser]) -> Browser:
    client = browser("forums")
    client.log_in("moderator")
    return client


@pytest.fixture
def visitor(db: Database, browser: Callable[..., Browser]) -> Browser:
    return browser("forums")
