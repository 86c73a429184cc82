"""Devices that have logged in before, by a random mark in a cookie of their own: `__Host-device`.

The mark opens nothing. It gives its owner a counter of his own in the throttle, and says "new device" in the audit log.
The console has no such cookie; there a known device is an address from which the account has logged in before.
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
    """What stands for an e-mail address in the database, the same on all sites; the address itself is not kept."""
    return request.sessions.config.secrets.digest("", "login", email.lower())


def device(request: Request, account: bytes) -> bytes | None:
    """The digest of this request's device, if it has logged in to the account before."""
    digest = _digest(request, _mark(request))
    if digest is None or not request.db.one(_FIND, device=digest, account=account):
        return None
    return digest


@dataclass(frozen=True)
class Noted:
    """What is known of a device that has just logged in: whether it is `new` to the account, and whether there are
    `others` that have logged in to this site before. `headers` are the cookies to set.
    """

    headers: list[tuple[str, str]]
    new: bool
    others: bool


def note(request: Request, account: bytes) -> Noted:
    """Remember that this device has logged in."""
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
