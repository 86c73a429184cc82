"""`shopforum sessions revoke`, `quarantine` and `release`: what changes something.

Each looks up what it would reach, shows it, asks, and does it by the functions that the console uses.
"""

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from shopforum.api_tokens import tokens
from shopforum.core import user_agents
from shopforum.core.text import clean
from shopforum.operations import audit_queries, json_documents, labels, plans
from shopforum.operations.plans import Plan
from shopforum.operations.targets import EVERYONE
from shopforum.sessions import Reason, outbox

from . import selection
from .deployment import DONE, NOTHING, PENDING, Deployment, Stop, actor, client, opened
from .terminal import many, safe, short_moment, table

_F = TypeVar("_F", bound=Callable[..., Any])
# From here on the delivery to FusionAuth is worth a progress bar.
_LONG = 20

_COLUMNS = (("SESSION", 8), ("STATE", 7), ("SITE", 6), ("USER", 24), ("DEVICE", 28), ("LAST SEEN (UTC)", 15))

_OPTIONS = (
    click.argument("ini", type=click.Path(exists=True, dir_okay=False)),
    click.option(
        "--session", "sessions", metavar="ID", multiple=True, help="An id or its first 8 digits; repeatable."
    ),
    selection.filtered,
    click.option(
        "--reason",
        "code",
        type=click.Choice(list(labels.REASONS)),
        help="Why, for the audit log; needed unless --dry-run.",
    ),
    click.option(
        "--text", "note", default="", metavar="TEXT", help="A note for admins: a ticket, what was seen."
    ),
    click.option("--dry-run", is_flag=True, help="Show what would be reached, and change nothing."),
    click.option("--yes", is_flag=True, help="Do not ask. Without a terminal nothing is done otherwise."),
    click.option(
        "--expected-count",
        type=click.IntRange(0),
        metavar="N",
        help="Refuse unless exactly so many match now.",
    ),
    click.option("--json", "as_json", is_flag=True, help="One JSON document."),
)


