"""Refresh tokens: issuing, use and rotation, revocation.

Only SHA-256 hashes of the values are stored: they are 320 random bits, so a plain hash cannot be searched.
For the grace period of one-time tokens the *current* value must be given to whoever presents the previous
one. It is stored encrypted under a key derived from that previous value, which the database does not have:
only the holder of the old token can open it, and it survives a restart. It is wiped when the grace is over.
"""

import base64
import hashlib
import json
import secrets
import sqlite3
import uuid
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet

from .policies import Policy


@dataclass(frozen=True)
class Issued:
    """A refresh token that can be handed out: the only place where its value is known."""

    id: str
    value: str
    user_id: str
    application_id: str
    auth_instant: int
    policy: Policy


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


def _box(previous: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"grace " + previous.encode()).digest()))


def issue(
    db: sqlite3.Connection,
    user_id: str,
    application_id: str,
    meta_data: dict[str, Any],
    policy: Policy,
    now: int,
) -> Issued:
    """Create a refresh token for a user and an application."""
    token_id, value = str(uuid.uuid4()), secrets.token_urlsafe(40)
    db.execute(
        "INSERT INTO refresh_tokens (id, token_hash, user_id, application_id, auth_instant, insert_instant,"
        " start_instant, meta_data) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (token_id, _hash(value), user_id, application_id, now, now, now, json.dumps(meta_data)),
    )
    return Issued(token_id, value, user_id, application_id, now, policy)


def find(db: sqlite3.Connection, value: str) -> sqlite3.Row | None:
    """The row of a token by its current value, revoked or not."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM refresh_tokens WHERE token_hash = ?", (_hash(value),)
    ).fetchone()
    return row


def find_spent(db: sqlite3.Connection, value: str) -> sqlite3.Row | None:
    """The row of the token that a value belonged to before it was rotated away."""
    row: sqlite3.Row | None = db.execute(
        "SELECT t.* FROM spent_tokens s JOIN refresh_tokens t ON t.id = s.refresh_token_id"
        " WHERE s.token_hash = ?",
        (_hash(value),),
    ).fetchone()
    return row


def _current_in_grace(db: sqlite3.Connection, value: str, now: int) -> str | None:
    """Follow a spent value to the current one, as long as every step is within its grace."""
    while True:
        spent = db.execute("SELECT * FROM spent_tokens WHERE token_hash = ?", (_hash(value),)).fetchone()
        if spent is None:
            return value
        if spent["successor"] is None or spent["grace_until"] < now:
            return None
        value = _box(value).decrypt(spent["successor"]).decode()


def use(db: sqlite3.Connection, row: sqlite3.Row, value: str, policy: Policy, now: int) -> Issued | None:
    """Use a token's current or spent value; None when it is dead.

    The caller commits also after None: the reuse of a spent value may have revoked the token. Runs under the
    write lock, so that of two simultaneous uses of a one-time value one rotates and the other is a reuse.
    """
    db.execute(
        "UPDATE spent_tokens SET successor = NULL WHERE successor IS NOT NULL AND grace_until < ?",
        (now,),
    )
    if row["revoked_instant"] is not None or policy.expired(row["insert_instant"], row["start_instant"], now):
        return None
    if _hash(value) != row["token_hash"]:
        current = _current_in_grace(db, value, now)
        if current is None:
            if policy.on_reuse:
                revoke(db, now, token_id=row["id"])
            return None
        value = current
    elif policy.one_time:
        value = _rotate(db, row, value, policy, now)
    if policy.sliding:
        db.execute("UPDATE refresh_tokens SET start_instant = ? WHERE id = ?", (now, row["id"]))
    return Issued(row["id"], value, row["user_id"], row["application_id"], row["auth_instant"], policy)


def _rotate(db: sqlite3.Connection, row: sqlite3.Row, value: str, policy: Policy, now: int) -> str:
    fresh = secrets.token_urlsafe(40)
    successor = _box(value).encrypt(fresh.encode()) if policy.grace else None
    db.execute(
        "INSERT INTO spent_tokens (token_hash, refresh_token_id, grace_until, successor) VALUES (?, ?, ?, ?)",
        (_hash(value), row["id"], now + policy.grace, successor),
    )
    db.execute("UPDATE refresh_tokens SET token_hash = ? WHERE id = ?", (_hash(fresh), row["id"]))
    return fresh


def revoke(
    db: sqlite3.Connection,
    now: int,
    *,
    token_id: str | None = None,
    user_id: str | None = None,
    application_id: str | None = None,
) -> int:
    """Revoke the tokens that match all the given conditions, of which there must be one; returns how many."""
    given = {"id": token_id, "user_id": user_id, "application_id": application_id}
    conditions = {column: wanted for column, wanted in given.items() if wanted is not None}
    if not conditions:
        raise ValueError("revoke() without a condition would end everything")
    where = " AND ".join(f"{column} = ?" for column in conditions)
    # The column names are the three above.
    query = f"UPDATE refresh_tokens SET revoked_instant = ? WHERE revoked_instant IS NULL AND {where}"
    return db.execute(query, (now, *conditions.values())).rowcount


def described(row: sqlite3.Row) -> dict[str, Any]:
    """A token as the API shows it. The value, which FusionAuth shows here, is not known any more."""
    return {
        "applicationId": row["application_id"],
        "id": row["id"],
        "insertInstant": row["insert_instant"],
        "metaData": json.loads(row["meta_data"]),
        "startInstant": row["start_instant"],
        "userId": row["user_id"],
    }


def state(row: sqlite3.Row, policy: Policy, now: int) -> str:
    """``revoked``, ``expired`` or ``live``."""
    if row["revoked_instant"] is not None:
        return "revoked"
    return "expired" if policy.expired(row["insert_instant"], row["start_instant"], now) else "live"
