"""The client of FusionAuth, the identity provider.

`request.idp` logs users in. The same object is the sessions' authority, which refreshes and revokes. docs/fusionauth.md
has the wire contract and the settings that FusionAuth needs.
"""

from .fusionauth import FusionAuth
from .passkeys import RelyingParty
from .responses import (
    AccountFault,
    AddressTaken,
    Enrolled,
    InputRefused,
    LoginAnswer,
    LoginRefused,
    MailCode,
    Passkey,
    TwoFactorRequired,
    same_id,
    shown_name,
)

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
