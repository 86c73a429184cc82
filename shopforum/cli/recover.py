"""`shopforum recover INI`: the way through a restore from a backup, or a failover that has lost rows."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from shopforum.api_tokens import tokens
from shopforum.api_tokens.tokens import Actor
from shopforum.core.settings import SettingsError, read
from shopforum.operations import counts, deny_rules, revocation_queries
from shopforum.operations.session_queries import LIVE
from shopforum.sessions import Reason, Scope, audit, audit_chain, jobs, revocation
from shopforum.sessions.audit import Event
from shopforum.sessions.audit_chain import Head, Verdict
from shopforum.sessions.vocabulary import EndReason, EventName, InitiatingEntity
from shopforum.sessions.witness import Witness, WitnessSettings

from . import deployment
from .deployment import DONE, NOTHING, PENDING, USAGE, Deployment, Stop, opened
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


@dataclass(frozen=True)
class Situation:
    """The state that a restore has left: the verdict on the audit log and the time of its newest row; the head that was witnessed outside
    the database, if one is known, and whether the log contains it; what is live now, at most `counts.CAP` sessions or None
    for too many to count.
    """

    verdict: Verdict
    newest_at: datetime | None
    witnessed: Head | None
    contained: bool
    sessions: int | None
    tokens: int
    rules: Sequence[str]

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
@click.option("--keep-tokens", is_flag=True, help="Leave API tokens as they are.")
@click.option("--yes", is_flag=True, help="Do it. Without it, the command shows what it would do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    ini: str, witnessed: str | None, before: datetime | None, keep_tokens: bool, yes: bool, as_json: bool
) -> None:
    """Make a restored database safe to serve from.

    A restore brings back what was ended since the backup: sessions, API tokens, deny rules and quarantines as they were then.
    This command checks the audit log, ends sessions and API tokens, writes to the audit log that this was done, and makes its
    new head the one that workers compare with. Run it before the sites start. Without --yes it changes nothing.
    """
    before = before and before.replace(tzinfo=UTC)
    with opened(ini) as found:
        witness = _witness(found.settings)
        situation = _read(found, _head(witnessed) or witness.newest)
        done = _recover(found, situation, witness, before, keep_tokens) if yes else None
    if as_json:
        click.echo(json.dumps(_document(situation, done)))
    else:
        _print(situation, done, before, keep_tokens)
    raise SystemExit(_code(situation.verdict) or (PENDING if done and done.unconfirmed else DONE))


@dataclass(frozen=True)
class Recovered:
    """The result of a recovery: the revocation by its id and how many messages FusionAuth has not confirmed, the number of API tokens that
    were revoked, and the new head of the audit log; None where the role may not seal.
    """

    revocation: str
    unconfirmed: int
    tokens: int
    head: Head


def _read(found: Deployment, witnessed: Head | None) -> Situation:
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
    )


def _recover(
    found: Deployment, situation: Situation, witness: Witness, before: datetime | None, keep_tokens: bool
) -> Recovered:
    sessions, who, client = found.sessions, deployment.actor(), deployment.client("recover")
    reason = Reason(InitiatingEntity.ADMIN, who, EndReason.RESTORED)
    # FusionAuth can only be told of all of a site, which would end the sessions that stay.
    revocation_id = revocation.revoke_and_tell(
        sessions.context, Scope(everyone=True), reason, client, before=before, upstream=before is None
    )
    revoked = 0 if keep_tokens else tokens.revoke(sessions.db, Actor(who, client), everyone=True)
    detail = {
        "head": str(situation.verdict.head),
        "witnessed": str(situation.witnessed) if situation.witnessed else None,
        "lost": situation.lost,
        "before": before.isoformat() if before else None,
        "tokens": revoked,
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
    receipt = revocation_queries.receipt(found.read_db, revocation_id)
    return Recovered(str(revocation_id), receipt.unconfirmed if receipt else 0, revoked, head)


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


def _print(situation: Situation, done: Recovered | None, before: datetime | None, keep_tokens: bool) -> None:
    click.echo("\n".join(_of_the_log(situation)))
    sessions = situation.sessions
    count = (
        "very many"
        if sessions is None
        else f"more than {counts.CAP:,}"
        if sessions > counts.CAP
        else f"{sessions:,}"
    )
    until = f", as far as the password was given until {moment(before)} UTC" if before else ""
    click.echo("\nDone:" if done else "\nWould do:")
    click.echo(f"  end the sessions that are live ({count}){until}")
    click.echo(f"  {'keep' if keep_tokens else 'revoke'} {many(situation.tokens, 'API token')}")
    click.echo("  write recovered_from_restore to the audit log, whose head then is the one to compare with")
    if situation.rules:
        click.echo(
            "\nDeny rules in force, also those that were lifted since the backup; rules added since are gone:"
        )
        click.echo("\n".join(f"  {safe(rule)}" for rule in situation.rules))
    if done is None:
        click.echo("\nNothing was done. Run it again with --yes.")
        return
    click.echo(f"\nNew head: {done.head}")
    if done.unconfirmed:
        click.echo("FusionAuth has not confirmed everything: `shopforum worker` retries until it does.")


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
    verdict = situation.verdict
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
        "done": done and {"revocation": done.revocation, "tokens": done.tokens, "head": str(done.head)},
    }
