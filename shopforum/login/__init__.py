"""Login and logout on all three sites: the form, the second factor, the throttle, and forms that outlive a session.

A submitted login form goes through `views.py` (the page), `throttle.py` (whether it may be tried now), FusionAuth, and
`signin.py` (the session, the audit log, the hooks). `web/safe_redirect.py` decides where to go afterwards. Other packages
take part in a login by a hook (`web/hooks.py`).
"""

from ..core.bulkhead import Bulkhead
from ..core.sites import ADMIN
from ..web.contributions import Act, Notice
from ..web.limits import LetterLimit
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import known_devices, settings, throttle


def includeme(config: SiteConfigurator) -> None:
    """Add the routes and views of the login, and its settings (`LoginSettings`) to the services."""
    parsed = settings.parse(config.registry.settings)
    config.add_service(parsed)
    config.add_service(Bulkhead(parsed.most_delayed))
    config.add_service(LetterLimit(_take_letter))
    config.set_password_page(
        settings.password_url(parsed, config.services.idp_settings, config.services.site.name)
    )
    config.add_acts(
        {
            "login": Act("Log in", asks=True),
            "two_factor": Act("Send the code", asks=True),
            "enrolment": Act("Set up the second step", page="/login"),
            "logout": Act("Log out"),
            "resume": Act("Send it", asks=True),
        }
    )
    config.add_notices({"goodbye": Notice("success", "You are logged out.")})
    config.include(".views")
    config.include(".two_factor")
    config.include(".enrolment")
    config.include(".resubmit")
    if config.services.site.name != ADMIN:
        config.include(".signup")
        config.include(".new_password")
        if parsed.mail_codes:
            config.include(".mail_code")
        if parsed.passkeys:
            config.include(".passkey_login")
            config.include(".passkeys")


def _take_letter(request: Request, email: str) -> None:
    throttle.take_for_order(request, known_devices.account(request, email))
