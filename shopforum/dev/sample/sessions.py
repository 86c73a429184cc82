"""Sample sessions for the demonstration: a month of two busy sites, in every state and with every kind of flag.

Nobody holds a cookie for any of them: their hashes are random bytes. Addresses are those set aside for documentation.
"""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text, update

from shopforum.operations import labels
from shopforum.operations.tables import incidents
from shopforum.sessions import tables

from .session_rows import AGENTS, AWAY, BINDING, HOMES, THIEVES, Person, Seed, revoke
from .session_signals import flag, fork, place, signals

COUNT = 2_000
_SITES = ("store", "store", "forums")
_IDLE = timedelta(minutes=30)
_ABSOLUTE = timedelta(days=30)
_RESPONDER, _OWNER = "responder@harbour.example", "owner@harbour.example"

# How many of a hundred end how; the rest idles, for as long as its refresh token lives.
_FATES = (
    ("active", 12),
    ("logout", 22),
    ("superseded", 6),
    ("refresh_refused", 8),
    ("replayed", 1),
    ("admin", 4),
    ("reported", 1),
)


def seed(connection: Connection, users: list[tuple[UUID, str, str]], rng: random.Random) -> None:
    """Insert about two thousand sessions of `users` (id, name, e-mail) with all that goes with them.

    Instants are relative to the database's clock. In the caller's transaction; a few seconds at most.
    """
    made = Seed(rng, connection.execute(select(func.now())).scalar_one())
    people = [_person(made, *user) for user in users]
    for _ in range(COUNT):
        _session(made, rng.choice(people), rng.choice(_SITES), _fate(rng))
    _failed_logins(made)
    number = tables.counter.c.n
    epoch = connection.execute(update(tables.counter).values(n=number + 1).returning(number)).scalar_one()
    _one_user_everywhere(made, rng.choice(people), epoch)
    _told_late(made)
    signals(made)
    made.rows[tables.audit_log].sort(key=lambda row: row["at"])
    order = [table for table in (*tables.metadata.sorted_tables, incidents) if table in made.rows]
    # The trigger would give the audit log's rows today's time.
    connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER audit_log_written"))
    for table in order:
        connection.execute(insert(table), made.rows[table])
    connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER audit_log_written"))


def _person(made: Seed, user_id: UUID, name: str, email: str) -> Person:
    count = made.random.choice((1, 1, 2, 2, 3))
    places = [(made.address(made.random.choice(HOMES)), made.random.choice(AGENTS)) for _ in range(count)]
    return Person(user_id, name, email, places)


def _fate(rng: random.Random) -> str:
    roll = rng.randrange(100)
    for fate, share in _FATES:
        if roll < share:
            return fate
        roll -= share
    return "idle"


