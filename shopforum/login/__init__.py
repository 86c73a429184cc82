"""Login and logout on all three sites: the form, the second factor, the throttle, and forms that outlive a session.

A submitted login form goes through `views.py` (the page), `throttle.py` (whether it may be tried now), FusionAuth, and
`signin.py` (the session, the audit log, the hooks). `web/safe_redirect.py` decides where to go afterwards. Other packages
take part in a login by a hook (`web/hooks.py`).
"""

from pyramid.config import Configurator

from ..web.acts import Act
from ..web.templating import Notice
from . import settings


def includeme(config: Configurator) -> None:
    """Add the routes and views.

    Sets `registry.login_hooks`, `registry.login_notices` (the notices of the login page, by the path that the login leads
    to), `registry.on_new_device`, `registry.login` (the settings), `registry.password_url`, `registry.keep_form` and
    `registry.form_again`.
    """
    config.registry.login_hooks = []
    config.registry.login_notices = {}
    config.registry.on_new_device = None
    config.registry.login = settings.parse(config.registry.settings)
    idp = config.registry.parsed_settings.idp
    config.registry.password_url = settings.password_url(config.registry.login, idp)
    config.registry.acts |= {
        "login": Act("Log in", asks=True),
        "two_factor": Act("Send the code", asks=True),
        "logout": Act("Log out"),
        "resume": Act("Send it", asks=True),
    }
    config.registry.notices["goodbye"] = Notice("success", "You are logged out.")
    config.include(".views")
    config.include(".two_factor")
    config.include(".resubmit")
