"""The packages of a site fill its services at boot: each contribution once, in whatever order they are included."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from pyramid.exceptions import ConfigurationError

from shopforum.core.sites import Site
from shopforum.forums.settings import ForumSettings
from shopforum.web import services
from shopforum.web.contributions import Act, NavItem, Notice
from shopforum.web.services import Navigation, PasswordPage, SavedForms, Services, UnknownAct
from shopforum.web.site_config import SiteConfigurator

DONE = Notice("success", "Done.")
FORMS = SavedForms(lambda _: None, lambda *_: None, lambda *_: None)


def links(_: Any) -> list[NavItem]:
    return [NavItem("Products", "/products")]


def hook(*_: Any) -> None:
    return None


CONTRIBUTIONS: dict[str, Callable[[SiteConfigurator], None]] = {
    "a notice": lambda config: config.add_notices({"done": DONE}),
    "an act": lambda config: config.add_acts({"store_cart": Act("Change the cart")}),
    "the unknown act": lambda config: config.set_unknown_act(Act("Send a form")),
    "the navigation": lambda config: config.set_navigation(links),
    "the password page": lambda config: config.set_password_page("/password"),
    "the saved forms": lambda config: config.set_saved_forms(FORMS),
    "a login notice": lambda config: config.add_login_notices({"/checkout": DONE}),
    "settings": lambda config: config.add_service(ForumSettings()),
}


@pytest.fixture
def site() -> Callable[[], SiteConfigurator]:
    """`site()`: the configurator of a site to which nothing has been added."""

    def make() -> SiteConfigurator:
        config = SiteConfigurator(settings={})
        one = Site("store", "Store", "https://store.test", {}, development=False)
        nothing: Any = None
        services.install(config.registry, Services(one, nothing, nothing, nothing, nothing, {}))
        return config

    return make


@pytest.mark.parametrize("name", CONTRIBUTIONS)
def test_a_contribution_is_refused_the_second_time(site: Callable[[], SiteConfigurator], name: str) -> None:
    config = site()
    CONTRIBUTIONS[name](config)
    with pytest.raises(ConfigurationError, match="is added twice"):
        CONTRIBUTIONS[name](config)


@pytest.mark.parametrize("name", CONTRIBUTIONS)
def test_it_is_refused_also_between_a_package_and_the_one_that_includes_it(
    site: Callable[[], SiteConfigurator], name: str
) -> None:
    """A duplicate is refused where Pyramid's own conflicts let the outer package win in silence."""
    config = site()

    def inner(config: SiteConfigurator) -> None:
        CONTRIBUTIONS[name](config)

    def outer(config: SiteConfigurator) -> None:
        config.include(inner)
        CONTRIBUTIONS[name](config)

    with pytest.raises(ConfigurationError, match="is added twice"):
        config.include(outer)


def test_the_order_of_includes_decides_nothing(site: Callable[[], SiteConfigurator]) -> None:
    def pages(config: SiteConfigurator) -> None:
        for name in list(CONTRIBUTIONS)[:3]:
            CONTRIBUTIONS[name](config)

    def login(config: SiteConfigurator) -> None:
        for name in list(CONTRIBUTIONS)[3:]:
            CONTRIBUTIONS[name](config)

    def guests(config: SiteConfigurator) -> None:
        config.add_login_hook(hook)

    made = []
    for order in permutations([pages, login, guests]):
        config = site()
        for package in order:
            config.include(package)
        config.commit()
        made.append(config.services)
    first = made[0]
    assert all(each == first for each in made)
    assert first.notices["done"] == DONE
    assert first.acts["store_cart"].label == "Change the cart"
    assert first.login_notices["/checkout"] == DONE
    assert first.login_hooks == [hook]
    assert first.get(Navigation).build is links
    assert first.get(UnknownAct).act.label == "Send a form"
    assert first.get(PasswordPage).url == "/password"
    assert first.get(SavedForms) is FORMS
    assert first.get(ForumSettings) == ForumSettings()


def test_a_service_that_no_package_adds_is_missed_by_its_name(site: Callable[[], SiteConfigurator]) -> None:
    with pytest.raises(LookupError, match="ForumSettings"):
        site().services.get(ForumSettings)
    assert site().services.find(ForumSettings) is None
