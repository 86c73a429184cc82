"""The throttle of the login: failed tries are counted by account and by address, and after a number of them each new try
has to wait.

A try is counted before the password is checked, in one statement that accepts it only if no wait is due: of many
concurrent tries no more get through than of sequential ones (ASVS 5.0 6.3.1, NIST SP 800-63B-4 3.2.2). The count is taken
back if the password was right, or if FusionAuth could not be asked.

An attacker's failures must not lock the owner out: a device that has logged in to the account before has a counter of its
own. An account that does not exist is counted like any other, so a wait does not tell whether an account exists.

The counters are stored under keyed digests. A try moves those that were counted under older keys to the newest, so that
replacing a key resets no counter.
"""

import ipaddress
import math
from dataclasses import dataclass

from sqlalchemy import text

from ..core import metrics
from ..core.database import Database
from ..sessions import client_of
from ..web.limits import TooManyTries as TooManyTries  # noqa: PLC0414 - what this module raises
from ..web.request import Request
from . import known_devices
from .settings import LoginSettings

# A last try in the future tells that the clock has stepped back, as after a failover: no time has passed, and no wait counts.
_PASSED = "greatest(extract(epoch FROM clock_timestamp() - f.last_at), 0)"
_COUNT = f"greatest(f.failures - {_PASSED} / :{{0}}_recovery, 0) + 1"
_WAIT = """(CASE WHEN round(({count})::numeric) < :{0}_failures THEN 0
    ELSE least(:longest_wait, power(2, least(round(({count})::numeric) - :{0}_failures, 30))) END) * interval '1 second'"""


def _taken(name: str, source: str) -> str:
    """Return the upsert of one counter.

    PostgreSQL evaluates its WHERE again on the newest row, after it has waited for the row's lock.
    """
    count = _COUNT.format(name)
    first, later = _WAIT.format(name, count="1"), _WAIT.format(name, count=count)
    return f"""
    INSERT INTO login_failures AS f (key, key_id, failures, last_at, blocked_until)
    SELECT :{name}, :key_id, 1, clock_timestamp(), clock_timestamp() + {first} {source}
    ON CONFLICT (key) DO UPDATE SET failures = {count}, last_at = clock_timestamp(),
      key_id = :key_id, blocked_until = clock_timestamp() + {later}
    WHERE f.blocked_until <= clock_timestamp() OR f.last_at > clock_timestamp() + interval '1 minute' RETURNING failures"""


# The address is counted first: an address that has to wait cannot make an account wait.
_TAKE = text(
    f"""
WITH of_address AS ({_taken("address", "")}), of_account AS ({_taken("account", "FROM of_address")})
SELECT (SELECT failures FROM of_account) AS failures,
  (SELECT extract(epoch FROM max(blocked_until) - clock_timestamp()) FROM login_failures
   WHERE key IN (:address, :account)) AS wait"""
)

# The counters that older keys name, as pairs of an old digest and its newest.
_MOVE = text(
    """
WITH moved AS (
  DELETE FROM login_failures f USING unnest(CAST(:older AS bytea[]), CAST(:newest AS bytea[])) AS k (older, newest)
  WHERE f.key = k.older RETURNING k.newest AS key, f.failures, f.last_at, f.blocked_until
)
INSERT INTO login_failures AS f (key, key_id, failures, last_at, blocked_until)
SELECT key, :key_id, max(failures), max(last_at), max(blocked_until) FROM moved GROUP BY key
ON CONFLICT (key) DO UPDATE SET failures = greatest(f.failures, excluded.failures),
  last_at = greatest(f.last_at, excluded.last_at), blocked_until = greatest(f.blocked_until, excluded.blocked_until),
  key_id = excluded.key_id"""
)

# An address is not cleared by a login: an attacker could log in to an account of their own between two guesses.
_FORGIVEN = """UPDATE login_failures SET failures = greatest(failures - 1, 0), blocked_until = clock_timestamp()
    WHERE key = ANY (:keys)"""
_FORGIVE = text(_FORGIVEN)

# The address first, as a try locks them: in the other order, a login and a try would wait for each other.
_CLEAR = text(
    f"""WITH forgiven AS ({_FORGIVEN.replace(":keys", ":address")} RETURNING 1)
    DELETE FROM login_failures WHERE key = ANY (:account) AND (SELECT count(*) FROM forgiven) >= 0"""
)


