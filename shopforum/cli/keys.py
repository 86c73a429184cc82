"""`shopforum keys INI`: what each key of `shopforum.secret` still holds, which processes know it, and whether it may be removed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import click

from shopforum.api_tokens import jobs as token_jobs
from shopforum.core import keyed, processes
from shopforum.core.keyed import Held, Keyed
from shopforum.core.processes import Running
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.core.sites import STORE
from shopforum.login import jobs as login_jobs
from shopforum.operations import break_glass, honey
from shopforum.sessions import audit_chain
from shopforum.sessions import jobs as session_jobs
from shopforum.sessions.audit_chain import KeyRange
from shopforum.store import jobs as store_jobs

from .deployment import DONE, NOTHING, opened
from .terminal import moment, table

KEYED: tuple[Keyed, ...] = (
    *session_jobs.KEYED,
    *token_jobs.KEYED,
    *login_jobs.KEYED,
    *break_glass.KEYED,
    *honey.KEYED,
)
_HEADS = (("", 2), ("WHAT", 26), ("ROWS", 12), ("UNTIL (UTC)", 19), ("WITHOUT THE KEY THEY", 52))


@dataclass(frozen=True)
class Key:
    """A key by its id: its place in `shopforum.secret`, 1 for the newest, or None for a key that is not there; what it holds, and
    the rows of the audit log between which it has sealed some. `id` is None for all rows from before keys had ids.
    """

    id: str | None
    place: int | None
    held: tuple[Held, ...]
    seals: KeyRange | None

    @property
    def needed(self) -> bool:
        """Return whether somebody is refused or loses something without the key."""
        return any(one.kind.needed for one in self.held)


@dataclass(frozen=True)
class Advice:
    """The advice about a key: whether it may be removed, and the next step in words."""

    may_go: bool
    text: str


# The backspace keeps click from joining the lines into one paragraph.
_EXIT_CODES = """\b
Exit codes:
  0  every key that is needed is in shopforum.secret
  1  a key is needed that is not there
  2  the settings cannot be used
  3  the database cannot be reached
