"""The contributions of a site to the pages and the login that all sites share; `SiteConfigurator` takes them at boot."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .request import Request


@dataclass(frozen=True)
class NavItem:
    """A link of the page header. `count` is shown beside the label; None shows no count. `key` is its shortcut, if it has one."""

    label: str
    url: str
    current: bool = False
    count: int | None = None
    key: str = ""


@dataclass(frozen=True)
class SearchBox:
    """The search field of the page header: a GET form with the field `q`. `action` is a path, `label` names the field.

    `suggestions` is the path of a JSON list of texts for what was typed so far, `?q=`; "" where it makes no suggestions. With
    `signed_in`, only signed-in users see the field. `key` is its shortcut, if it has one.
    """

    action: str
    label: str
    suggestions: str = ""
    signed_in: bool = False
    key: str = ""


@dataclass(frozen=True)
class Sitemap:
    """The public pages of a site for search engines: `paths` returns the paths of at most 50,000."""

    paths: Callable[["Request"], list[str]]


@dataclass(frozen=True)
class Undo:
    """A button in a notice that undoes the act, with a name and a value.

    `form`: id of the form whose fields the button submits. Without it the button is its own form.
    """

    action: str
    label: str
    name: str = ""
    value: str = ""
    form: str = ""


@dataclass(frozen=True)
class Notice:
    """A message about the last act, above the page. `kind` is info, success, warning or error."""

    kind: str
    text: str
    undo: Undo | None = None


@dataclass(frozen=True)
class Act:
    """The act of a form, for the pages that offer to send the form again. `label` reads like the form's button.

    A form that ends or destroys something, or reaches far, is never sent again from another page. With `asks`, its own
    address asks before it acts, and a GET of that address shows the form as it was filled in. With `page`, the user
    starts over on that page.
    """

    label: str
    asks: bool = False
    page: str = ""

    @property
    def again(self) -> bool:
        """Return whether another page may send the form again."""
        return not (self.asks or self.page)


@dataclass(frozen=True)
class LoginHookResult:
    """The additions of a login hook to the response: headers, such as cookies, and the code of a notice for the next page."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    notice: str | None = None
