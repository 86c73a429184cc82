"""`shopforum recover INI`: the way through a restore from a backup, or a failover that has lost rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import click

from shopforum.api_tokens import tokens
from shopforum.api_tokens.tokens import Actor
from shopforum.core.settings import SettingsError, read
from shopforum.operations import counts, deny_rules, revocation_queries
from shopforum.operations.approvals import Act, Kind
from shopforum.operations.session_queries import LIVE
from shopforum.sessions import Reason, Scope, audit, audit_chain, jobs, revocation
from shopforum.sessions.audit import Client, Event
from shopforum.sessions.audit_chain import Head, Verdict
from shopforum.sessions.vocabulary import EndReason, EventName, InitiatingEntity
from shopforum.sessions.witness import Witness, WitnessSettings

from . import deployment, recover_log
from .deployment import DONE, NOTHING, PENDING, USAGE, Deployment, Stop, opened
from .recover_log import Applied, LogRow, Lost
from .terminal import many, moment, safe

# The backspace keeps click from joining the lines into one paragraph.
_EXIT_CODES = """\b
Exit codes:
  0  done, or shown without --yes
  1  the audit log is not intact
  2  the call is wrong, or a key of the audit log is missing
  3  the database cannot be reached
  4  done here; FusionAuth has not confirmed everything yet, and the worker retries
"""


# Revocations of a copy that are named on the terminal.
_SHOWN = 20


@dataclass(frozen=True)
class Situation:
    """The state that a restore has left: the verdict on the audit log and the time of its newest row; the head that was witnessed outside
    the database, if one is known, and whether the log contains it; what is live now, at most `counts.CAP` sessions or None
    for too many to count; and what a copy of the log has beyond it, where one is given.
    """

    verdict: Verdict
    newest_at: datetime | None
    witnessed: Head | None
    contained: bool
    sessions: int | None
    tokens: int
    rules: Sequence[str]
    lost_acts: Lost | None

    @property
    def lost(self) -> int:
        """The number of rows that are known to be lost, at least."""
        if self.contained or self.witnessed is None:
            return 0
        return max(self.witnessed.seq - self.verdict.head.seq, 1)


@click.command(epilog=_EXIT_CODES)
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--head", "witnessed", metavar="SEQ:MAC", help="The newest head of the audit log in the log stream."
)
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]),
    metavar="TIME",
    help="Leave sessions alone whose password was given after this time (UTC). By default all sessions end.",
)
@click.option(
    "--log",
    "log_copy",
    type=click.File("rb"),
    metavar="FILE",
    help="A copy of the audit log (JSON lines: an export, the API's events, or a webhook's messages): apply again what is lost.",
)
@click.option("--keep-sessions", is_flag=True, help="End only the sessions that --log names, instead of all.")
@click.option("--keep-tokens", is_flag=True, help="Leave API tokens as they are.")
@click.option("--yes", is_flag=True, help="Do it. Without it, the command shows what it would do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    ini: str,
    witnessed: str | None,
    before: datetime | None,
    log_copy: BinaryIO | None,
    keep_sessions: bool,
    keep_tokens: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Make a restored database safe to serve from.

    A restore brings back what was ended since the backup: sessions, API tokens, deny rules and quarantines as they were then.
    This command checks the audit log, ends sessions and API tokens, writes to the audit log that this was done, and makes its
    new head the one that workers compare with. Run it before the sites start. Without --yes it changes nothing.
    """
    before = before and before.replace(tzinfo=UTC)
    if keep_sessions and log_copy is None:
        raise click.UsageError("--keep-sessions needs --log, the copy that names the sessions to end.")
    plan = Plan(before, keep_sessions, keep_tokens)
    copied = recover_log.read(log_copy) if log_copy else None
    if copied and not copied[0]:
        raise click.BadParameter("no line of it is a row of the audit log as JSON", param_hint="--log")
    with opened(ini) as found:
        witness = _witness(found.settings)
        situation = _read(found, _head(witnessed) or witness.newest, copied)
        done = _recover(found, situation, witness, plan) if yes else None
    if as_json:
        click.echo(json.dumps(_document(situation, done)))
    else:
        _print(situation, done, plan)
    raise SystemExit(_code(situation.verdict) or (PENDING if done and done.unconfirmed else DONE))


@dataclass(frozen=True)
class Plan:
    """The acts that the options ask for."""

    before: datetime | None
    keep_sessions: bool
    keep_tokens: bool


