"""`shopforum sessions revoke`, `quarantine` and `release`: the commands that act.

Each makes a plan, shows it, asks, and carries it out by the functions that the console uses.
"""

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from shopforum.api_tokens import tokens
from shopforum.core import durability, user_agents
from shopforum.operations import approvals, json_documents, plans, reasons, revocation_queries
from shopforum.operations.approvals import Kind
from shopforum.operations.plans import Plan
from shopforum.operations.rows import Receipt
from shopforum.operations.targets import EVERYONE
from shopforum.sessions import Reason, outbox

from . import selection
from .deployment import (
    DONE,
    NOTHING,
    PENDING,
    Deployment,
    Stop,
    actor,
    alone,
    ask,
    client,
    need_terminal,
    opened,
)
from .terminal import many, safe, short_moment, table

_F = TypeVar("_F", bound=Callable[..., Any])
# Messages to FusionAuth from which on a progress bar is shown.
_LONG = 20

_COLUMNS = (("SESSION", 8), ("STATE", 7), ("SITE", 6), ("USER", 24), ("DEVICE", 28), ("LAST SEEN (UTC)", 15))

_OPTIONS = (
    click.argument("ini", type=click.Path(exists=True, dir_okay=False)),
    click.option(
        "--session",
        "sessions",
        metavar="ID",
        multiple=True,
        help="An id or its first 8 digits; may be repeated.",
    ),
    selection.filtered,
    *selection.REASON,
    click.option(
        "--dry-run", is_flag=True, help="Show which sessions the act would reach, and change nothing."
    ),
    selection.YES,
    click.option(
        "--expected-count",
        type=click.IntRange(0),
        metavar="N",
        help="Refuse unless exactly so many sessions match now.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
)


def _acting(command: _F) -> _F:
    """Decorate a command with the options that all three share."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_acting
@click.option("--everyone", is_flag=True, help="All sessions of all users on all sites.")
@selection.USER_TEXT
def revoke(ini: str, *, everyone: bool, user_text: str, **options: Any) -> None:
    """End sessions, here at once and at FusionAuth as soon as it answers.

    --user alone (an id or a whole e-mail address), --site alone, both, and --everyone end all sessions, logins under way
    included. Other filters end the sessions that match now. Prints the receipt; exits with 4 while FusionAuth has not
    confirmed everything.
    """
    selection.check_reason({**options, "user_text": user_text}, needed=not options["dry_run"])
    with opened(ini) as deployment:
        plan = _plan(deployment, options, everyone=everyone, by_gate=True)
        if options["dry_run"]:
            _show_plan(deployment, plan, options["as_json"], "would end")
            sys.exit(DONE if plan.matched else NOTHING)
        if not options["yes"]:
            _show_plan(deployment, plan, False, "will end")
            _ask("End", plan)
        reason, origin = _reason(options, user_text), client("sessions revoke")
        with alone(deployment, approvals.ending(Kind.REVOKE, plan, reason), origin):
            revocation_id = plans.carry_out(deployment.sessions, plan, reason, origin)
        _deliver(deployment, revocation_id, silent=options["as_json"])
        sys.exit(_receipt(deployment, revocation_id, options["as_json"]))


@click.command()
@_acting
def quarantine(ini: str, **options: Any) -> None:
    """Ask for the password again before these sessions are served. Carts and cookies are kept."""
    _set_quarantine(ini, options, enter=True)


@click.command()
@_acting
def release(ini: str, **options: Any) -> None:
    """Release sessions from quarantine: they go on as before."""
    _set_quarantine(ini, options, enter=False)


def _set_quarantine(ini: str, options: dict[str, Any], *, enter: bool) -> None:
    selection.check_reason(options, needed=not options["dry_run"])
    name = "quarantine" if enter else "release"
    with opened(ini) as deployment:
        plan = _plan(deployment, options, everyone=False, by_gate=False, quarantined=not enter)
        if options["dry_run"]:
            _show_plan(deployment, plan, options["as_json"], f"would {name}")
            sys.exit(DONE)
        if not options["yes"]:
            _show_plan(deployment, plan, False, f"will {name}")
            _ask(name.capitalize(), plan)
        act = deployment.sessions.quarantine if enter else deployment.sessions.release
        reason = _reason(options)
        assert plan.scope is not None  # noqa: S101 - `_plan` has stopped otherwise
        origin, kind = client(f"sessions {name}"), Kind.QUARANTINE if enter else Kind.RELEASE
        with alone(deployment, approvals.ending(kind, plan, reason), origin):
            done = act(plan.scope.sessions, reason, origin)
        if options["as_json"]:
            click.echo(json.dumps({"matched": plan.matched, name + "d": done}))
        else:
            click.echo(f"{many(done)} {name}d.")


def _reason(options: dict[str, Any], user_text: str = "") -> Reason:
    return reasons.reason(actor(), options["code"], options["note"], user_text)


def _plan(
    deployment: Deployment,
    options: dict[str, Any],
    *,
    everyone: bool,
    by_gate: bool,
    quarantined: bool | None = None,
) -> Plan:
    """Make the plan of the options. Raises Stop where it reaches no session, or not as many as expected."""
    filters = {name: options[name] for name in selection.NAMES}
    target = selection.target(
        deployment.read_db, options["sessions"], filters, everyone=everyone, by_gate=by_gate
    )
    expected = options["expected_count"]
    # With --yes nobody reads a count, so the sessions of a site or of everyone are not counted before they end.
    counted = options["dry_run"] or not options["yes"] or expected is not None
    plan = plans.make(deployment.read_db, target, None, quarantined=quarantined, counted=counted)
    if expected is not None and not (plan.exact and plan.matched == expected):
        found = f"{'' if plan.exact else 'at least '}{plan.matched:,}"
        raise Stop(f"{found} sessions match now, not {expected:,}. Nothing was changed.", NOTHING)
    if plan.problem:
        raise Stop(plan.problem, NOTHING)
    if plan.empty:
        raise Stop("No session matches that could still be ended.", NOTHING)
    return plan


def _show_plan(deployment: Deployment, plan: Plan, as_json: bool, verb: str) -> None:
    """Print the plan: as a document, or as text, on standard error where a question follows."""
    if as_json:
        sessions = [json_documents.session(row) for row in plan.rows]
        facts = {
            "dry_run": True,
            "matched": plan.matched,
            "exact": plan.exact,
            "users": plan.users if plan.exact else None,
            "sites": list(plan.sites),
        }
        click.echo(json.dumps(facts | {"sessions": sessions}, default=json_documents.plain))
        return
    now = deployment.sessions.now()
    rows = [
        (
            *(str(row.id)[:8], row.state, row.site, row.user_name),
            *(user_agents.label(row.last_agent), short_moment(row.last_seen_at, now)),
        )
        for row in plan.rows
    ]
    asks = verb.startswith("will")
    if rows:
        click.echo(table(_COLUMNS, rows), err=asks)
    if plan.exact and plan.matched > len(rows):
        click.echo(f"... and {plan.matched - len(rows):,} more.", err=asks)
    click.echo(f"This {verb} {_many(plan)}.", err=asks)
    if plan.console:
        click.echo(f"Console sessions of {'owners' if plan.owners else 'admins'} are among them.", err=asks)


def _many(plan: Plan) -> str:
    if not plan.exact:
        return f"at least {many(plan.matched)} (too many to count quickly)"
    return f"{many(plan.matched)} of {many(plan.users, 'user')}"


def _ask(verb: str, plan: Plan) -> None:
    """Ask for a yes; for a grave act, for a word that nobody types by accident. Raises Stop without it."""
    need_terminal()
    assert plan.scope is not None  # noqa: S101 - `_plan` has stopped otherwise
    word = ""
    if plan.scope.everyone or (plan.scope.site and not plan.scope.user_id):
        word = plan.scope.site or EVERYONE
    elif plan.grave:
        word = str(plan.matched)
    if not word:
        ask(f"{verb} {_many(plan)}?")
    elif click.prompt(f"Type {word} to confirm", default="", show_default=False, err=True) != word:
        raise Stop("Nothing was changed.", NOTHING)


def _deliver(deployment: Deployment, revocation_id: UUID, *, silent: bool) -> None:
    """Send FusionAuth the messages of the act that are open, as long as it accepts them; the worker sends the rest."""
    sessions = deployment.sessions
    left = _open_messages(deployment, revocation_id)
    hidden = silent or left <= _LONG
    with click.progressbar(length=left, label="Telling FusionAuth", file=sys.stderr, hidden=hidden) as bar:
        while left and outbox.deliver(sessions.db, sessions.authority, revocation_id):
            now_left = _open_messages(deployment, revocation_id)
            bar.update(left - now_left)
            if now_left >= left:
                return
            left = now_left


def _open_messages(deployment: Deployment, revocation_id: UUID) -> int:
    return _read_receipt(deployment, revocation_id).unconfirmed


def _read_receipt(deployment: Deployment, revocation_id: UUID) -> Receipt:
    return revocation_queries.receipts(deployment.read_db, [revocation_id])[revocation_id]


def _receipt(deployment: Deployment, revocation_id: UUID, as_json: bool) -> int:
    """Print what has ended here and what FusionAuth has confirmed; return the exit code."""
    row = _read_receipt(deployment, revocation_id)
    if as_json:
        click.echo(json.dumps(json_documents.receipt(row), default=json_documents.plain))
        return PENDING if row.unconfirmed else DONE
    if row.exact:
        click.echo(f"Ended {row.revoked:,} of {many(row.matched)}; none is served any more.")
    else:
        click.echo("Ended all of them; none is served any more.")
        so_far = f"At least {many(row.matched)}" if row.matched else "How many is not known yet"
        click.echo(f"{so_far}: `shopforum worker` goes on counting for the receipt.")
    click.echo(f"FusionAuth: {row.confirmed:,} confirmed, {row.pending:,} pending, {row.failed:,} failed.")
    if row.unconfirmed:
        click.echo("FusionAuth has not confirmed everything: `shopforum worker` retries until it does.")
    for maker in revocation_queries.since(deployment.read_db, revocation_id).token_makers:
        made = tokens.listed(deployment.read_db, deployment.sessions.config.secrets, maker)
        left = [token for token in made if token.state != "revoked"]
        names = ", ".join(sorted({token.name for token in left}))
        click.echo(f"API tokens that {safe(left[0].created_by)} made are not revoked: {names}.")
    click.echo(f"The revocation {durability.read(deployment.read_db).text}.")
    click.echo(f"Receipt: {deployment.console}/revocations/{row.id}")
    return PENDING if row.unconfirmed else DONE


COMMANDS = (revoke, quarantine, release)
