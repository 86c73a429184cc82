"""The identity provider: FusionAuth over its API, as the sites use it.

`request.idp` logs people in; the same object is the sessions' authority, which refreshes and revokes. The wire
contract and how sure each part of it is are in docs/fusionauth.md.
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
    """Make the client `request.idp` and the authority of the sessions."""
    config.registry.idp = idp
    config.set_session_authority(idp)
    config.add_request_method(lambda request: request.registry.idp, "idp", property=True)
