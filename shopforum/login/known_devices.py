"""Known devices: browsers that have logged in to an account before, by a random mark in the cookie `__Host-device`.

The mark grants no access. It gives the device a counter of its own in the throttle, and marks logins from a new device in
the audit log. The console has no such cookie; there a known device is an address from which the account has logged in.

Marks and accounts are stored as keyed digests. They are looked up with every key of the keyring, and a login stores its
device with the newest, so that replacing a key forgets no device that logs in before the old key is removed.
"""

import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from ..sessions import client_of, cookies
from ..web.request import Request

COOKIE = "__Host-device"
_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
# The longest that browsers keep a cookie (RFC 6265bis).
_MAX_AGE = 400 * 86400

_FIND = text("SELECT 1 FROM login_devices WHERE device = ANY (:devices) AND account = ANY (:accounts)")

# A device that logs in again within ten seconds has sent two forms at once, from two tabs. Its first session has lost
# its cookies to the second, or is about to. Of two such logins at the same time, the second waits for the first here.
_NOTE = text(
    """WITH at_once AS (
      SELECT session_id FROM login_devices WHERE device = ANY (:devices) AND account = ANY (:accounts)
        AND last_at > clock_timestamp() - interval '10 seconds' FOR UPDATE
    ), earlier AS (
      DELETE FROM login_devices WHERE device = ANY (:devices) AND account = ANY (:accounts)
        AND (device, account) <> (:device, :account) RETURNING first_at
    )
    INSERT INTO login_devices (device, account, key_id, site, first_at, session_id)
    SELECT :device, :account, :key_id, :site, coalesce((SELECT min(first_at) FROM earlier), clock_timestamp()), :session_id
    FROM (SELECT count(*) FROM at_once) first
    ON CONFLICT (device, account) DO UPDATE
    SET last_at = clock_timestamp(), site = excluded.site, session_id = excluded.session_id, key_id = excluded.key_id
    RETURNING xmax = 0 AND NOT EXISTS (SELECT 1 FROM earlier) AS new, EXISTS (SELECT 1 FROM login_devices o
      WHERE o.account = ANY (:accounts) AND o.device <> ALL (:devices) AND o.site IN (:site, '')) AS others,
      (SELECT max(session_id::text) FROM at_once)::uuid AS at_once"""
)


def account(request: Request, email: str) -> list[bytes]:
    """Return the digests that may stand for an e-mail address in the database, the same on all sites: one for each key, the
    newest first.

    The address itself is not stored.
    """
    return request.sessions.config.secrets.account_digests(email)


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
    `at_once` is the session that the same browser has begun seconds ago, by another form.
    """

    headers: list[tuple[str, str]]
    new: bool
    others: bool
    at_once: UUID | None = None


def note(request: Request, account: list[bytes], session_id: UUID) -> Noted:
    """Store that this device has logged in to the account, and has begun the session."""
    mark, headers = _mark(request), []
    # A console's device is an address, which several browsers may share.
    browser = request.site.name != "admin"
    if browser:
        mark = mark or secrets.token_urlsafe(32)
        headers = [cookies.CookieJar("Lax").header(COOKIE, mark, _MAX_AGE)]
    digests = _digests(request, mark)
    if not digests:
        return Noted(headers, new=True, others=False)
    row = request.db.only(
        _NOTE,
        devices=digests,
        device=digests[0],
        accounts=account,
        account=account[0],
        key_id=request.sessions.config.secrets.id,
        session_id=session_id,
        site=request.site.name,
    )
    return Noted(headers, row["new"], row["others"], row["at_once"] if browser else None)


def _mark(request: Request) -> str | None:
    if request.site.name == "admin":
        return client_of(request).address
    return cookies.read(request, COOKIE, _SHAPE)


def _digests(request: Request, mark: str | None) -> list[bytes]:
    return request.sessions.config.secrets.digests(request.site.name, "device", mark) if mark else []
