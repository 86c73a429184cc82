"""`shopforum sessions drift`: compare the sessions here with the refresh tokens at FusionAuth."""

import json
from dataclasses import asdict

import click

from shopforum.operations import drift as drifts
from shopforum.operations.drift import Drift
from shopforum.sessions import AuthorityUnavailable

from .deployment import NOTHING, PENDING, Stop, opened
from .terminal import many


@click.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines: one disagreement a line.")
def drift(ini: str, as_json: bool) -> None:
    """Find sessions whose refresh token FusionAuth does not have, and tokens there without a session; changes nothing.

    Each line says what to do. Users about whom FusionAuth gives no proper answer are left out, and named on standard error. Asks FusionAuth once for each user with a session, four at a time. The console's sessions have no
    refresh token. Exit code 1 where something disagrees, 4 where FusionAuth cannot be asked or users were left out.
    """
    count, left_out = 0, 0
    with opened(ini) as deployment:
        try:
            for page in drifts.find(deployment.read_db, deployment.idp):
                count, left_out = count + len(page.found), left_out + len(page.left_out)
                for one in page.found:
                    _print(one, ini, as_json=as_json)
                for user_id in page.left_out:
                    click.echo(f"Left out: FusionAuth gives no proper answer about user {user_id}.", err=True)
        except AuthorityUnavailable as error:
            raise Stop(
                f"FusionAuth cannot be asked: {error}. The list above is not complete.", PENDING
            ) from None
    if not as_json:
        but = f", but for {many(left_out, 'user')}" if left_out else ""
        click.echo(f"{many(count, 'disagreement')}." if count else f"The sessions and FusionAuth agree{but}.")
    if count or left_out:
        raise SystemExit(NOTHING if count else PENDING)


def _print(one: Drift, ini: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**asdict(one), "remedy": one.remedy(ini)}, default=str))
        return
    of = f"Session {one.session_id}" if one.session_id else f"Token {one.token_id}"
    click.echo(f"{of} of user {one.user_id} at {one.site} ({one.kind})")
    click.echo(f"  {drifts.MEANINGS[one.kind]}\n    {one.remedy(ini)}")
