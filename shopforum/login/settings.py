"""Settings of the login, all under `login.`; durations in seconds.

| key | default | what it is |
|---|---|---|
| login.account_failures | 5 | tries for one account before waits begin |
| login.account_recovery | 1800 | one failed try for an account is forgiven every so long |
| login.address_failures | 50 | the same for one IPv4 address or one IPv6 /64 |
| login.address_recovery | 60 | the same |
| login.longest_wait | 900 | waits double up to this |
| login.refusal_floor | 0.3 | a refusal takes at least as long, whatever FusionAuth had to look up |
| login.password_url | FusionAuth's hosted page | where people change their password |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ..settings import IdpSettings, number


@dataclass(frozen=True)
class LoginSettings:
    """The numbers above, parsed."""

    account_failures: float = 5
    account_recovery: float = 1800
    address_failures: float = 50
    address_recovery: float = 60
    longest_wait: float = 900
    refusal_floor: float = 0.3


def parse(raw: Mapping[str, str]) -> LoginSettings:
    """Read the settings. Raises SettingsError naming the key that makes no sense."""
    values = {}
    for name, default in vars(LoginSettings()).items():
        least = 0 if name == "refusal_floor" else 1
        values[name] = number(raw, f"login.{name}", float(default), least, 1_000_000)
    return LoginSettings(**values)


def password_url(raw: Mapping[str, str], idp: IdpSettings) -> str:
    """Where people change their password, known or forgotten: FusionAuth's hosted page, unless the settings name
    another.
    """
    query = {"client_id": idp.application_id} | ({"tenantId": idp.tenant_id} if idp.tenant_id else {})
    return raw.get("login.password_url") or f"{idp.url}/password/forgot?{urlencode(query)}"
