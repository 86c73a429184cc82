"""What the three sites share around their views: tweens, error pages, templates, notices, health checks.

From the outside in, a request meets: `tweens.harden` (headers on every answer), `tweens.observe` (request id, one log
line, last resort), Pyramid's exception views (`errors.py`), `tweens.guard` (Host, sizes, odd bytes), and then
the view's derivers: CSRF, permission, fresh login, view.
"""

from pyramid.config import Configurator
from pyramid.tweens import EXCVIEW, INGRESS

from ..core.sites import Site
from .request import Request


def includeme(config: Configurator) -> None:
    """Wire everything but the sites' own routes. Needs `config.registry.site`."""
    site: Site = config.registry.site
    config.set_request_factory(Request)
    config.include(".templating")
    config.include(".errors")
    config.include(".health")
    config.add_tween("shopforum.web.tweens.guard", under=EXCVIEW)
    config.add_tween("shopforum.web.tweens.observe", over=EXCVIEW)
    config.add_tween("shopforum.web.tweens.harden", under=INGRESS, over="shopforum.web.tweens.observe")
    config.add_request_method(lambda _: site, "site", property=True)
