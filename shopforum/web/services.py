"""The services of one site, as one typed object: `request.services`, or `of(registry)` where there is no request.

The application factory creates it. The packages of a site fill it at boot, through the directives of `SiteConfigurator`.
While requests are served, nothing writes to it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from pyramid.exceptions import ConfigurationError
from pyramid.registry import Registry
from pyramid.response import Response

from ..core.database import Database
from ..core.databases import Databases
from ..core.sites import Site
from ..idp import FusionAuth
from ..idp.settings import IdpSettings
from ..sessions import Login, Sessions
from .contributions import Act, LoginHookResult, NavItem, Notice

if TYPE_CHECKING:
    from .request import Request

V = TypeVar("V")
_KEY = "shopforum.services"


class Table(Mapping[str, V]):
    """A mapping that packages fill at boot. Each key is added once, so the order of includes decides nothing."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._items: dict[str, V] = {}

    def add(self, key: str, value: V) -> None:
        """Add an item. Raises ConfigurationError for a key that is there already."""
        if key in self._items:
            raise ConfigurationError(f"{self._subject} {key!r} is added twice")
        self._items[key] = value

    def __getitem__(self, key: str) -> V:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


@dataclass(frozen=True)
class SavedForms:
    """The functions that save a form over a login (login/resubmit.py).

    `save` saves the form of a request, and returns the path where its owner gets it back; None if there is no form to
    save. `show_again` returns a refused form as it was filled in, under a title and a text; None if it cannot. `beginning`
    returns the first words of the text that is saved for the path that a login leads to, or None.
    """

    save: Callable[["Request"], str | None]
    show_again: Callable[["Request", str, str], Response | None]
    beginning: Callable[["Request", str], str | None]


@dataclass(frozen=True)
class Navigation:
    """The links of the site's header, built for each page."""

    build: Callable[["Request"], list[NavItem]]


@dataclass(frozen=True)
class UnknownAct:
    """The act of a form whose route has none of its own."""

    act: Act


@dataclass(frozen=True)
class PasswordPage:
    """The page where users change their password. `url` is empty where no page is known."""

    url: str


@dataclass(frozen=True)
class PendingDeletion:
    """The functions for a login of a user whose account is to be deleted (account/deletion_undo.py).

    `is_pending` says whether an account is. `begin` returns the redirect to the page where the user, who has just logged
    in, may keep the account.
    """

    is_pending: Callable[[Database, UUID], bool]
    begin: Callable[["Request", UUID], Response]


@dataclass(frozen=True)
class AwayHelp:
    """The login page's help while passwords cannot be checked: a text, and a command for the page that the login leads to.
    `code_page` is the address where a code stands in for the password of the request's session, or None.
    """

    text: str
    command: Callable[[str], str]
    code_page: Callable[["Request", str], str | None]


@dataclass
class Services:
    """The objects that the views of one site share. The fields without a default are the application factory's."""

    site: Site
    databases: Databases
    sessions: Sessions
    idp: FusionAuth
    idp_settings: IdpSettings
    # All keys as text.
    settings: Mapping[str, str]
    # By code.
    notices: Table[Notice] = field(default_factory=lambda: Table("the notice"))
    # By name: what all templates and macros can use, whatever the request.
    template_names: Table[object] = field(default_factory=lambda: Table("the template name"))
    # By route.
    acts: Table[Act] = field(default_factory=lambda: Table("the act of the route"))
    # By the path that a login is on the way to: what the login page says.
    login_notices: Table[Notice] = field(default_factory=lambda: Table("the login notice of the path"))
    # By the path that a login is on the way to: label and address of a way on without a login, or None.
    login_alternatives: Table[Callable[["Request"], tuple[str, str] | None]] = field(
        default_factory=lambda: Table("the login alternative of the path")
    )
    # Called after a login has made a session, with the request, the user's id and the path that the login leads to.
    login_hooks: list[Callable[["Request", UUID, str], LoginHookResult | None]] = field(default_factory=list)
    # Called where a user who has been at this site before logs in with a new device.
    new_device_hooks: list[Callable[["Request", Login], None]] = field(default_factory=list)
    # Names of form fields that may come more than once.
    repeatable_fields: set[str] = field(default_factory=set)
    # The objects by their class: the classes above, and each package's own settings, keys and the like.
    objects: dict[type[object], object] = field(default_factory=dict)

    @property
    def db(self) -> Database:
        """The database of the sessions, and of all that is neither the store's nor the forums'."""
        return self.databases.sessions

    @property
    def site_db(self) -> Database:
        """The database with the site's own tables; the same as `db` unless the site has one of its own."""
        return self.databases.of(self.site.name)

    def add(self, service: object) -> None:
        """Add an object that `get` finds by its class. Raises ConfigurationError if there is one of this class."""
        if type(service) in self.objects:
            raise ConfigurationError(f"the service {type(service).__name__} is added twice")
        self.objects[type(service)] = service

    def get(self, kind: type[V]) -> V:
        """Return the object of this class. Raises LookupError if no package of this site has added one."""
        found = self.find(kind)
        if found is None:
            raise LookupError(f"no package of this site adds {kind.__name__}")
        return found

    def find(self, kind: type[V]) -> V | None:
        """Return the object of this class, or None."""
        found = self.objects.get(kind)
        return found if isinstance(found, kind) else None


def install(registry: Registry, services: Services) -> None:
    """Make the services those of this registry's application."""
    registry[_KEY] = services


def of(registry: Registry) -> Services:
    """Return the services of the application. Raises KeyError where there are none."""
    services: Services = registry[_KEY]
    return services
