"""`shopforum check INI`: what is wrong with a deployment, and how to mend it."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import click

from shopforum import configuration
from shopforum.configuration import Configuration
from shopforum.core.ini_files import section
from shopforum.core.settings import variable
from shopforum.core.sites import DEMO, SITES

from . import check_database, check_fusionauth, check_webhooks
from .checks import Finding


@click.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
def command(ini: str) -> None:
    """Say what is wrong with a deployment and how to mend it.

    Prints one line a check. Ends with 0 only when all is well.
    """
    problems = 0
    for finding in findings(ini):
        problems += bool(finding.problem)
        click.echo(
            f"{'WRONG' if finding.problem else 'ok':<6} {finding.about}: {finding.problem or finding.fine}"
        )
        if finding.problem:
            click.echo(f"       mend: {finding.mend}")
    click.echo(f"\n{problems} to mend." if problems else "\nAll is well.")
    raise SystemExit(bool(problems))


def findings(ini: str) -> Iterator[Finding]:
    """Check after check, each as soon as it is known. Settings that cannot be read are the last finding."""
    try:
        sites = [configuration.load(section(ini, site)) for site in SITES]
    except ValueError as error:
        yield Finding("settings", problem=str(error), mend=f"change {ini} or the environment")
        return
    yield Finding("settings", fine=f"{ini} can be read")
    yield from _secrets(sites)
    yield from _cookies(sites[0])
    yield from check_database.findings(ini, sites[0].settings.database_url)
    yield from check_fusionauth.findings(sites)
    yield from check_webhooks.findings(sites[-1])


def _secrets(sites: list[Configuration]) -> Iterator[Finding]:
    """Demo secrets are public: whoever reads development.ini could sign in as anybody."""
    values = {"shopforum.secret": sites[0].settings.secret, "idp.api_key": sites[0].idp.api_key}
    values |= {f"idp.{each.site.name}.client_secret": each.idp.client_secret for each in sites}
    for name, value in values.items():
        if value.startswith(DEMO):
            yield Finding(
                name, problem="is the demo secret", mend=f"set {variable(name)} to a secret of your own"
            )
    if not any(value.startswith(DEMO) for value in values.values()):
        yield Finding("secrets", fine="none is a demo secret")


def _cookies(settings: Configuration) -> Iterator[Finding]:
    """Browsers keep __Host- cookies over https, and over plain http on localhost alone."""
    for name, url in settings.site.urls.items():
        parts = urlsplit(url)
        local = (parts.hostname or "").endswith(".localhost")
        if parts.scheme == "https" or local:
            yield Finding(f"{name} cookies", fine=f"browsers keep them at {url}")
        else:
            yield Finding(
                f"{name} cookies",
                problem=f"browsers drop Secure cookies at {url}",
                mend=f"serve it over https and change shopforum.{name}_url",
            )
