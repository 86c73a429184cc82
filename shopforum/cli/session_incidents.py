"""`shopforum sessions incident`: open, contain and show incidents, by the functions of the console's page Incidents."""

import json
import sys
from collections.abc import Callable
from typing import Any

import click

from shopforum.core.text import clean
from shopforum.operations import (
    approvals,
    containing,
    deny_rules,
    incident_reports,
    incidents,
    json_documents,
    reasons,
)
from shopforum.operations.deny_rules import DenyRuleRow
from shopforum.operations.incident_reports import Report
from shopforum.operations.incidents import Incident, IncidentChanged, NotAnIncident
from shopforum.sessions.deny_rules import LONGEST

from . import selection, session_page
from .deployment import DONE, NOTHING, PENDING, Deployment, Stop, actor, alone, ask, client, opened
from .terminal import many, moment, safe

_INI = click.argument("ini", type=click.Path(exists=True, dir_okay=False))
_INCIDENT = click.argument("named", metavar="INCIDENT")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("incident")
def incident() -> None:
    """Contain an attack, and watch that it stays contained."""


@incident.command("open")
@_INI
@click.option("--name", required=True, metavar="TEXT", help="What happened, in a few words.")
@click.option("--ticket", default="", metavar="TEXT", help="The ticket.")
@selection.filtered
@selection.USER_TEXT
@_JSON
def open_(ini: str, *, name: str, ticket: str, user_text: str, as_json: bool, **filters: str | None) -> None:
    """Open an incident about the sessions that match the filters. Nothing is ended."""
    if not clean(name, 120) or len(name) > 120 or len(ticket) > 120 or len(user_text) > 500:
        raise click.UsageError(
            "--name and --ticket take at most 120 characters, --user-text 500; --name must not be blank."
        )
    chosen = selection.as_filter(filters)
    with opened(ini) as deployment:
        reason = reasons.reason(actor(), "incident", "", user_text)
        named = incidents.named(deployment.read_db, chosen)
        try:
            made = incidents.begin(
                deployment.sessions.db,
                clean(name, 120),
                clean(ticket, 120),
                [named],
                reason,
                client("sessions incident open"),
            )
        except NotAnIncident as error:
            raise click.UsageError(str(error)) from None
        _print(deployment, _one(deployment, str(made)), as_json=as_json)


@incident.command()
@_INI
@_INCIDENT
@selection.filtered
@_JSON
def add(ini: str, named: str, *, as_json: bool, **filters: str | None) -> None:
    """Add a filter to an incident. Nothing is ended before the incident is contained again."""
    _change_filters(ini, named, filters, incidents.add_filter, "sessions incident add", as_json=as_json)


@incident.command()
@_INI
@_INCIDENT
@selection.filtered
@_JSON
def remove(ini: str, named: str, *, as_json: bool, **filters: str | None) -> None:
    """Remove a filter from an incident. Sessions that have ended stay ended, and its rule stays in force."""
    _change_filters(ini, named, filters, incidents.remove_filter, "sessions incident remove", as_json=as_json)


def _change_filters(
    ini: str,
    named: str,
    filters: dict[str, str | None],
    change: Callable[..., None],
    command: str,
    *,
    as_json: bool,
) -> None:
    chosen = selection.as_filter(filters)
    with opened(ini) as deployment:
        found = _one(deployment, named)
        wanted = incidents.named(deployment.read_db, chosen)
        try:
            change(deployment.sessions.db, found, wanted, actor(), client(command))
        except NotAnIncident as error:
            raise click.UsageError(str(error)) from None
        _print(deployment, _one(deployment, str(found.id)), as_json=as_json)


@incident.command()
@_INI
@_INCIDENT
@_JSON
def show(ini: str, named: str, *, as_json: bool) -> None:
    """Show an incident as it stands now, by its id or the first 8 digits of the id."""
    with opened(ini) as deployment:
        _print(deployment, _one(deployment, named), as_json=as_json)