"""


@click.command(epilog=_EXIT_CODES)
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(ini: str, as_json: bool) -> None:
    """Show what each key of shopforum.secret still holds, and whether it may be removed.

    Keys are named by ids: the keys themselves are never shown. To replace a key, put the new one behind the old one on all
    machines, then in front of it on all machines, then remove the old one; this command says when each step is safe.
    """
    with opened(ini) as found:
        ids = found.sessions.config.secrets.ids
        store = ReadOnlyDatabase(found.databases.of(STORE), found.read_db.limit)
        held = [*keyed.read(found.read_db, KEYED), *keyed.read(store, store_jobs.KEYED)]
        keys = collected(ids, held, audit_chain.sealing_keys(found.read_db))
        running = processes.listed(found.read_db)
    advised = [(key, advise(key, keys, running)) for key in keys]
    if as_json:
        click.echo(json.dumps(_document(advised, running)))
    else:
        _print(advised, running)
    missing = any(key.id and key.place is None and key.needed for key in keys)
    raise SystemExit(NOTHING if missing else DONE)


def collected(ids: Sequence[str], held: Sequence[Held], seals: Sequence[KeyRange]) -> list[Key]:
    """Return all keys that are in the settings or in the database: those of the settings first, the newest first."""
    ranges = {one.key_id: one for one in seals}
    others = sorted({one.key_id for one in held if one.key_id} | {*ranges}, key=str)
    names: list[str | None] = [*ids, *(name for name in others if name not in ids)]
    if any(one.key_id is None for one in held):
        names.append(None)
    return [
        Key(
            name,
            ids.index(name) + 1 if name in ids else None,
            tuple(one for one in held if one.key_id == name),
            ranges.get(name) if name else None,
        )
        for name in names
    ]


def advise(key: Key, keys: Sequence[Key], running: Sequence[Running]) -> Advice:
    """Return whether a key may be removed from `shopforum.secret`, and what to do next with it.

    `running` are the processes that have given a sign of life. A key may be removed when nobody needs it, no row from before keys had
    ids might be under it, and no process makes hashes with it or lacks the newest.
    """
    if key.id is None:
        return Advice(False, "These rows are from before keys had ids: keep every key that you had then.")
    if key.place is None:
        if key.needed:
            return Advice(False, "It is missing: put it back behind the other keys of shopforum.secret.")
        return Advice(
            False,
            "It was removed. `shopforum audit verify` needs it for its seals."
            if key.seals
            else "It was removed.",
        )
    if key.place == 1:
        others = [one for one in running if one.keys and key.id not in one.keys]
        if others:
            return Advice(
                False,
                f"{_named(others)} not know it: logins there and here do not work with each other. Put it behind the other "
                "keys there first.",
            )
        return Advice(False, "It makes all new hashes. To replace it, put a new key behind the others first.")
    makes = [one for one in running if one.keys and one.keys[0] == key.id]
    lacks = [one for one in running if one.keys and key.id not in one.keys]
    if makes:
        return Advice(False, f"{_named(makes)} still make hashes with it.")
    unnamed = next((one for one in keys if one.id is None and one.needed), None)
    if key.needed or unnamed:
        until = max(one.until for one in (unnamed or key).held + key.held if one.kind.needed)
        return Advice(False, f"Keep it: it is needed until {moment(until)} at the latest.")
    if not key.held and not key.seals:
        waiting = (
            f" {_named(lacks)} not know it yet."
            if lacks
            else " Every process that gave a sign of life knows it."
        )
        return Advice(
            True,
            f"It holds nothing.{waiting} To replace the newest key by it, put it in front where all know it.",
        )
    audit = " Keep a copy elsewhere: `shopforum audit verify` needs it for its seals." if key.seals else ""
    return Advice(True, f"Remove it from shopforum.secret: nobody needs it.{audit}")


def _named(running: Sequence[Running]) -> str:
    """Return `web 12 on a.example, worker 13 on b.example do`, at most five of them, or `… does` for one."""
    names = ", ".join(f"{one.kind} {one.pid} on {one.host}" for one in running[:5])
    more = f" and {len(running) - 5} more" if len(running) > 5 else ""
    return f"{names}{more} {'does' if len(running) == 1 else 'do'}"


def _print(advised: Sequence[tuple[Key, Advice]], running: Sequence[Running]) -> None:
    for key, advice in advised:
        name = f"Key {key.id}" if key.id else "Keys without an id"
        place = {None: "not in shopforum.secret", 1: "the newest"}.get(
            key.place, f"number {key.place} in shopforum.secret"
        )
        click.echo(f"{name} ({place})" if key.id else name)
        rows = [("", one.kind.name, f"{one.rows:,}", moment(one.until), one.kind.loss) for one in key.held]
        if key.seals:
            seals = f"{key.seals.first_seq:,} to {key.seals.last_seq:,}"
            rows.append(("", "seals of the audit log", seals, "always", "cannot be checked"))
        if rows:
            click.echo(table(_HEADS, rows))
        click.echo(f"  {advice.text}\n")
    silent = sum(one.keys is None for one in running)
    counted = "1 process" if len(running) == 1 else f"{len(running)} processes"
    click.echo(f"{counted} gave a sign of life within a minute.")
    if silent:
        click.echo(f"{silent} of them are from before keys had ids, and do not say which keys they know.")


def _document(advised: Sequence[tuple[Key, Advice]], running: Sequence[Running]) -> dict[str, object]:
    return {
        "keys": [
            {
                "id": key.id,
                "place": key.place,
                "holds": [
                    {
                        "what": one.kind.name,
                        "rows": one.rows,
                        "until": one.until.isoformat(),
                        "needed": one.kind.needed,
                    }
                    for one in key.held
                ],
                "seals": [key.seals.first_seq, key.seals.last_seq] if key.seals else None,
                "may_go": advice.may_go,
                "advice": advice.text,
            }
            for key, advice in advised
        ],
        "processes": [
            {"kind": one.kind, "host": one.host, "pid": one.pid, "keys": one.keys} for one in running
        ],
    }
