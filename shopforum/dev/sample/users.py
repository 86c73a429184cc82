"""The people of the demonstration: who can log in where, with passwords that everybody may know."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from shopforum.core.sites import SITES

from ..idp.provision import provision as provision_idp


@dataclass(frozen=True)
class Login:
    """Somebody who can log in. `roles` are those at each site; a site that is not named refuses the login."""

    email: str
    password: str
    first_name: str
    last_name: str
    roles: Mapping[str, tuple[str, ...]]

    @property
    def id(self) -> str:
        """The identity provider's id, the same in every instance."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{self.email}"))


LOGINS = (
    Login("shopper@harbour.example", "demo-harbour-shopper", "Sam", "Shore", {"store": ("shopper",)}),
    Login(
        "member@harbour.example",
        "demo-harbour-member",
        "Mia",
        "Marsh",
        {"store": ("shopper",), "forums": ("member",)},
    ),
    Login(
        "moderator@harbour.example",
        "demo-harbour-moderator",
        "Moe",
        "Mooring",
        {"store": ("shopper",), "forums": ("member", "moderator")},
    ),
    Login("viewer@harbour.example", "demo-harbour-viewer", "Vera", "Vane", {"admin": ("viewer",)}),
    Login("responder@harbour.example", "demo-harbour-responder", "Rosa", "Reef", {"admin": ("responder",)}),
    Login("owner@harbour.example", "demo-harbour-owner", "Otto", "Oar", {"admin": ("owner",)}),
)


def provision(settings: Mapping[str, str], idp_database: Path, people: Iterable[Login] = LOGINS) -> None:
    """Create the sites' applications and some people at the development identity provider, where they are missing.

    `settings` are those of any site; `idp_database` is the provider's file, which may be open.
    """
    applications = {site: settings[f"idp.{site}.application_id"] for site in SITES}
    provision_idp(
        idp_database,
        tenant_id=settings["idp.tenant_id"],
        applications={
            site: {"id": applications[site], "client_secret": settings[f"idp.{site}.client_secret"]}
            for site in SITES
        },
        urls={site: settings[f"shopforum.{site}_url"] for site in ("store", "forums")},
        verify_email=True,
        webhook_url=f"{settings['shopforum.admin_url']}/webhooks/fusionauth",
        users=[
            {
                "id": login.id,
                "email": login.email,
                "password": login.password,
                "firstName": login.first_name,
                "lastName": login.last_name,
                "registrations": {applications[site]: roles for site, roles in login.roles.items()},
            }
            for login in people
        ],
    )
