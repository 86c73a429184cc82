"""The client of FusionAuth, the identity provider.

`request.idp` logs users in. The same object is the sessions' authority, which refreshes and revokes. docs/fusionauth.md
has the wire contract and the settings that FusionAuth needs.
"""

from .enrolment_answers import Enrolled
from .fusionauth import FusionAuth
from .login_answers import LoginAnswer, LoginRefused, MailCode, TwoFactorRequired
from .passkey_answers import Passkey
from .passkeys import RelyingParty
from .signup_answers import AddressTaken, InputRefused
from .transport import AccountFault
from .user_answers import same_id, shown_name

__all__ = [
    "AccountFault",
    "AddressTaken",
    "Enrolled",
    "FusionAuth",
    "InputRefused",
    "LoginAnswer",
    "LoginRefused",
    "MailCode",
    "Passkey",
    "RelyingParty",
    "TwoFactorRequired",
    "same_id",
    "shown_name",
]
