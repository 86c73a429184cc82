"""Pyramid's Configurator with the directives of the sites, typed. docs/architecture.md shows how a page is added.

A directive refuses what has been added before, with a ConfigurationError at boot. Pyramid's own conflicts do not do:
between a package and the package that includes it, Pyramid lets the outer one win in silence. Directives may be called
in any order.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from pyramid.config import Configurator
from sqlalchemy import Engine

from ..sessions import Authority, Login
from . import services as service_registry
from .contributions import Act, LoginHookResult, NavItem, Notice, SearchBox, Sitemap
from .request import Request
from .services import AwayHelp, Navigation, PasswordPage, SavedForms, Services, UnknownAct


class SiteConfigurator(Configurator):
    """The configurator that `includeme` of a site's package gets."""

    if TYPE_CHECKING:
        # Directives of the session add-on (sessions/__init__.py).
        add_session_permissions: Callable[[Mapping[str, frozenset[str]]], None]
        set_session_engine: Callable[[Engine, bool], None]
        set_session_authority: Callable[[Authority], None]
        # A directive of pyramid_jinja2; the second argument is the renderer's extension.
        add_jinja2_search_path: Callable[[str, str], None]
        # The same: it returns Jinja2's environment once the configuration is being committed.
        get_jinja2_environment: Callable[[], Any]

    @property
    def services(self) -> Services:
        """The services of the site that is being set up."""
        return service_registry.of(self.registry)

    def add_service(self, service: object) -> None:
        """Make an object available as `request.services.get(its class)`: a package's settings, say."""
        self.services.add(service)

    def add_notices(self, notices: Mapping[str, Notice]) -> None:
        """Add notices by the code that stands in an address: `?notice=CODE`."""
        for code, notice in notices.items():
            self.services.notices.add(code, notice)

    def add_template_names(self, names: Mapping[str, object]) -> None:
        """Add names for all templates and macros of the site that are the same for each request. A name that depends on the
        request is added by a subscriber to BeforeRender, and macros do not see it: they are loaded once.
        """
        for name, value in names.items():
            self.services.template_names.add(name, value)
        # Once the environment is there, which pyramid_jinja2 makes with order 0.
        self.action(None, lambda: self.get_jinja2_environment().globals.update(names), order=1)

    def add_acts(self, acts: Mapping[str, Act]) -> None:
        """Add the acts of forms by the name of the route that a form is posted to."""
        for route, act in acts.items():
            self.services.acts.add(route, act)

    def set_unknown_act(self, act: Act) -> None:
        """Set the act of forms whose route has none."""
        self.add_service(UnknownAct(act))

    def set_navigation(self, build: Callable[[Request], list[NavItem]]) -> None:
        """Set the function that builds the links of the header."""
        self.add_service(Navigation(build))

    def set_search_box(self, box: SearchBox) -> None:
        """Set the search field of the header."""
        self.add_service(box)

    def set_footer_links(self, *links: tuple[str, str]) -> None:
        """Set the links of the footer: pairs of label and address."""
        self.add_template_names({"footer_links": links})

    def set_sitemap(self, paths: Callable[[Request], list[str]]) -> None:
        """Set the function that lists the site's public pages for search engines."""
        self.add_service(Sitemap(paths))

    def set_password_page(self, url: str) -> None:
        """Set the address where users change their password."""
        self.add_service(PasswordPage(url))

    def set_away_help(
        self, text: str, command: Callable[[str], str], code_page: Callable[[Request, str], str | None]
    ) -> None:
        """Set what the login page says while the identity provider is away; see `AwayHelp`."""
        self.add_service(AwayHelp(text, command, code_page))

    def set_saved_forms(self, forms: SavedForms) -> None:
        """Set the functions that keep a form over a login."""
        self.add_service(forms)

    def add_repeatable_field(self, name: str) -> None:
        """Allow a form field to come more than once. All others are refused when repeated. It may be allowed twice."""
        self.services.repeatable_fields.add(name)

    def add_login_notices(self, notices: Mapping[str, Notice]) -> None:
        """Add what the login page says to a user who was sent there from a path, by path."""
        for path, notice in notices.items():
            self.services.login_notices.add(path, notice)

    def add_login_hook(self, hook: Callable[[Request, UUID, str], LoginHookResult | None]) -> None:
        """Add a function that each login calls; see `Services.login_hooks`."""
        self.services.login_hooks.append(hook)

    def add_new_device_hook(self, hook: Callable[[Request, Login], None]) -> None:
        """Add a function that a login with a new device calls; see `Services.new_device_hooks`."""
        self.services.new_device_hooks.append(hook)
