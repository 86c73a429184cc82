"""The identity provider: FusionAuth over its API, as the sites use it.

`request.idp` logs people in. The same object is the authority of the sessions, which refreshes and revokes tokens.
docs/fusionauth.md has the wire contract, and how sure each part of it is.
"""

from .fusionauth import FusionAuth
from .responses import AccountFault, LoginAnswer, LoginRefused, TwoFactorRequired, same_id

__all__ = ["AccountFault", "FusionAuth", "LoginAnswer", "LoginRefused", "TwoFactorRequired", "same_id"]