@dataclass(frozen=True)
class Try:
    """A counted try. `failures` is the account's number of failures, this try included; `last_free` says that the next
    try has to wait. `address` and `account` are the digests of the counters, one for each key, the newest first.
    """

    address: list[bytes]
    account: list[bytes]
    failures: int
    last_free: bool


def take(request: Request, account: list[bytes]) -> Try:
    """Count a try to log in to an account (`known_devices.account`). Raises TooManyTries."""
    device = known_devices.device(request, account)
    counter = _of_device(request, device, account) if device else account
    return _take(request, _address(request), counter)


def take_for_mail(request: Request, account: list[bytes]) -> Try:
    """Count a mail to an address that anybody may have typed, such as one about a forgotten password. Raises TooManyTries."""
    return _take_apart(request, "password mail", account)


def take_for_challenge(request: Request, account: list[bytes]) -> None:
    """Count a challenge for a passkey. Raises TooManyTries.

    A challenge is no guess. A device that has logged in to the account asks for one with each of its login pages: it is not counted,
    and others who ask cannot lock it out.
    """
    if not known_devices.device(request, account):
        _take_apart(request, "passkey challenge", account)


def take_for_order(request: Request, account: list[bytes]) -> None:
    """Count a letter about a guest's order, apart from mails about a password: neither makes the other wait. Raises TooManyTries.

    Nothing is guessed, so an address that many people share does not have to wait for it.
    """
    forgive_address(request.db, _take_apart(request, "order letter", account))


def _take_apart(request: Request, what: str, account: list[bytes]) -> Try:
    """Count apart from the account's logins: somebody who asks for it must not make its owner wait at the login."""
    digests = request.sessions.config.secrets.digests
    counter = [digests("", what, digest.hex())[number] for number, digest in enumerate(account)]
    return _take(request, _address(request), counter)


def forgive(db: Database, turn: Try) -> None:
    """Take back a try that was no guess."""
    db.all(_FORGIVE, keys=[*turn.address, *turn.account])


def forgive_address(db: Database, turn: Try) -> None:
    """Take back a try that was no guess for its address alone: it has sent a message, which an account has not without end."""
    db.all(_FORGIVE, keys=turn.address)


def clear(db: Database, turn: Try) -> None:
    """Clear the failures of the account, or of this device, after a login."""
    db.all(_CLEAR, address=turn.address, account=turn.account)


def _take(request: Request, address: list[bytes], account: list[bytes]) -> Try:
    db, settings = request.db, request.services.get(LoginSettings)
    key_id = request.sessions.config.secrets.id
    older = [(old, newest) for newest, *rest in (address, account) for old in rest]
    if older:
        db.all(_MOVE, older=[old for old, _ in older], newest=[newest for _, newest in older], key_id=key_id)
    row = db.only(
        _TAKE,
        address=address[0],
        account=account[0],
        key_id=key_id,
        address_failures=settings.address_failures,
        address_recovery=settings.address_recovery,
        account_failures=settings.account_failures,
        account_recovery=settings.account_recovery,
        longest_wait=settings.longest_wait,
    )
    if row["failures"] is None:
        metrics.THROTTLED.labels("login").inc()
        raise TooManyTries(max(1, math.ceil(row["wait"] or 0)))
    failures = round(row["failures"])
    return Try(address, account, failures, failures >= settings.account_failures)


def _of_device(request: Request, device: list[bytes], account: list[bytes]) -> list[bytes]:
    """Return the digests of the counter of a known device of an account."""
    digests = request.sessions.config.secrets.digests
    return [
        digests("", "login device", f"{of_device.hex()} {of_account.hex()}")[number]
        for number, (of_device, of_account) in enumerate(zip(device, account, strict=True))
    ]


def _address(request: Request) -> list[bytes]:
    """Return the digests of the counter for the request's address. An IPv6 client has a /64 to itself, which counts as one."""
    digests = request.sessions.config.secrets.digests
    address = client_of(request).address
    if address is None:
        return digests("", "login address", "unknown")
    parsed = ipaddress.ip_address(address)
    network = ipaddress.ip_network((parsed, 64 if parsed.version == 6 else 32), strict=False)
    return digests("", "login address", str(network))
