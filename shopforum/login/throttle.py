"""The throttle of the login: failed tries are counted by account and by address, and after a number of them each new try
has to wait.

A try is counted before the password is checked, in one statement that accepts it only if no wait is due: of many
concurrent tries no more get through than of sequential ones (ASVS 5.0 6.3.1, NIST SP 800-63B-4 3.2.2). The count is taken
back if the password was right, or if FusionAuth could not be asked.

An attacker's failures must not lock the owner out: a device that has logged in to the account before has a counter of its
own. An account that does not exist is counted like any other, so a wait does not tell whether an account exists.
"""

import ipaddress
import math
from dataclasses import dataclass

from sqlalchemy import text

from ..core.database import Database
from ..sessions import client_of
from ..web.request import Request
from ..web.templating import plural
from . import known_devices
from .settings import LoginSettings

_COUNT = "greatest(f.failures - extract(epoch FROM clock_timestamp() - f.last_at) / :{0}_recovery, 0) + 1"
_WAIT = """(CASE WHEN round(({count})::numeric) < :{0}_failures THEN 0
    ELSE least(:longest_wait, power(2, least(round(({count})::numeric) - :{0}_failures, 30))) END) * interval '1 second'"""


def _taken(name: str, source: str) -> str:
    """Return the upsert of one counter.

    PostgreSQL evaluates its WHERE again on the newest row, after it has waited for the row's lock.
    """
    count = _COUNT.format(name)
    first, later = _WAIT.format(name, count="1"), _WAIT.format(name, count=count)
    return f"""
    INSERT INTO login_failures AS f (key, failures, last_at, blocked_until)
    SELECT :{name}, 1, clock_timestamp(), clock_timestamp() + {first} {source}
    ON CONFLICT (key) DO UPDATE SET failures = {count}, last_at = clock_timestamp(),
      blocked_until = clock_timestamp() + {later}
    WHERE f.blocked_until <= clock_timestamp() RETURNING failures"""


# The address is counted first: an address that has to wait cannot make an account wait.
_TAKE = text(
    f"""
WITH of_address AS ({_taken("address", "")}), of_account AS ({_taken("account", "FROM of_address")})
SELECT (SELECT failures FROM of_account) AS failures,
  (SELECT extract(epoch FROM max(blocked_until) - clock_timestamp()) FROM login_failures
   WHERE key IN (:address, :account)) AS wait"""
)

# An address is not cleared by a login: an attacker could log in to an account of their own between two guesses.
_FORGIVE = text(
    """UPDATE login_failures SET failures = greatest(failures - 1, 0), blocked_until = clock_timestamp()
    WHERE key = :key"""
)

_CLEAR = text("DELETE FROM login_failures WHERE key = :key")


class TooManyTries(Exception):
    """The person has to wait. `retry_after` is in whole seconds; the message is for the person."""

    def __init__(self, retry_after: int) -> None:
        long = retry_after >= 120
        wait = plural(-(-retry_after // 60), "minute") if long else plural(retry_after, "second")
        super().__init__(f"Too many tries. Wait {wait}, then try again.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Try:
    """A counted try. `failures` is the account's number of failures, this try included; `last_free` says that the next
    try has to wait. `address` and `account` are the keys of the counters.
    """

    address: bytes
    account: bytes
    failures: int
    last_free: bool


def take(request: Request, account: bytes) -> Try:
    """Count a try to log in to an account (`known_devices.account`). Raises TooManyTries."""
    device = known_devices.device(request, account)
    digest = request.sessions.config.secrets.digest
    counter = digest("", "login device", f"{device.hex()} {account.hex()}") if device else account
    return _take(request.db, request.services.get(LoginSettings), _address(request), counter)


def take_for_mail(request: Request, account: bytes) -> Try:
    """Count a mail about a forgotten password, apart from the account's logins: whoever asks for mails must not make its owner
    wait at the login. Raises TooManyTries.
    """
    digest = request.sessions.config.secrets.digest
    counter = digest("", "password mail", account.hex())
    return _take(request.db, request.services.get(LoginSettings), _address(request), counter)


def forgive(db: Database, turn: Try) -> None:
    """Take back a try that was no guess."""
    for key in (turn.address, turn.account):
        db.all(_FORGIVE, key=key)


def forgive_address(db: Database, turn: Try) -> None:
    """Take back a try that was no guess for its address alone: it has sent a message, which an account has not without end."""
    db.all(_FORGIVE, key=turn.address)


def clear(db: Database, turn: Try) -> None:
    """Clear the failures of the account, or of this device, after a login."""
    db.all(_FORGIVE, key=turn.address)
    db.all(_CLEAR, key=turn.account)


def _take(db: Database, settings: LoginSettings, address: bytes, account: bytes) -> Try:
    row = db.only(
        _TAKE,
        address=address,
        account=account,
        address_failures=settings.address_failures,
        address_recovery=settings.address_recovery,
        account_failures=settings.account_failures,
        account_recovery=settings.account_recovery,
        longest_wait=settings.longest_wait,
    )
    if row["failures"] is None:
        raise TooManyTries(max(1, math.ceil(row["wait"] or 0)))
    failures = round(row["failures"])
    return Try(address, account, failures, failures >= settings.account_failures)


def _address(request: Request) -> bytes:
    """Return the key of the counter for the request's address. An IPv6 client has a /64 to itself, which counts as one."""
    digest = request.sessions.config.secrets.digest
    address = client_of(request).address
    if address is None:
        return digest("", "login address", "unknown")
    parsed = ipaddress.ip_address(address)
    network = ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False)
    return digest("", "login address", str(network))
