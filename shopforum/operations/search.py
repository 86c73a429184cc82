"""One search for everything in the console: people, sessions, addresses, browsers, requests, incidents, receipts, and words of a reason."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import func, select

from ..core.read_only_database import ReadOnlyDatabase, TooSlow
from . import audit_queries, id_lookup, incidents, revocation_queries, session_queries, user_queries
from .filters import AuditFilter, RevocationFilter, SessionFilter, read_network
from .session_queries import s

# Hits of one kind.
_MOST = 10
# Characters of a text that is searched in notes and names of browsers: fewer would match nearly everything.
_SHORTEST = 3


@dataclass(frozen=True)
class Hit:
    """Something that a text names: its kind and name for people, and the path of its page."""

    kind: str
    name: str
    path: str


def everywhere(db: ReadOnlyDatabase, text: str) -> list[Hit]:
    """Return what a text names. A kind that cannot be searched in time is left out. Text that is an address is nothing else."""
    try:
        block = read_network(text)
    except ValueError:
        block = ""
    kinds: tuple[Callable[[ReadOnlyDatabase, str], Iterator[Hit]], ...] = (
        (_address,) if block else (_ids, _request, _people, _device, _incidents, _notes)
    )
    found: list[Hit] = []
    for kind in kinds:
        try:
            found += kind(db, block or text)
        except TooSlow:
            continue
    return list({hit.path: hit for hit in found}.values())


def _address(db: ReadOnlyDatabase, block: str) -> Iterator[Hit]:
    if session_queries.listing(db, SessionFilter(ip=block)).first(db, 1):
        yield Hit("Sessions", f"used from {block}", _path("/sessions", ip=block))
    if audit_queries.listing(db, AuditFilter(ip=block)).first(db, 1):
        yield Hit("Audit log", f"events from {block}", _path("/audit", ip=block))


def _ids(db: ReadOnlyDatabase, text: str) -> Iterator[Hit]:
    for session_id in id_lookup.beginning(db, session_queries.ID, text):
        yield Hit("Session", str(session_id), f"/sessions/{session_id}")
    for revocation_id in id_lookup.beginning(db, revocation_queries.REVOCATION_ID, text):
        yield Hit("Receipt", str(revocation_id), f"/revocations/{revocation_id}")
    for incident_id in id_lookup.beginning(db, incidents.INCIDENT_ID, text):
        yield Hit("Incident", str(incident_id), f"/incidents/{incident_id}")
    for user_id in id_lookup.beginning(db, s.c.user_id, text):
        person = user_queries.name(db, user_id)
        yield Hit("Person", person.user_name if person else str(user_id), f"/users/{user_id}")


def _request(db: ReadOnlyDatabase, text: str) -> Iterator[Hit]:
    if audit_queries.listing(db, AuditFilter(request=text)).first(db, 1):
        yield Hit("Request", text, _path("/audit", request=text))


def _people(db: ReadOnlyDatabase, text: str) -> Iterator[Hit]:
    ids = session_queries.people(db, text)
    named = select(
        s.c.user_id, func.max(s.c.user_name).label("name"), func.max(s.c.user_email).label("email")
    )
    some = named.where(s.c.user_id == func.any(session_queries.ids_of(ids[:_MOST]))).group_by(s.c.user_id)
    for row in db.all(some.order_by("name")):
        yield Hit("Person", f"{row['name']} {row['email']}".strip(), f"/users/{row['user_id']}")
    if len(ids) > _MOST:
        yield Hit("Sessions", f"of all whose name begins with {text}", _path("/sessions", user=text))


def _device(db: ReadOnlyDatabase, text: str) -> Iterator[Hit]:
    if _SHORTEST <= len(text) <= 100 and session_queries.listing(db, SessionFilter(device=text)).first(db, 1):
        yield Hit("Sessions", f"used with {text}", _path("/sessions", device=text))


def _incidents(db: ReadOnlyDatabase, text: str) -> Iterator[Hit]:
    if len(text) >= _SHORTEST:
        for incident in incidents.called(db, text, _MOST):
            yield Hit("Incident", f"{incident.name} {incident.ticket}".rstrip(), f"/incidents/{incident.id}")


def _notes(db: ReadOnlyDatabase, text: str) -> Iterator[Hit]:
    if len(text) < _SHORTEST:
        return
    receipts = revocation_queries.listing(db, RevocationFilter(note=text)).first(db, _MOST)
    for receipt in receipts:
        yield Hit("Receipt", receipt.reason_admin or receipt.typed, f"/revocations/{receipt.id}")
    rows = audit_queries.listing(db, AuditFilter(note=text)).first(db, _MOST + 1)
    if any(row.revocation_id not in {receipt.id for receipt in receipts} for row in rows):
        yield Hit("Audit log", f"acts with “{text}” in the reason", _path("/audit", note=text))


def _path(path: str, **query: str) -> str:
    return f"{path}?{urlencode(query)}"
