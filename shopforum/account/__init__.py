"""A person's own page: the devices that are signed in at this site, and signing them out."""

from pyramid.config import Configurator

from ..web.templating import Notice


def includeme(config: Configurator) -> None:
    """Routes, views and notices under /account."""
    config.registry.notices |= {
        "device-signed-out": Notice("success", "That device is signed out."),
        "device-gone": Notice("info", "That device was signed out already."),
        "device-reported": Notice(
            "warning",
            "That device is signed out, and our security team can see your report. Change your password now.",
        ),
    }
    config.include(".views")
