"""Slowing down whoever guesses: tries are counted by account and by address, and after some each has to wait.

A try is counted before the password is checked, in one statement that takes it only where nothing is waiting: of many
sent at once, no more get through than one after the other would (ASVS 5.0 6.3.1, NIST SP 800-63B-4 3.2.2). It is taken
back when the password was right, or when FusionAuth could not be asked.

Waiting out strangers must not lock the owner out: a device that has logged in to the account before has a counter of
its own. An account that does not exist is counted like any other, so waiting tells nothing.
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
    """The upsert for one counter. Its WHERE is read again on the newest row after waiting for that row's lock."""
    count = _COUNT.format(name)
    first, later = _WAIT.format(name, count="1"), _WAIT.format(name, count=count)
    return f"""
    INSERT INTO login_failures AS f (key, failures, last_at, blocked_until)
    SELECT :{name}, 1, clock_timestamp(), clock_timestamp() + {first} {source}
    ON CONFLICT (key) DO UPDATE SET failures = {count}, last_at = clock_timestamp(),
      blocked_until = clock_timestamp() + {later}
    WHERE f.blocked_until <= clock_timestamp() RETURNING failures"""


# The address first: who has to wait there cannot make an account wait as well.
_TAKE = text(
    f"""
WITH of_address AS ({_taken("address", "")}), of_account AS ({_taken("account", "FROM of_address")})
SELECT (SELECT failures FROM of_account) AS failures,
  (SELECT extract(epoch FROM max(blocked_until) - clock_timestamp()) FROM login_failures
   WHERE key IN (:address, :account)) AS wait"""
)

# Not cleared altogether for an address: between two guesses an attacker could log in to an account of his own.
_FORGIVE = text(
    """UPDATE login_failures SET failures = greatest(failures - 1, 0), blocked_until = clock_timestamp()
    WHERE key = :key"""
)

_CLEAR = text("DELETE FROM login_failures WHERE key = :key")


class TooManyTries(Exception):
    """Wait first. `retry_after` is in whole seconds; as text, what to say to the person."""

    def __init__(self, retry_after: int) -> None:
        long = retry_after >= 120
        wait = plural(-(-retry_after // 60), "minute") if long else plural(retry_after, "second")
        super().__init__(f"Too many tries. Wait {wait}, then try again.")
        self.retry_after = retry_after


@dataclass(frozen=True)
class Try:
    """A try that was counted. `failures` are those for the account so far, this one among them; `last_free` says that
    the next one has to wait.
    """

    address: bytes
    account: bytes
    failures: int
    last_free: bool


def take(request: Request, account: bytes) -> Try:
    """Count a try to log in to an account (`known.account`). Raises TooManyTries."""
    device = known_devices.device(request, account)
    digest = request.sessions.config.secrets.digest
    counter = digest("", "login device", f"{device.hex()} {account.hex()}") if device else account
    return _take(request.db, request.services.get(LoginSettings), _address(request), counter)


def forgive(db: Database, turn: Try) -> None:
    """Take a try back that said nothing about guessing."""
    for key in (turn.address, turn.account):
        db.all(_FORGIVE, key=key)


def clear(db: Database, turn: Try) -> None:
    """Forget the account's failures, or this device's: somebody has logged in."""
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
    """The counter of where the request comes from: an IPv6 client has a /64 to itself, so that is one client."""
    digest = request.sessions.config.secrets.digest
    address = client_of(request).address
    if address is None:
        return digest("", "login address", "unknown")
    parsed = ipaddress.ip_address(address)
    network = ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False)
    return digest("", "login address", str(network))
