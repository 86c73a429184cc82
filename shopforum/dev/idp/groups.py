"""Groups over the API: their members have the roles of the group, where they are registered."""

import json
import sqlite3
import uuid
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from . import accounts
from .errors import RefusedError, answer, field_error, nothing
from .json_fields import (
    input_values,
    json_body,
    mapping,
    require_api_key,
    required_identifier,
    required_text,
    strings,
    uuid_text,
)
from .service import Service, service_of, tenant


def listing(request: Request) -> Response:
    """``GET /api/group``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    with service.database.read() as db:
        rows = db.execute("SELECT body FROM groups ORDER BY rowid").fetchall()
    return answer({"groups": [json.loads(row["body"]) for row in rows]})


def show(request: Request) -> Response:
    """``GET /api/group/{groupId}``."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    with service.database.read() as db:
        return answer({"group": _existing(db, uuid_text(request.matchdict["groupId"], "groupId"))})


def create(request: Request) -> Response:
    """``POST /api/group[/{groupId}]`` with the ids of roles of applications."""
    service, body = service_of(request), json_body(request)
    require_api_key(request, service.api_key)
    group_id = uuid_text(request.matchdict.get("groupId", str(uuid.uuid4())), "groupId")
    given, now = mapping(body, "group"), service.state.now()
    with service.database.write() as db:
        if db.execute("SELECT 1 FROM groups WHERE id = ?", (group_id,)).fetchone():
            raise field_error("groupId", "duplicate", "A Group with this Id already exists.")
        group = {
            "id": group_id,
            "name": required_text(given, "name", "group.name"),
            "data": mapping(given, "data", "group.data"),
            "roles": _roles(db, strings(body, "roleIds")),
            "tenantId": tenant(db)["id"],
            "insertInstant": now,
            "lastUpdateInstant": now,
        }
        db.execute("INSERT INTO groups (id, body) VALUES (?, ?)", (group_id, json.dumps(group)))
    return answer({"group": group})


def delete(request: Request) -> Response:
    """``DELETE /api/group/{groupId}``: its members lose its roles."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    with service.database.write() as db:
        group = _existing(db, uuid_text(request.matchdict["groupId"], "groupId"))
        db.execute("DELETE FROM groups WHERE id = ?", (group["id"],))
        service.webhooks.about_group("group.delete", group)
    return nothing(200)


def add_members(request: Request) -> Response:
    """``POST /api/group/member``: ``members`` has a list of users for each group."""
    service = service_of(request)
    require_api_key(request, service.api_key)
    added: dict[str, list[dict[str, Any]]] = {}
    with service.database.write() as db:
        for group_id, users in mapping(json_body(request), "members").items():
            group = _existing(db, uuid_text(group_id, "groupId"))
            if not isinstance(users, list) or not all(isinstance(one, dict) for one in users):
                raise field_error("members", "couldNotConvert", "The members must be lists of objects.")
            for one in users:
                user_id = required_identifier(one, "userId", "members.userId")
                accounts.existing_user(db, user_id)
                db.execute(
                    "INSERT INTO group_members (id, group_id, user_id, insert_instant) VALUES (?, ?, ?, ?)"
                    " ON CONFLICT (user_id, group_id) DO NOTHING",
                    (str(uuid.uuid4()), group["id"], user_id, service.state.now()),
                )
                query = "SELECT * FROM group_members WHERE group_id = ? AND user_id = ?"
                row = db.execute(query, (group["id"], user_id)).fetchone()
                added.setdefault(group["id"], []).append(_member(row))
            service.webhooks.about_group("group.member.add", group, members=added.get(group["id"], []))
    return answer({"members": added})


def remove_members(request: Request) -> Response:
    """``DELETE /api/group/member``: by ``memberIds``, by ``members`` (users for each group), or by a group's and a user's id."""
    service, values = service_of(request), input_values(request)
    require_api_key(request, service.api_key)
    with service.database.write() as db:
        found: list[sqlite3.Row] = []
        for member_id in strings(values, "memberIds"):
            found += db.execute("SELECT * FROM group_members WHERE id = ?", (member_id,)).fetchall()
        pairs = [
            (group_id, user_id)
            for group_id, users in mapping(values, "members").items()
            for user_id in strings({"members": users}, "members")
        ]
        if "groupId" in values:
            pairs.append((required_identifier(values, "groupId"), required_identifier(values, "userId")))
        for pair in pairs:
            found += db.execute(
                "SELECT * FROM group_members WHERE group_id = ? AND user_id = ?", pair
            ).fetchall()
        if not found:
            raise RefusedError(404)
        _remove(service, db, found)
    return nothing(200)


def _remove(service: Service, db: sqlite3.Connection, rows: list[sqlite3.Row]) -> None:
    for group_id in dict.fromkeys(row["group_id"] for row in rows):
        members = [_member(row) for row in rows if row["group_id"] == group_id]
        db.executemany("DELETE FROM group_members WHERE id = ?", [(one["id"],) for one in members])
        service.webhooks.about_group("group.member.remove", _existing(db, group_id), members=members)


def _member(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "groupId": row["group_id"],
        "userId": row["user_id"],
        "data": {},
        "insertInstant": row["insert_instant"],
    }


def _existing(db: sqlite3.Connection, group_id: str) -> dict[str, Any]:
    row = db.execute("SELECT body FROM groups WHERE id = ?", (group_id,)).fetchone()
    if row is None:
        raise RefusedError(404)
    body: dict[str, Any] = json.loads(row["body"])
    return body


def _roles(db: sqlite3.Connection, role_ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """The roles with these ids, by application. Raises a 400 for an id that no role has."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in db.execute("SELECT id, body FROM applications ORDER BY rowid"):
        roles = [role for role in json.loads(row["body"])["roles"] if role["id"] in role_ids]
        if roles:
            found[row["id"]] = roles
    if len({role["id"] for roles in found.values() for role in roles}) != len(set(role_ids)):
        raise field_error("roleIds", "invalid", "One of the [roleIds] is not the Id of a role.")
    return found


def includeme(config: Configurator) -> None:
    """Routes of this module."""
    # Before /api/group/{groupId}, which would match this path too.
    config.add_route("group_members", "/api/group/member")
    config.add_route("groups", "/api/group")
    config.add_route("group", "/api/group/{groupId}")
    config.add_view(add_members, route_name="group_members", request_method="POST")
    config.add_view(remove_members, route_name="group_members", request_method="DELETE")
    config.add_view(listing, route_name="groups", request_method="GET")
    config.add_view(create, route_name="groups", request_method="POST")
    config.add_view(create, route_name="group", request_method="POST")
    config.add_view(show, route_name="group", request_method="GET")
    config.add_view(delete, route_name="group", request_method="DELETE")
