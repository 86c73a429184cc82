"""The three sites' common surroundings of views: tweens, error pages, templates, notices, health checks, services.

From the outside in, a request passes: `tweens.harden` (headers of every response), `caching.tween` (caching, compression),
`tweens.observe` (request id, one log line, last resort), Pyramid's exception views (`errors.py`), `tweens.guard` (Host, sizes, unreadable bytes), and then the
view's derivers: CSRF, permission, fresh login, view.
"""

from pyramid.tweens import EXCVIEW, INGRESS

from .request import Request
from .site_config import SiteConfigurator


def includeme(config: SiteConfigurator) -> None:
    """Add everything but the sites' own routes. Needs the services (`services.install`)."""
    config.set_request_factory(Request)
    config.include(".templating")
    config.include(".errors")
    config.include(".health")
    config.include(".probe")
    config.add_tween("shopforum.web.tweens.guard", under=EXCVIEW)
    config.add_tween("shopforum.web.tweens.observe", over=EXCVIEW)
    config.add_tween("shopforum.web.tweens.harden", under=INGRESS, over="shopforum.web.caching.tween")
    config.add_tween(
        "shopforum.web.caching.tween",
        under="shopforum.web.tweens.harden",
        over="shopforum.web.tweens.observe",
    )
    config.include(".well_known")
    config.include(".design")