def _acting(command: _F) -> _F:
    """Decorator: what all three have in common."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_acting
@click.option("--everyone", is_flag=True, help="Everybody's sessions on all sites.")
@click.option("--user-text", default="", metavar="TEXT", help="What the users read on the login page.")
def revoke(ini: str, *, everyone: bool, user_text: str, **options: Any) -> None:
    """End sessions, here at once and at FusionAuth as soon as it answers.

    --user alone (an id or a whole e-mail address), --site alone, both, and --everyone end all there is, logins on
    their way included. Any other filter ends the sessions that match now. Prints the receipt; ends with 4 while
    FusionAuth has not confirmed all of it.
    """
    _checked(options, user_text)
    with opened(ini) as deployment:
        plan = _plan(deployment, options, everyone=everyone, by_gate=True)
        if options["dry_run"]:
            _show_plan(deployment, plan, options["as_json"], "would end")
            sys.exit(DONE if plan.matched else NOTHING)
        if not options["yes"]:
            _show_plan(deployment, plan, False, "will end")
            _ask("End", plan)
        reason = Reason(
            "admin", actor(), options["code"], clean(options["note"], 2000), clean(user_text, 500)
        )
        revocation_id = plans.carry_out(deployment.sessions, plan, reason, client("sessions revoke"))
        _deliver(deployment, revocation_id, silent=options["as_json"])
        sys.exit(_receipt(deployment, revocation_id, options["as_json"]))


@click.command()
@_acting
def quarantine(ini: str, **options: Any) -> None:
    """Ask for the password again before anything more is served on these sessions. Carts and cookies are kept."""
    _hold(ini, options, enter=True)


@click.command()
@_acting
def release(ini: str, **options: Any) -> None:
    """Let sessions out of quarantine: they go on as they were."""
    _hold(ini, options, enter=False)


def _hold(ini: str, options: dict[str, Any], *, enter: bool) -> None:
    _checked(options)
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
        reason = Reason("admin", actor(), options["code"], clean(options["note"], 2000))
        assert plan.scope is not None  # noqa: S101 - `_plan` has stopped otherwise
        done = act(plan.scope.sessions, reason, client(f"sessions {name}"))
        if options["as_json"]:
            click.echo(json.dumps({"matched": plan.matched, name + "d": done}))
        else:
            click.echo(f"{many(done)} {name}d.")


def _checked(options: dict[str, Any], user_text: str = "") -> None:
    if options["code"] is None and not options["dry_run"]:
        raise click.UsageError("--reason is missing: the audit log keeps why.")
    if len(options["note"]) > 2000 or len(user_text) > 500:
        raise click.UsageError("--text takes 2,000 characters, --user-text 500.")


def _plan(
    deployment: Deployment,
    options: dict[str, Any],
    *,
    everyone: bool,
    by_gate: bool,
    quarantined: bool | None = None,
) -> Plan:
    """What the options reach now. Ends the command where that is nothing, or not as many as expected."""
    filters = {name: options[name] for name in selection.NAMES}
    target = selection.target(
        deployment.read_db, options["sessions"], filters, everyone=everyone, by_gate=by_gate
    )
    expected = options["expected_count"]
    # With --yes, the end of a site or of everyone waits for no count that nobody reads.
    counted = options["dry_run"] or not options["yes"] or expected is not None
    plan = plans.make(deployment.read_db, target, None, quarantined=quarantined, counted=counted)
    if expected is not None and not (plan.exact and plan.matched == expected):
        found = f"{'' if plan.exact else 'at least '}{plan.matched:,}"
        raise Stop(f"{found} sessions match now, not {expected:,}. Nothing was changed.", NOTHING)
    if plan.problem:
        raise Stop(plan.problem, NOTHING)
    if plan.empty:
        raise Stop("Nothing matches that could still be ended.", NOTHING)
    return plan


def _show_plan(deployment: Deployment, plan: Plan, as_json: bool, verb: str) -> None:
    """What an act reaches, as a document, or for people on standard error where a question follows."""
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
            *(str(row["id"])[:8], row["state"], row["site"], row["user_name"]),
            *(user_agents.label(row["last_agent"]), short_moment(row["last_seen_at"], now)),
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
    """A yes, or for what reaches far a word that nobody types by accident. Ends the command without one."""
    if not sys.stdin.isatty():
        raise Stop("Nobody is there to ask. Nothing was changed; --yes does it without a question.", NOTHING)
    assert plan.scope is not None  # noqa: S101 - `_plan` has stopped otherwise
    word = ""
    if plan.scope.everyone or (plan.scope.site and not plan.scope.user_id):
        word = plan.scope.site or EVERYONE
    elif plan.grave:
        word = str(plan.matched)
    if word:
        agreed = click.prompt(f"Type {word} to confirm", default="", show_default=False, err=True) == word
    else:
        agreed = click.confirm(f"{verb} {_many(plan)}?", err=True)
    if not agreed:
        raise Stop("Nothing was changed.", NOTHING)


def _deliver(deployment: Deployment, revocation_id: UUID, *, silent: bool) -> None:
    """Tell FusionAuth what the act itself has not yet, for as long as it takes it; the rest is the worker's."""
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
    row = audit_queries.counted(deployment.read_db, [revocation_id])[revocation_id]
    return int(row["pending"] + row["failed"])


def _receipt(deployment: Deployment, revocation_id: UUID, as_json: bool) -> int:
    """Print what was ended and what FusionAuth has said; returns the exit code."""
    facts = json_documents.receipt(audit_queries.counted(deployment.read_db, [revocation_id])[revocation_id])
    told = facts["upstream"]
    waiting = told["pending"] + told["failed"]
    if as_json:
        click.echo(json.dumps(facts, default=json_documents.plain))
    else:
        if facts["exact"]:
            click.echo(f"Ended {facts['revoked']:,} of {many(facts['matched'])}; none is served any more.")
        else:
            click.echo("Ended all of them; none is served any more.")
            so_far = f"At least {many(facts['matched'])}" if facts["matched"] else "How many is not known yet"
            click.echo(f"{so_far}: `shopforum worker` goes on counting for the receipt.")
        click.echo(
            f"FusionAuth: {told['confirmed']:,} confirmed, {told['pending']:,} pending, {told['failed']:,} failed."
        )
        if waiting:
            click.echo("FusionAuth has not confirmed all of it: `shopforum worker` goes on until it does.")
        for maker in audit_queries.ended(deployment.read_db, revocation_id)["makers"]:
            left = [row for row in tokens.listed(deployment.read_db, maker) if row["state"] != "revoked"]
            named = ", ".join(sorted({row["name"] for row in left}))
            click.echo(f"API tokens that {safe(left[0]['created_by'])} made are not revoked: {named}.")
        click.echo(f"Receipt: {deployment.console}/revocations/{safe(facts['id'])}")
    return PENDING if waiting else DONE


COMMANDS = (revoke, quarantine, release)
