"""Known devices: browsers that have logged in to an account before, by a random mark in the cookie `__Host-device`.

The mark grants no access. It gives the device a counter of its own in the throttle, and marks logins from a new device in
the audit log. The console has no such cookie; there a known device is an address from which the account has logged in.

Marks and accounts are stored as keyed digests. They are looked up with every key of the keyring, and a login stores its
device with the newest, so that replacing a key forgets no device that logs in before the old key is removed.
"""

import re
import secrets
from dataclasses import dataclass

from sqlalchemy import text

from ..sessions import client_of, cookies
from ..web.request import Request

COOKIE = "__Host-device"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
# The longest that browsers keep a cookie (RFC 6265bis).
_MAX_AGE = 400 * 86400

_FIND = text("SELECT 1 FROM login_devices WHERE device = ANY (:devices) AND account = ANY (:accounts)")

_NOTE = text(
    """WITH earlier AS (
      DELETE FROM login_devices WHERE device = ANY (:devices) AND account = ANY (:accounts)
        AND (device, account) <> (:device, :account) RETURNING first_at
    )
    INSERT INTO login_devices (device, account, site, first_at)
    VALUES (:device, :account, :site, coalesce((SELECT min(first_at) FROM earlier), clock_timestamp()))
    ON CONFLICT (device, account) DO UPDATE SET last_at = clock_timestamp(), site = excluded.site
    RETURNING xmax = 0 AND NOT EXISTS (SELECT 1 FROM earlier) AS new, EXISTS (SELECT 1 FROM login_devices o
      WHERE o.account = ANY (:accounts) AND o.device <> ALL (:devices) AND o.site IN (:site, '')) AS others"""
)


def account(request: Request, email: str) -> list[bytes]:
    """Return the digests that may stand for an e-mail address in the database, the same on all sites: one for each key, the
    newest first.

    The address itself is not stored.
    """
    return request.sessions.config.secrets.digests("", "login", email.lower())


def device(request: Request, account: list[bytes]) -> list[bytes]:
    """Return the digests of this request's device, one for each key, if it has logged in to the account before; else an
    empty list.
    """
    digests = _digests(request, _mark(request))
    known = digests and request.db.one(_FIND, devices=digests, accounts=account)
    return digests if known else []


@dataclass(frozen=True)
class Noted:
    """A device that has just logged in. `headers` set its cookie.

    `new` says that it is new to the account, `others` that other devices have logged in to this site with it before.
    """

    headers: list[tuple[str, str]]
    new: bool
    others: bool


def note(request: Request, account: list[bytes]) -> Noted:
    """Store that this device has logged in to the account."""
    mark, headers = _mark(request), []
    if request.site.name != "admin":
        mark = mark or secrets.token_urlsafe(32)
        headers = [cookies.CookieJar("Lax").header(COOKIE, mark, _MAX_AGE)]
    digests = _digests(request, mark)
    if not digests:
        return Noted(headers, new=True, others=False)
    row = request.db.one(
        _NOTE,
        devices=digests,
        device=digests[0],
        accounts=account,
        account=account[0],
        site=request.site.name,
    )
    return Noted(headers, new=bool(row and row["new"]), others=bool(row and row["others"]))


def _mark(request: Request) -> str | None:
    if request.site.name == "admin":
        return client_of(request).address
    return cookies.read(request, COOKIE, _SHAPE)


def _digests(request: Request, mark: str | None) -> list[bytes]:
    return request.sessions.config.secrets.digests(request.site.name, "device", mark) if mark else []
