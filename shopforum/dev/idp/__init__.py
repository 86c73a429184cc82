"""A development identity provider that speaks FusionAuth's wire contract.

It stands in for FusionAuth on a developer's machine and in the tests, over real HTTP and with real tokens. It
is not for production: it answers on loopback only and has hooks that lock users and read codes.
"""

from typing import Any

from pyramid.config import Configurator
from pyramid.router import Router
from pyramid.settings import asbool

from .service import Service

_MODULES = (
    "errors",
    "login",
    "twofactor",
    "passwordless",
    "webauthn",
    "refresh",
    "oauth",
    "users",
    "registrations",
    "groups",
    "credentials",
    "verification",
    "applications",
    "system",
    "hooks",
    "faults",
)


def main(global_config: dict[str, Any] | None, **settings: Any) -> Router:
    """The paste application factory.

    Settings: ``devidp.enabled`` must be true, ``devidp.database`` is the path of its SQLite file and
    ``devidp.api_key`` the one API key. Raises ValueError when one is missing.
    """
    if not asbool(settings.get("devidp.enabled")):
        raise ValueError("the development identity provider only starts with devidp.enabled = true")
    missing = [name for name in ("devidp.database", "devidp.api_key") if not settings.get(name)]
    if missing:
        raise ValueError(f"the development identity provider needs the settings {', '.join(missing)}")
    return make_app(Service(settings["devidp.database"], settings["devidp.api_key"]))


def make_app(service: Service) -> Router:
    """The WSGI application of one provider."""
    config = Configurator()
    config.registry["devidp"] = service
    config.add_tween("shopforum.dev.idp.gate.gate")
    for module in _MODULES:
        config.include(f"shopforum.dev.idp.{module}")
    return config.make_wsgi_app()