@dataclass(frozen=True)
class Recovered:
    """The result of a recovery: the acts of the copy that were applied again, the revocation of all by its id (None where sessions are
    kept), how many messages FusionAuth has not confirmed, the number of API tokens that were revoked, and the new head of the audit log.
    """

    applied: Applied
    revocation: str | None
    unconfirmed: int
    tokens: int
    head: Head


def _read(found: Deployment, witnessed: Head | None, copied: tuple[list[LogRow], int] | None) -> Situation:
    db, keyring = found.sessions.db, found.sessions.config.secrets
    verdict = audit_chain.verify(db, keyring.audit_keys)
    contained = witnessed is None or audit_chain.contains(db, witnessed)
    states = [row.state for row in tokens.listed(found.read_db, keyring)]
    rules = [
        f"{row.id} by {row.actor}, until {moment(row.until)}" for row in deny_rules.in_force(found.read_db)
    ]
    return Situation(
        verdict,
        audit_chain.newest_at(db),
        witnessed,
        contained,
        counts.count(found.read_db, [LIVE]),
        sum(state in ("valid", "blocked", "keyless") for state in states),
        rules,
        recover_log.lost(found, *copied) if copied else None,
    )


def _recover(found: Deployment, situation: Situation, witness: Witness, plan: Plan) -> Recovered:
    sessions, who, client = found.sessions, deployment.actor(), deployment.client("recover")
    lost = situation.lost_acts or Lost()
    with deployment.alone(found, _act(situation, plan, who), client):
        applied = recover_log.apply(found, lost, who, client)
        revocation_id = None if plan.keep_sessions else _end_all(found, plan.before, who, client)
        revoked = 0 if plan.keep_tokens else tokens.revoke(sessions.db, Actor(who, client), everyone=True)
    detail = {
        "head": str(situation.verdict.head),
        "witnessed": str(situation.witnessed) if situation.witnessed else None,
        "lost": situation.lost,
        "before": plan.before.isoformat() if plan.before else None,
        "tokens": revoked,
        "applied_again": {**asdict(applied), "revocations": len(applied.revocations)},
        "unnamed": lost.unnamed,
        "unreadable": lost.unreadable,
    }
    audit.append(
        sessions.db,
        Event(
            EventName.RECOVERED,
            "all",
            client,
            initiating_entity=InitiatingEntity.ADMIN,
            actor=who,
            revocation_id=revocation_id,
            detail=detail,
        ),
    )
    while jobs.seal(sessions):
        pass
    head = audit_chain.head(sessions.db)
    witness.reset(head)
    ids = [*applied.revocations, *([str(revocation_id)] if revocation_id else [])]
    receipts = [revocation_queries.receipt(found.read_db, UUID(one)) for one in ids]
    unconfirmed = sum(one.unconfirmed for one in receipts if one)
    return Recovered(applied, str(revocation_id) if revocation_id else None, unconfirmed, revoked, head)


def _act(situation: Situation, plan: Plan, who: str) -> Act:
    """Return the recovery as one act: nobody has counted whom a copy of the audit log names, so it always reaches far."""
    target = {"filter": "a copy of the audit log"} if plan.keep_sessions else {"everyone": True}
    reason = Reason(InitiatingEntity.ADMIN, who, EndReason.RESTORED)
    return Act(Kind.REVOKE, reason, True, target, situation.sessions or 0, 0, exact=False)


def _end_all(found: Deployment, before: datetime | None, who: str, client: Client) -> UUID:
    reason = Reason(InitiatingEntity.ADMIN, who, EndReason.RESTORED)
    # FusionAuth can only be told of all of a site, which would end the sessions that stay.
    return revocation.revoke_and_tell(
        found.sessions.context,
        Scope(everyone=True),
        reason,
        client,
        before=before,
        upstream=before is None,
    )


def _witness(settings: Mapping[str, str]) -> Witness:
    file = read(WitnessSettings, settings).file
    try:
        return Witness(Path(file) if file else None)
    except SettingsError as error:
        raise Stop(str(error), USAGE) from None


def _head(text: str | None) -> Head | None:
    try:
        return Head.parse(text) if text else None
    except ValueError:
        raise click.BadParameter("a head is SEQ:MAC, as the worker logs it", param_hint="--head") from None


def _code(verdict: Verdict) -> int:
    return NOTHING if verdict.bad is not None else USAGE if verdict.unchecked else DONE


