"""`shopforum check INI`: find what is wrong with a deployment, and say how to fix it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import click

from shopforum import configuration
from shopforum.configuration import Configuration
from shopforum.core.ini_files import section
from shopforum.core.settings import variable
from shopforum.core.sites import DEMO, SITES

from . import check_database, check_fusionauth, check_webhooks
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
    yield from _secrets(sites)
    yield from _cookies(sites[0])
    yield from check_database.checks(ini, [each.settings for each in sites])
    yield from check_fusionauth.checks(sites)
    yield from check_webhooks.checks(sites[-1])


def _secrets(sites: list[Configuration]) -> Iterator[Check]:
    """Check that no secret is the demo's: demo secrets are public, and a reader of development.ini could sign in as any user."""
    values = {"shopforum.secret": sites[0].settings.secret, "idp.api_key": sites[0].idp.api_key}
    values |= {f"idp.{each.site.name}.client_secret": each.idp.client_secret for each in sites}
    for name, value in values.items():
        if value.startswith(DEMO):
            yield Check(
                name, problem="is the demo secret", fix=f"set {variable(name)} to a secret of your own"
            )
    if not any(value.startswith(DEMO) for value in values.values()):
        yield Check("secrets", fine="none is a demo secret")


def _cookies(settings: Configuration) -> Iterator[Check]:
    """Check the sites' URLs: browsers keep __Host- cookies over https, and over plain http only on localhost."""
    for name, url in settings.site.urls.items():
        parts = urlsplit(url)
        local = (parts.hostname or "").endswith(".localhost")
        if parts.scheme == "https" or local:
            yield Check(f"{name} cookies", fine=f"browsers keep them at {url}")
        else:
            yield Check(
                f"{name} cookies",
                problem=f"browsers drop Secure cookies at {url}",
                fix=f"serve it over https and change shopforum.{name}_url",
            )
