"""`shopforum init [FILE]`: production's ini file, to be filled in."""

from importlib.resources import files
from pathlib import Path

import click

_NEXT = """
Next:
  1. fill in what is empty, and set the secrets as its first lines say
  2. shopforum check {path}    says what is missing or wrong
  3. shopforum migrate {path}
  4. pserve {path}, and beside it: shopforum worker {path}"""


@click.command()
@click.argument("file", default="production.ini", type=click.Path(dir_okay=False, path_type=Path))
def command(file: Path) -> None:
    """Write production's ini file, with what is to be filled in.

    FILE is its path, production.ini if not given. A file that is there already is left as it is.
    """
    template = files("shopforum") / "deployment" / "production.ini"
    try:
        # Only its owner may read it: sooner or later somebody writes a password into it.
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        raise click.ClickException(f"{file} is there already, and left as it is") from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    file.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(f"{file} is written.{_NEXT.format(path=file)}")
