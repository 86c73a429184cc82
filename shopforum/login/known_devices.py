"""Known devices: browsers that have logged in to an account before, by a random mark in the cookie `__Host-device`.

The mark grants no access. It gives the device a counter of its own in the throttle, and marks logins from a new device in
the audit log. The console has no such cookie; there a known device is an address from which the account has logged in.
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

_FIND = text("SELECT 1 FROM login_devices WHERE device = :device AND account = :account")

_NOTE = text(
    """INSERT INTO login_devices AS d (device, account, site) VALUES (:device, :account, :site)
    ON CONFLICT (device, account) DO UPDATE SET last_at = clock_timestamp(), site = excluded.site
    RETURNING xmax = 0 AS new, EXISTS (SELECT 1 FROM login_devices o
      WHERE o.account = d.account AND o.device <> d.device AND o.site IN (:site, '')) AS others"""
)


def account(request: Request, email: str) -> bytes:
    """Return the digest that stands for an e-mail address in the database, the same on all sites.

    The address itself is not stored.
    """
    return request.sessions.config.secrets.digest("", "login", email.lower())


def device(request: Request, account: bytes) -> bytes | None:
    """Return the digest of this request's device if it has logged in to the account before, or None."""
    digest = _digest(request, _mark(request))
    if digest is None or not request.db.one(_FIND, device=digest, account=account):
        return None
    return digest


@dataclass(frozen=True)
class Noted:
    """A device that has just logged in. `headers` set its cookie.

    `new` says that it is new to the account, `others` that other devices have logged in to this site with it before.
    """

    headers: list[tuple[str, str]]
    new: bool
    others: bool


def note(request: Request, account: bytes) -> Noted:
    """Store that this device has logged in to the account."""
    mark, headers = _mark(request), []
    if request.site.name != "admin":
        mark = mark or secrets.token_urlsafe(32)
        headers = [cookies.CookieJar("Lax").header(COOKIE, mark, _MAX_AGE)]
    digest = _digest(request, mark)
    if digest is None:
        return Noted(headers, new=True, others=False)
    row = request.db.one(_NOTE, device=digest, account=account, site=request.site.name)
    return Noted(headers, new=bool(row and row["new"]), others=bool(row and row["others"]))


def _mark(request: Request) -> str | None:
    if request.site.name == "admin":
        return client_of(request).address
    return cookies.read(request, COOKIE, _SHAPE)


def _digest(request: Request, mark: str | None) -> bytes | None:
    return request.sessions.config.secrets.digest(request.site.name, "device", mark) if mark else None
