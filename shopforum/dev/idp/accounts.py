"""Users and registrations in the database: finding, storing, and how the API shows them."""

import json
import sqlite3
from typing import Any

from .errors import RefusedError, field_error

# The fields of a user that the API accepts and keeps, by type. The rest of the documented fields are computed.
TEXTS = (
    "birthDate", "firstName", "fullName", "imageUrl", "lastName", "middleName", "mobilePhone", "timezone",
)  # fmt: skip

# Keys of the stored JSON that the API never shows: states that hooks set, the keys of authenticators by the method's id, and
# hashes of recovery codes.
HIDDEN = ("loginPrevented", "twoFactorRequired", "authenticators", "recoveryCodes")


def find_user(db: sqlite3.Connection, user_id: str) -> sqlite3.Row | None:
    """A user's row by id."""
    row: sqlite3.Row | None = db.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
    return row


def existing_user(db: sqlite3.Connection, user_id: str) -> sqlite3.Row:
    """A user's row by id. Raises an empty 404 when there is none."""
    row = find_user(db, user_id)
    if row is None:
        raise RefusedError(404)
    return row


def find_by_login(
    db: sqlite3.Connection, login_id: str, types: list[str] | None = None
) -> sqlite3.Row | None:
    """A user's row by e-mail address or user name.

    Nothing is trimmed. Addresses are stored in lower case and compared so.
    """
    wanted = types or ["email", "username"]
    for kind, value in (("email", login_id.lower()), ("username", login_id)):
        if kind in wanted:
            query = f"SELECT * FROM users WHERE {kind} = ?"
            row: sqlite3.Row | None = db.execute(query, (value,)).fetchone()
            if row is not None:
                return row
    return None


def user_body(row: sqlite3.Row) -> dict[str, Any]:
    """The stored JSON of a user's row."""
    body: dict[str, Any] = json.loads(row["body"])
    return body


def store_user(db: sqlite3.Connection, body: dict[str, Any], password_hash: str, create: bool) -> None:
    """Insert or update a user. Raises a 400 ``[duplicate]`` for a taken id, address or name."""
    taken = {
        "id": "SELECT 1 FROM users WHERE id = ? AND ?",
        "email": "SELECT 1 FROM users WHERE email = ? AND (? OR id <> ?)",
        "username": "SELECT 1 FROM users WHERE username = ? AND (? OR id <> ?)",
    }
    for field, query in taken.items():
        values = (body.get(field), create, body["id"])[: query.count("?")]
        if db.execute(query, values).fetchone():
            message = f"A User with {field} = [{body[field]}] already exists."
            raise field_error(f"user.{field}", "duplicate", message)
    db.execute(
        "INSERT INTO users (id, email, username, password_hash, body)"
        " VALUES (:id, :email, :username, :hash, :body) ON CONFLICT (id) DO UPDATE"
        " SET email = :email, username = :username, password_hash = :hash, body = :body",
        {
            "id": body["id"],
            "email": body.get("email"),
            "username": body.get("username"),
            "hash": password_hash,
            "body": json.dumps(body),
        },
    )


def update_body(db: sqlite3.Connection, user_id: str, changes: dict[str, Any]) -> None:
    """Change fields of the stored JSON that are not columns."""
    body = user_body(existing_user(db, user_id)) | changes
    db.execute("UPDATE users SET body = ? WHERE id = ?", (json.dumps(body), user_id))


def registration_of(
    db: sqlite3.Connection, user_id: str, application_id: str | None
) -> dict[str, Any] | None:
    """A user's registration for an application."""
    row = db.execute(
        "SELECT body FROM registrations WHERE user_id = ? AND application_id = ?", (user_id, application_id)
    ).fetchone()
    return json.loads(row["body"]) if row else None


def store_registration(db: sqlite3.Connection, user_id: str, body: dict[str, Any]) -> None:
    """Insert or replace a registration."""
    db.execute(
        "INSERT INTO registrations (user_id, application_id, body) VALUES (?, ?, ?)"
        " ON CONFLICT (user_id, application_id) DO UPDATE SET body = excluded.body",
        (user_id, body["applicationId"], json.dumps(body)),
    )


def shown(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """A user as the API shows it, with registrations and identities, without anything secret."""
    body = user_body(row)
    registrations = db.execute(
        "SELECT body FROM registrations WHERE user_id = ? ORDER BY application_id", (row["id"],)
    )
    body["registrations"] = [json.loads(one["body"]) for one in registrations]
    body["tenantId"] = db.execute("SELECT id FROM tenants").fetchone()["id"]
    body["identities"] = [
        {
            "type": kind,
            "value": body[kind],
            "primary": True,
            "verified": body["verified"],
            "insertInstant": body["insertInstant"],
            "lastUpdateInstant": body["lastUpdateInstant"],
        }
        for kind in ("email", "username")
        if body.get(kind)
    ]
    for hidden in HIDDEN:
        body.pop(hidden, None)
    return {name: value for name, value in body.items() if value is not None}


def new_user_body(user_id: str, now: int) -> dict[str, Any]:
    """The JSON of a user before its own fields are set."""
    return {
        "id": user_id,
        "active": True,
        "verified": True,
        "passwordChangeRequired": False,
        "data": {},
        "preferredLanguages": [],
        "twoFactor": {"methods": []},
        "usernameStatus": "ACTIVE",
        "insertInstant": now,
        "lastUpdateInstant": now,
        "passwordLastUpdateInstant": now,
    }


def new_registration(application_id: str, registration_id: str, roles: list[str], now: int) -> dict[str, Any]:
    """The JSON of a registration."""
    return {
        "applicationId": application_id,
        "id": registration_id,
        "data": {},
        "roles": sorted(set(roles)),
        "usernameStatus": "ACTIVE",
        "verified": True,
        "insertInstant": now,
        "lastUpdateInstant": now,
    }