def _print(situation: Situation, done: Recovered | None, plan: Plan) -> None:
    click.echo("\n".join(_of_the_log(situation)))
    sessions = situation.sessions
    count = (
        "very many"
        if sessions is None
        else f"more than {counts.CAP:,}"
        if sessions > counts.CAP
        else f"{sessions:,}"
    )
    until = f", as far as the password was given until {moment(plan.before)} UTC" if plan.before else ""
    click.echo("\nDone:" if done else "\nWould do:")
    if situation.lost_acts:
        click.echo("\n".join(_of_the_copy(situation.lost_acts)))
    click.echo(
        f"  {'keep the other' if plan.keep_sessions else 'end the'} sessions that are live ({count}){until}"
    )
    click.echo(f"  {'keep' if plan.keep_tokens else 'revoke'} {many(situation.tokens, 'API token')}")
    click.echo("  write recovered_from_restore to the audit log, whose head then is the one to compare with")
    if situation.rules:
        click.echo(
            "\nDeny rules in force before, also those that were lifted since the backup; without --log, those added since are gone:"
        )
        click.echo("\n".join(f"  {safe(rule)}" for rule in situation.rules))
    if done is None:
        click.echo("\nNothing was done. Run it again with --yes.")
        return
    click.echo(f"\nNew head: {done.head}")
    if done.unconfirmed:
        click.echo("FusionAuth has not confirmed everything: `shopforum worker` retries until it does.")


def _of_the_copy(lost: Lost) -> Iterator[str]:
    """Yield what a copy of the log has beyond the database, by line."""
    yield f"  apply again {many(len(lost.revocations), 'revocation')} that the database has lost"
    for row in lost.revocations[:_SHOWN]:
        yield f"    {moment(row.at)} {safe(row.detail.get('scope'))} {safe(row.user_id or row.session_id or row.site)}"
    if len(lost.revocations) > _SHOWN:
        yield f"    and {len(lost.revocations) - _SHOWN:,} more"
    yield f"  lift {many(len(lost.lifted), 'deny rule')} again, add {len(lost.added)} again for the rest of their time"
    yield f"  revoke {many(len(lost.tokens), 'API token')} again that the copy names as revoked"
    if lost.unnamed:
        yield f"  NOT WHOLE: {many(lost.unnamed, 'revocation')} ended more sessions than the copy names. End all, without --keep-sessions."
    if lost.unreadable:
        yield f"  NOT READ: {many(lost.unreadable, 'line')} of the copy"


def _of_the_log(situation: Situation) -> Iterator[str]:
    """Yield what the audit log says of the restore, by line."""
    verdict, at = situation.verdict, moment(situation.newest_at)
    yield f"Audit log: {verdict.good:,} good rows, the newest from {at} UTC, head {verdict.head}"
    if verdict.bad is not None:
        yield f"  BAD at sequence number {verdict.bad}: {verdict.why}"
    if verdict.unchecked:
        yield f"  NOT CHECKED: {verdict.unchecked:,} rows, whose key {verdict.missing_key} is missing"
    if situation.witnessed is None:
        yield "  Whether its end is lost is not known: look for the newest audit.sealed in the log of the workers,"
        yield "  and pass its head as --head."
    elif situation.lost:
        yield f"  LOST: the witnessed head {situation.witnessed} is not in it. At least"
        yield f"  {many(situation.lost, 'row')} are gone, and what they recorded is undone."
    else:
        yield "  The witnessed head is in it: nothing is lost up to there."


def _document(situation: Situation, done: Recovered | None) -> dict[str, Any]:
    verdict, lost = situation.verdict, situation.lost_acts
    return {
        "audit": {
            "ok": verdict.ok,
            "good": verdict.good,
            "bad": verdict.bad,
            "why": verdict.why,
            "unchecked": verdict.unchecked,
            "missing_key": verdict.missing_key,
            "head": str(verdict.head),
            "newest_at": situation.newest_at.isoformat() if situation.newest_at else None,
        },
        "witnessed": str(situation.witnessed) if situation.witnessed else None,
        "lost": situation.lost,
        "live_sessions": situation.sessions,
        "tokens": situation.tokens,
        "rules": [*situation.rules],
        "lost_acts": lost
        and {
            "revocations": [str(row.revocation_id) for row in lost.revocations],
            "lifted": [str(one) for one in lost.lifted],
            "added": len(lost.added),
            "tokens": [str(one) for one in lost.tokens],
            "unnamed": lost.unnamed,
            "unreadable": lost.unreadable,
        },
        "done": done
        and {
            "applied": asdict(done.applied),
            "revocation": done.revocation,
            "tokens": done.tokens,
            "head": str(done.head),
        },
    }
