"""The client of FusionAuth, the identity provider.

`request.idp` logs users in. The same object is the sessions' authority, which refreshes and revokes. docs/fusionauth.md
has the wire contract and the settings that FusionAuth needs.
"""

from pyramid.config import Configurator

from .fusionauth import FusionAuth
from .responses import AccountFault, LoginAnswer, LoginRefused, TwoFactorRequired, same_id

__all__ = [
    "AccountFault",
    "FusionAuth",
    "LoginAnswer",
    "LoginRefused",
    "TwoFactorRequired",
    "add_idp",
    "same_id",
]


def add_idp(config: Configurator, idp: FusionAuth) -> None:
    """Install the client as `request.idp` and as the authority of the sessions."""
    config.registry.idp = idp
    config.set_session_authority(idp)
    config.add_request_method(lambda request: request.registry.idp, "idp", property=True)