@incident.command()
@_INI
@_INCIDENT
@click.option(
    "--seconds",
    type=click.IntRange(1, LONGEST),
    default=int(deny_rules.DAY),
    show_default=True,
    help="How long the deny rules are in force.",
)
@click.option("--dry-run", is_flag=True, help="Show what would end, and change nothing.")
@selection.YES
@_JSON
def contain(ini: str, named: str, *, seconds: int, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Refuse the logins and sessions that match, then end these sessions, including new sign-ins. Safe to repeat.

    Exits with 1 where sessions that match are alive afterwards, with 4 while FusionAuth has not confirmed everything.
    """
    with opened(ini) as deployment:
        found = _one(deployment, named)
        if found.closed_at:
            raise Stop("The incident is closed. Nothing was changed.", NOTHING)
        outlook = containing.outlook(deployment.read_db, found, seconds)
        if outlook.plan.scope is None:
            raise Stop(outlook.plan.problem, NOTHING)
        what = f"{many(outlook.plan.matched)} of {many(outlook.plan.people, 'user')}"
        if dry_run:
            count = len(outlook.rules)
            rules = (
                f"add {many(count, 'deny rule')}" if count else "add no deny rule, because none says the same"
            )
            facts = {"dry_run": True, "matched": outlook.plan.matched, "rule": count > 0, "rules": count}
            click.echo(json.dumps(facts) if as_json else f"This would {rules}, and end {what}.")
            sys.exit(DONE)
        if not yes:
            ask(f"Contain {safe(found.name)}: {what}?")
        origin = client("sessions incident contain")
        try:
            with alone(deployment, approvals.containing(found, outlook, seconds, actor()), origin):
                containing.contain(
                    deployment.sessions, deployment.read_db, found, actor(), origin, seconds=seconds
                )
        except IncidentChanged as error:
            raise Stop(str(error), NOTHING) from None
        sys.exit(_print(deployment, found, as_json=as_json))


@incident.command()
@_INI
@_INCIDENT
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one act a line.")
def acts(ini: str, named: str, *, as_json: bool) -> None:
    """Show what was done on the sessions that an incident has ended, newest first: orders, posts, exports, acts of admins."""
    with opened(ini) as deployment:
        db = deployment.read_db
        found = incident_reports.acts(db, _one(deployment, named))
        session_page.print_acts(incident_reports.session_acts(found).all(db), as_json=as_json)


def _one(deployment: Deployment, named: str) -> Incident:
    """Return an incident by its id or the id's beginning. Raises Stop, click.UsageError."""
    db = deployment.read_db
    found = incidents.one(db, selection.whole_id(db, incidents.INCIDENT_ID, "incident", named))
    if found is None:
        raise Stop("There is no such incident.", NOTHING)
    return found


def _print(deployment: Deployment, incident: Incident, *, as_json: bool) -> int:
    """Print an incident as it stands; return the exit code of a containment."""
    found = incident_reports.report(deployment.read_db, incident)
    status = found.status
    if as_json:
        click.echo(json.dumps(json_documents.incident_status(found), default=json_documents.plain))
    else:
        alive = "too many to count" if status.alive is None else f"{status.alive:,}"
        lines: list[tuple[str, Any]] = [
            ("Incident", f"{incident.name} {incident.ticket}".strip()),
            ("State", incident.state),
            ("Filter", incident.text),
            ("Sessions", f"{alive} alive of {status.total:,}, checked at {moment(status.checked_at)} UTC"),
            ("People", f"{status.people:,}"),
            ("Uses since", f"{status.uses:,}"),
            ("Rules", ", ".join(_rule(found, rule) for rule in found.rules) or "none"),
            (
                "Receipts",
                ", ".join(f"{deployment.console}/revocations/{row.id}" for row in found.receipts) or "none",
            ),
            ("Console", f"{deployment.console}/incidents/{incident.id}"),
        ]
        click.echo("\n".join(f"{label:<12} {safe(value)}" for label, value in lines))
    if not status.contained:
        return NOTHING
    return PENDING if any(row.unconfirmed for row in found.receipts) else DONE


def _rule(found: Report, rule: DenyRuleRow) -> str:
    """Return a rule in a few words."""
    left = ", though its filter was removed" if rule in found.leftover else ""
    return f"{str(rule.id)[:8]} {rule.state}{left}"
