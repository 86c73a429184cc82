"""The command line: one module a command, loaded when it is asked for.

A module `shopforum.cli.NAME` offers the command NAME as `command`.
"""

from importlib import import_module

import click

_COMMANDS = ("audit", "check", "demo", "dev", "sessions", "token", "worker")


class _Commands(click.Group):
    """Commands by name. None is imported before it is needed: `dev` needs packages that production lacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"shopforum.cli.{cmd_name}").command
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="shopforum")
def main() -> None:
    """A store and forums over FusionAuth, with login sessions that are seen, ended and trusted."""
