"""What the three sites share around their views: tweens, error pages, templates, notices, health checks.

From the outside in, a request meets: `tweens.harden` (headers on every answer), `tweens.observe` (request id, one log
line, last resort), Pyramid's exception views (`errors.py`), `tweens.guard` (Host, sizes, odd bytes), and then
the view's derivers: CSRF, permission, fresh login, view.
"""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.tweens import EXCVIEW, INGRESS

from ..settings import Site
from .tweens import MAX_BODY


class SiteRequest(Request):
    """Keeps the body in memory: it is bounded, and WebOb forgets to close the temporary file it would use."""

    request_body_tempfile_limit = MAX_BODY + 1


def includeme(config: Configurator) -> None:
    """Wire everything but the sites' own routes. Needs `config.registry.site`."""
    site: Site = config.registry.site
    config.set_request_factory(SiteRequest)
    config.include(".templating")
    config.include(".errors")
    config.include(".health")
    config.add_tween("shopforum.web.tweens.guard", under=EXCVIEW)
    config.add_tween("shopforum.web.tweens.observe", over=EXCVIEW)
    config.add_tween("shopforum.web.tweens.harden", under=INGRESS, over="shopforum.web.tweens.observe")
    config.add_request_method(lambda _: site, "site", property=True)
