"""The settings of the login, under `login.`; durations in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from ..core.settings import read, setting
from ..core.sites import ADMIN
from ..idp.settings import IdpSettings

_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class LoginSettings:
    """The limits for tries at a login, and the page where people change their password."""

    account_failures: float = setting(
        "login.account_failures",
        5.0,
        "failed tries for one account before it has to wait",
        least=1,
        most=_MOST,
    )
    account_recovery: float = setting(
        "login.account_recovery",
        1800.0,
        "seconds after which one failed try for an account is forgiven",
        least=1,
        most=_MOST,
    )
    address_failures: float = setting(
        "login.address_failures",
        50.0,
        "failed tries from one IPv4 address or one IPv6 /64 before it has to wait",
        least=1,
        most=_MOST,
    )
    address_recovery: float = setting(
        "login.address_recovery",
        60.0,
        "seconds after which one failed try from an address is forgiven",
        least=1,
        most=_MOST,
    )
    longest_wait: float = setting(
        "login.longest_wait", 900.0, "seconds; the wait doubles up to this", least=1, most=_MOST
    )
    refusal_floor: float = setting(
        "login.refusal_floor",
        0.3,
        "seconds that a refusal takes at least, so that its duration does not tell whether an account exists",
        least=0,
        most=_MOST,
    )
    most_delayed: int = setting(
        "login.most_delayed",
        8,
        "refusals of a process that take their time at once; more get 503, or they would take the threads of other pages",
        least=1,
        most=1000,
    )
    mail_codes: bool = setting(
        "login.mail_codes",
        False,
        "on: people of store and forums may log in by a code that FusionAuth mails (1.59 or newer)",
    )
    passkeys: bool = setting(
        "login.passkeys",
        False,
        "on: people of store and forums may log in with a passkey, which FusionAuth keeps (1.52 or newer, with a licence)",
    )
    passkey_domain: str = setting(
        "login.passkey_domain",
        "",
        "the domain that passkeys are good for: the tenant's relying party id if it has one, otherwise the site's host",
    )
    password_url: str = setting(
        "login.password_url",
        "",
        "where people change their password; the site's own page, FusionAuth's on the console",
    )
    second_factor_url: str = setting(
        "login.second_factor_url",
        "",
        "where people set up a second factor that FusionAuth requires; FusionAuth's hosted account page if not set",
    )


def parse(raw: Mapping[str, str]) -> LoginSettings:
    """Read the login's settings. Raises SettingsError."""
    return read(LoginSettings, raw)


def password_url(settings: LoginSettings, idp: IdpSettings, site: str) -> str:
    """Return the address where people change or reset their password: the site's own page, on the console FusionAuth's hosted
    page, unless the settings name another one.
    """
    if not settings.password_url and site != ADMIN:
        return "/password/forgot"
    return settings.password_url or f"{idp.url}/password/forgot?{_of_application(idp)}"


def second_factor_url(settings: LoginSettings, idp: IdpSettings) -> str:
    """Return the address where people set up a second factor: FusionAuth's hosted account page, whose own login leads through
    the set-up where the tenant requires one, unless the settings name another address.
    """
    return settings.second_factor_url or f"{idp.url}/account/?{_of_application(idp)}"


def _of_application(idp: IdpSettings) -> str:
    return urlencode(
        {"client_id": idp.application_id} | ({"tenantId": idp.tenant_id} if idp.tenant_id else {})
    )