def _session(made: Seed, person: Person, site: str, fate: str) -> dict[str, Any]:
    """One session with its places, pairs, flags and story; returns its row."""
    rng, now = made.random, made.now
    active = fate == "active"
    # More of the lately begun are still there; a few are older than a session can be.
    age = timedelta(days=32 * rng.random() ** 1.4) if not active else timedelta(days=3 * rng.random() ** 1.4)
    created = now - age - timedelta(minutes=2)
    absolute_end = created + _ABSOLUTE
    address, agent = rng.choice(person.places)
    last = (
        made.between(max(created, now - timedelta(minutes=28)), now) if active else _last_seen(made, created)
    )
    refreshes = (
        min(int((last - created) / timedelta(hours=9)), rng.randrange(1, 40)) if last - created > _IDLE else 0
    )
    refreshed = made.between(created + (last - created) * 0.8, last) if refreshes else None
    # Only what was replaced can come back.
    issued = max(1 + min(refreshes + rng.randrange(4), 8), 4 if fate == "replayed" else 1)
    row = {
        "id": made.uuid(),
        "site": site,
        "user_id": person.id,
        "user_name": person.name,
        "user_email": person.email,
        "roles": ["shopper"] if site == "store" else ["member"],
        "refresh_token_id": made.uuid(),
        "created_at": created,
        "authenticated_at": created,
        "epoch": 0,
        "absolute_end": absolute_end,
        "idle_end": min(last + _IDLE, absolute_end),
        "last_seen_at": last,
        "address": address,
        "agent": agent,
        "last_address": address,
        "last_agent": agent,
        "head": issued,
        "head_parent": issued - 1,
        "head_since": refreshed or created,
        "issued": issued,
        "due_at": last,
        "refreshed_at": refreshed,
        "refresh_count": refreshes,
        "ended_at": None,
        "end_reason": None,
        "revocation_id": None,
        "quarantined_at": None,
        "quarantine_reason": None,
        "bindable_until": created + timedelta(minutes=1),
        "bound_at": created + timedelta(seconds=1) if agent in BINDING else None,
    }
    made.add(tables.sessions, **row)
    row = made.rows[tables.sessions][-1]
    made.add(
        tables.places, session_id=row["id"], address=address, agent=agent, first_at=created, last_at=last
    )
    _pairs(made, row)
    _device_key(made, row)
    _story(made, row)
    _end(made, row, fate)
    _flags(made, row, fate)
    return row


def _device_key(made: Seed, row: dict[str, Any]) -> None:
    """The key of a bound session: a public key of nobody, proved every ten minutes of its use."""
    if row["bound_at"] is None:
        return
    made.add(
        tables.keys,
        session_id=row["id"],
        algorithm="ES256",
        public_key=made.random.randbytes(91),
        last_proof_at=row["last_seen_at"],
        proofs=1 + row["issued"],
    )


def _last_seen(made: Seed, created: datetime) -> datetime:
    """Return the last visit of somebody who has left: mostly soon after the login, in some cases days later."""
    longest = min(made.now - timedelta(minutes=45), created + _ABSOLUTE)
    if longest <= created:
        return created
    return created + (longest - created) * float(made.random.choice((0.0002, 0.002, 0.02, 0.3, 0.9)))


def _pairs(made: Seed, row: dict[str, Any]) -> None:
    refresh_hash = made.random.randbytes(32)
    step = (row["last_seen_at"] - row["created_at"]) / row["issued"]
    for number in range(row["issued"]):
        at = row["created_at"] + step * number
        renewed = number and row["issued"] - number <= row["refresh_count"]
        made.add(
            tables.credentials,
            session_hash=made.random.randbytes(32),
            session_id=row["id"],
            number=number + 1,
            parent=number,
            asked_address=row["address"] if number else None,
            asked_agent=row["agent"] if number else None,
            replaced_at=at + step if number + 1 < row["issued"] else None,
            refresh_hash=refresh_hash,
            why="refresh" if renewed else "rotation" if number else "login",
            created_at=at,
            seen_at=at,
            seen_address=row["address"],
            seen_agent=row["agent"],
        )


def _story(made: Seed, row: dict[str, Any]) -> None:
    who = {
        "user_id": row["user_id"],
        "session_id": row["id"],
        "address": row["address"],
        "agent": row["agent"],
    }
    made.audit(row["created_at"], "session_created", row["site"], "user", **who)
    if row["bound_at"]:
        made.audit(
            row["bound_at"], "session_bound", row["site"], "user", **who, detail={"algorithm": "ES256"}
        )
    for _ in range(min(row["refresh_count"], 3)):
        made.audit(
            made.between(row["created_at"], row["last_seen_at"]),
            "session_renewed",
            row["site"],
            "user",
            **who,
        )


