"""`shopforum migrate INI`: show what the migrations will do and lock, run them, and report."""

import time

import click
from alembic.script.revision import RevisionError

from shopforum import configuration
from shopforum.core import migrations
from shopforum.core.ini_files import section
from shopforum.core.migrations import Step

from .deployment import USAGE, Stop, reaching_the_database


@click.command()
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
def command(ini: str, dry_run: bool) -> None:
    """Migrate the databases of a deployment to the newest version.

    Each migration is a transaction of its own: it is done whole or not at all. A migration that waits four seconds for a
    lock gives up, so that the sites never wait behind it for long; run the command again then. Does the same as
    `alembic -c INI upgrade head`.
    """
    try:
        urls = configuration.database_urls(section(ini, "store"))
    except ValueError as error:
        raise Stop(f"{ini} cannot be used: {error}", USAGE) from None
    for part, url in urls.items():
        if len(urls) > 1:
            click.echo(f"The database of the {part}:")
        _migrate(url, dry_run)


def _migrate(url: str, dry_run: bool) -> None:
    with reaching_the_database():
        current = migrations.current(url)
        try:
            steps = migrations.steps(url, current)
        except RevisionError:
            raise Stop(
                f"The database is at {current}, which this version does not know: it belongs to another version.",
                USAGE,
            ) from None
        click.echo(f"The database is at {current or 'no migration: it is empty'}.")
        if not steps:
            click.echo("That is the newest; nothing to do.")
            return
        click.echo("Would do:" if dry_run else "Will do:")
        for step in steps:
            click.echo(_described(step))
        if dry_run:
            click.echo("\nNothing was done.")
            return
        begun = time.monotonic()
        migrations.upgrade(url, on_applied=lambda name: click.echo(f"Done: {name}"))
        click.echo(f"The database is at {migrations.current(url)}, after {time.monotonic() - begun:.1f} s.")


def _described(step: Step) -> str:
    lines = [f"  {step.revision}: {step.title}"]
    if step.made:
        lines.append(f"    makes {len(step.made)} table{'' if len(step.made) == 1 else 's'}")
    lines += [f"    {lock}" for lock in step.locks]
    if not step.locks:
        lines.append("    locks nothing that is in use")
    return "\n".join(lines)
