"""Settings of the login, all under `login.`; durations in seconds.

| key | default | what it is |
|---|---|---|
| login.account_failures | 5 | tries for one account before waits begin |
| login.account_recovery | 1800 | one failed try for an account is forgiven every so long |
| login.address_failures | 50 | the same for one IPv4 address or one IPv6 /64 |
| login.address_recovery | 60 | the same |
| login.longest_wait | 900 | waits double up to this |
| login.refusal_floor | 0.3 | a refusal takes at least as long, whatever FusionAuth had to look up |
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ..settings import SettingsError


@dataclass(frozen=True)
class LoginSettings:
    """The settings above, parsed."""

    account_failures: float = 5
    account_recovery: float = 1800
    address_failures: float = 50
    address_recovery: float = 60
    longest_wait: float = 900
    refusal_floor: float = 0.3


def parse(raw: Mapping[str, str]) -> LoginSettings:
    """Read the settings. Raises SettingsError naming the key that makes no sense."""
    return LoginSettings(
        **{field.name: _number(raw, field.name, field.default) for field in fields(LoginSettings)}
    )


def _number(raw: Mapping[str, str], name: str, default: object) -> float:
    try:
        value = float(raw.get(f"login.{name}", str(default)))
    except ValueError:
        raise SettingsError(f"login.{name} must be a number") from None
    smallest = 0 if name == "refusal_floor" else 1
    if not smallest <= value <= 1_000_000:
        raise SettingsError(f"login.{name} must be between {smallest} and 1,000,000")
    return value