def _end(made: Seed, row: dict[str, Any], fate: str) -> None:
    """End the session as its fate has it."""
    at = made.between(row["last_seen_at"], min(row["last_seen_at"] + _IDLE, made.now))
    if fate == "refresh_refused":
        row |= {"ended_at": at, "end_reason": fate}
        who = {
            "user_id": row["user_id"],
            "session_id": row["id"],
            "address": row["address"],
            "agent": row["agent"],
        }
        made.audit(at, "session_expired", row["site"], "idp", **who)
    elif fate in ("logout", "superseded"):
        revoke(made, [row], at, "session_logout", ("user", row["user_email"], fate))
    elif fate == "replayed":
        fork(made, row, at)
    elif fate == "reported":
        revoke(made, [row], at, "authn_token_revoked", ("user", row["user_email"], fate))
        flag(made, row, "session_reported", at, row["address"], row["agent"])
    elif fate == "admin":
        code = made.random.choice([code for code in labels.REASONS if code != "other"])
        revoke(made, [row], at, "authn_token_revoked", ("admin", _RESPONDER, code))


def _flags(made: Seed, row: dict[str, Any], fate: str) -> None:
    """Some sessions were attacked: the kinds of flag that fit them, and a second place for cookies that were copied."""
    kinds = (
        ["session_use_after_expire"]
        if row["revocation_id"]
        else ["refresh_without_session", "session_without_refresh_token"]
    )
    if row["last_seen_at"] < made.now - timedelta(days=20) or made.random.random() > (
        0.5 if fate == "admin" else 0.025
    ):
        return
    first = made.between(row["ended_at"] or row["created_at"], made.now)
    address, agent = made.address(AWAY), made.random.choice(THIEVES)
    count = made.random.choice((1, 1, 2, 3, 5, 14, 40))
    flag(made, row, made.random.choice(kinds), first, address, agent, count)
    if fate == "active":
        place(made, row, first, made.address(AWAY), made.random.choice(AGENTS))


def _failed_logins(made: Seed) -> None:
    """Wrong passwords over the month, and one burst of them in the last hours."""
    for number in range(300):
        burst = number < 60
        at = made.now - (
            timedelta(hours=5, minutes=number / 3) if burst else timedelta(days=30 * made.random.random())
        )
        network = AWAY if burst else made.random.choice(HOMES)
        agent = THIEVES[0] if burst else made.random.choice(AGENTS)
        made.audit(
            at,
            "authn_login_fail",
            made.random.choice(_SITES),
            "user",
            address=str(network[7]) if burst else made.address(network),
            agent=agent,
            detail={"kind": "credentials", "account": f"{made.random.getrandbits(32):08x}"},
        )


def _one_user_everywhere(made: Seed, person: Person, epoch: int) -> None:
    """All of a user's sessions ended at once, behind a gate; a login after it stands."""
    at = made.now - timedelta(hours=3)
    rows = [row for row in made.rows[tables.sessions] if row["user_id"] == person.id and not row["ended_at"]]
    for row in rows:
        row["epoch"] = epoch if row["created_at"] > at else 0
    rows = [row for row in rows if row["last_seen_at"] < at < row["absolute_end"]]
    why = ("admin", _OWNER, "suspected_theft")
    revocation_id = revoke(made, rows, at, "authn_token_revoked", why, user_id=person.id)
    made.add(tables.gates, key=f"user:{person.id}", epoch=epoch, revocation_id=revocation_id)
    made.audit(
        at - timedelta(minutes=4),
        "authz_fail",
        "admin",
        "user",
        actor=_RESPONDER,
        detail={"method": "POST", "path": "/revoke-everyone"},
    )


def _told_late(made: Seed) -> None:
    """A revocation of yesterday that the identity provider, away just then, has confirmed at the seventh try.

    None is open: the worker of a demonstration would close it within minutes.
    """
    at = made.now - timedelta(hours=26)
    rows = (row for row in made.rows[tables.sessions] if not row["ended_at"] and row["last_seen_at"] < at)
    why = ("admin", _RESPONDER, "stolen_device")
    revoke(made, [next(rows)], at, "authn_token_revoked", why, tries=7)
