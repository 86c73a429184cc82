"""Faults of an ini file are told in a line each, and never with its values."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from shopforum.cli import main
from shopforum.core import ini_files
from shopforum.core.settings import SettingsError

PASSWORD = "hunter2%40tail"


@pytest.fixture
def broken(write_ini):
    """`broken(text)`: an ini file of three sites with some text in the store's section."""

    def write(text):
        path = Path(write_ini())
        path.write_text(path.read_text().replace("[app:store]\n", f"[app:store]\n{text}\n"))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"mail.password = {PASSWORD}", "mail.password: write each % of the value twice"),
        ("database.url = postgresql://again", "database.url is there twice"),
        ("[app:forums]", "[app:forums] is there twice"),
        ("hunter2", "this is no section, no key and no comment"),
    ],
)
def test_a_file_that_cannot_be_read(broken, text, said):
    path = broken(text)
    with pytest.raises(SettingsError) as caught:
        ini_files.section(path, "store")
    assert said in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "tail" not in str(caught.value)


@pytest.fixture
def undoubled(broken):
    """An ini file that every command can use, but for a percent sign in a password."""
    path = Path(broken("x = y"))
    sections = "[composite:main]\nuse = egg:shopforum#hosts\nsites = store forums admin\n"
    sections += "[server:main]\nuse = egg:waitress#main\nlisten = 127.0.0.1:0\n"
    sections += "[alembic]\nscript_location = shopforum:deployment/alembic\n"
    text = path.read_text()
    for site in ("store", "admin"):
        text = text.replace(f"[app:{site}]\n", f"[app:{site}]\nmail.password = {PASSWORD}\n")
    path.write_text(sections + text)
    return str(path)


def assert_names_the_key_alone(status, said):
    assert status not in (0, None), said
    assert "mail.password: write each % of the value twice" in said
    assert "hunter2" not in said
    assert "tail" not in said


@pytest.mark.parametrize(
    "words",
    [("check", "{ini}"), ("sessions", "list", "{ini}"), ("migrate", "{ini}"), ("worker", "{ini}", "--once")],
    ids=lambda words: words[0],
)
def test_every_command_names_the_key_whose_percent_was_not_doubled_and_not_the_value(undoubled, words):
    done = CliRunner().invoke(main, [word.format(ini=undoubled) for word in words])
    assert_names_the_key_alone(done.exit_code, done.output)


@pytest.mark.parametrize(
    "words", [("alembic", "-c", "{ini}", "current"), ("pserve", "{ini}")], ids=lambda words: words[0]
)
def test_the_programs_of_others_do_so_too(undoubled, words):
    program = Path(sys.executable).with_name(words[0])
    arguments = [word.format(ini=undoubled) for word in words[1:]]
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert_names_the_key_alone(done.returncode, done.stdout + done.stderr)
