"""`shopforum sessions rule`: list, add and lift deny rules, by the functions of the console's page Rules."""

import json
import sys
from typing import Any
from uuid import UUID

import click

from shopforum.core.sites import SITES
from shopforum.core.text import clean
from shopforum.operations import approvals, deny_rules, json_documents, labels, reasons
from shopforum.operations.deny_rules import DenyRuleRow, Weight
from shopforum.sessions.deny_rules import LONGEST

from . import selection
from .deployment import DONE, NOTHING, Deployment, Stop, actor, alone, ask, client, opened
from .terminal import many, moment, safe, table

_COLUMNS = (("RULE", 8), ("STATE", 8), ("REFUSES", 44), ("UNTIL (UTC)", 19), ("HITS", 6), ("BY", 24))
_INI = click.argument("ini", type=click.Path(exists=True, dir_okay=False))
_DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Show the sessions that the rule refuses, and change nothing."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group("rule")
def rule() -> None:
    """Refuse logins, refreshes and pages for a while. A rule ends no session: `sessions revoke` does."""


@rule.command("list")
@_INI
@click.option("--all", "also_over", is_flag=True, help="Those that were lifted or are over, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one rule a line.")
def list_(ini: str, *, also_over: bool, as_json: bool) -> None:
    """List the deny rules in force, newest first."""
    with opened(ini) as deployment:
        db = deployment.read_db
        rows = deny_rules.RULES.all(db) if also_over else iter(deny_rules.in_force(db))
        if as_json:
            for row in rows:
                click.echo(json.dumps(json_documents.rule(row), default=json_documents.plain))
            return
        lines = [
            (str(row.id)[:8], row.state, _words(row), moment(row.until), f"{row.hits:,}", row.actor)
            for row in rows
        ]
        click.echo(table(_COLUMNS, lines) if lines else "No rule is in force.")


@rule.command()
@_INI
@click.option(
    "--user", metavar="TEXT", help="A user's id, or the whole e-mail address of one user who has signed in."
)
@click.option("--site", type=click.Choice(SITES), help="On this site alone.")
@click.option("--ip", metavar="TEXT", help="An address or a CIDR block.")
@click.option("--device", metavar="TEXT", help="Words of a browser's name, such as curl or Firefox Linux.")
@click.option(
    "--seconds",
    type=click.IntRange(1, LONGEST),
    default=int(deny_rules.DAY),
    show_default=True,
    help="How long it is in force.",
)
@selection.reasoned
@_DRY_RUN
@selection.YES
@_JSON
def add(ini: str, *, seconds: int, dry_run: bool, yes: bool, as_json: bool, **options: Any) -> None:
    """Refuse every login, refresh and page that matches all the given options, from now on.

    Name a user, an address or a device. Exits with 0 where the rule is in force.
    """
    selection.check_reason(options, needed=not dry_run)
    chosen = selection.as_filter({name: options[name] for name in deny_rules.FIELDS})
    with opened(ini) as deployment:
        try:
            made = deny_rules.of_words(deployment.read_db, chosen, seconds)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        weight = deny_rules.weigh(deployment.read_db, made, None)
        if dry_run and as_json:
            _print(json_documents.weight(weight))
            sys.exit(DONE)
        words = deny_rules.in_words(options["user"] or "", made.network, made.device, made.site)
        if dry_run or not yes:
            _show(weight, f"{words}: refused for {seconds:,} seconds.", err=not dry_run)
        if dry_run:
            sys.exit(DONE)
        if not yes:
            ask("Refuse from now on?")
        reason = reasons.reason(actor(), options["code"], options["note"], options["user_text"])
        origin = client("sessions rule add")
        with alone(deployment, approvals.refusing(made, weight, reason), origin):
            rule_id = deployment.sessions.add_rule(made, reason, origin, reached=weight.plan.ids)
        row = _one(deployment, rule_id)
        if as_json:
            _print(json_documents.rule_made(row, weight))
        else:
            click.echo(f"Rule {row.id} is in force until {moment(row.until)} UTC: {safe(_words(row))}.")


@rule.command()
@_INI
@click.argument("rule_id", metavar="RULE")
@click.option(
    "--text", "note", default="", metavar="TEXT", help="A note for admins: why it is not needed any more."
)
@_DRY_RUN
@selection.YES
@_JSON
def lift(ini: str, rule_id: str, note: str, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Lift a rule before its time, by its id or the first 8 digits of the id. Exits with 1 where it was over already."""
    with opened(ini) as deployment:
        row = _one(deployment, selection.whole_id(deployment.read_db, deny_rules.RULE_ID, "rule", rule_id))
        if row.state != deny_rules.IN_FORCE:
            raise Stop("The rule was over already. Nothing was changed.", NOTHING)
        if dry_run or not yes:
            weight = deny_rules.weigh(deployment.read_db, row.rule, None)
            if dry_run and as_json:
                _print(json_documents.weight(weight))
            else:
                _show(weight, f"{_words(row)}: served again once the rule is lifted.", err=not dry_run)
        if dry_run:
            sys.exit(DONE)
        if not yes:
            ask("Lift the rule?")
        lifted = deployment.sessions.lift_rule(
            row.id, actor(), client("sessions rule lift"), clean(note, 2000)
        )
        if as_json:
            _print(json_documents.rule(_one(deployment, row.id)))
        else:
            click.echo("The rule is lifted." if lifted else "The rule was over already.")
        sys.exit(DONE if lifted else NOTHING)


def _print(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, default=json_documents.plain))


def _show(weight: Weight, what: str, *, err: bool) -> None:
    plan = weight.plan
    now = (
        "more sessions than can be counted"
        if plan.scope is None
        else f"{many(plan.matched)} of {many(plan.people, 'user')}"
    )
    click.echo(f"{safe(what)}\nIt refuses {now} now.", err=err)
    for row in plan.rows[:10]:
        click.echo(f"  {str(row.id)[:8]}  {row.site}  {safe(row.user_name)}", err=err)
    if plan.matched > 10:
        click.echo(f"  ... and {plan.matched - 10:,} more.", err=err)
    if weight.owners:
        click.echo("It keeps an owner out of the console.", err=err)


def _words(row: DenyRuleRow) -> str:
    user = row.user_name or (str(row.user_id) if row.user_id else "")
    reason = labels.reason(row.reason_code)
    return f"{deny_rules.in_words(user, row.network, row.device, row.site)} ({reason})"


def _one(deployment: Deployment, rule_id: UUID) -> DenyRuleRow:
    row = deny_rules.one(deployment.read_db, rule_id)
    if row is None:
        raise Stop("There is no such rule.", NOTHING)
    return row
