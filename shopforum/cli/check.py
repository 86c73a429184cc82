"""`shopforum check INI`: find what is wrong with a deployment, and say how to fix it."""

from collections.abc import Iterator

import click

from shopforum import configuration
from shopforum.core.ini_files import section
from shopforum.core.sites import SITES

from . import (
    check_approvals,
    check_database,
    check_fusionauth,
    check_network,
    check_public,
    check_settings,
    check_webhooks,
)
from .checks import Check


@click.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
def command(ini: str) -> None:
    """Say what is wrong with a deployment and how to fix it.

    Prints a line for each check. Exits with 0 only when all is well.
    """
    problems = 0
    for check in checks(ini):
        problems += bool(check.problem)
        click.echo(f"{'WRONG' if check.problem else 'ok':<6} {check.about}: {check.problem or check.fine}")
        if check.problem:
            click.echo(f"       fix: {check.fix}")
    click.echo(f"\n{problems} to fix." if problems else "\nAll is well.")
    raise SystemExit(bool(problems))


def checks(ini: str) -> Iterator[Check]:
    """Yield the checks, each as soon as its result is known. Settings that cannot be read end them."""
    try:
        sites = [configuration.load(section(ini, site)) for site in SITES]
    except ValueError as error:
        yield Check("settings", problem=str(error), fix=f"change {ini} or the environment")
        return
    yield Check("settings", fine=f"{ini} is readable")
    yield from check_settings.checks(ini, sites)
    yield from check_database.checks(ini, [each.settings for each in sites])
    yield from check_fusionauth.checks(sites)
    yield from check_approvals.checks(sites[-1])
    yield from check_webhooks.checks(sites[-1])
    yield from check_network.checks(sites[-1])
    yield from check_public.checks(sites[-1])
