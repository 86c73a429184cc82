"""`shopforum init [FILE]`: write production's ini file, to be filled in."""

from importlib.resources import files
from pathlib import Path

import click

_NEXT = """
Next:
  1. fill in the empty settings, and set the secrets as the first lines say
  2. shopforum check {path}    says what is missing or wrong
  3. shopforum migrate {path}
  4. pserve {path}, and beside it: shopforum worker {path}"""


@click.command()
@click.argument("file", default="production.ini", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Write production's ini file, to be filled in.

    FILE is its path, by default production.ini. An existing file is left unchanged.
    """
    template = files("shopforum") / "deployment" / "production.ini"
    try:
        # Only its owner may read it: somebody may write a password into it.
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise click.ClickException(f"{file} exists already and was left unchanged") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    file.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(f"{file} is written.{_NEXT.format(path=file)}")
