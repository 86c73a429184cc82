"""Faults of an ini file are told in a line each, and never with its values."""

import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.mark.parametrize(
    "command",
    [
        ("shopforum", "check", "{ini}"),
        ("shopforum", "sessions", "list", "{ini}"),
        ("shopforum", "migrate", "{ini}"),
        ("shopforum", "worker", "{ini}", "--once"),
        ("alembic", "-c", "{ini}", "current"),
        ("pserve", "{ini}"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_command_names_the_key_whose_percent_was_not_doubled_and_not_the_value(broken, command):
    path = Path(broken("x = y"))
    sections = "[composite:main]\nuse = egg:shopforum#hosts\nsites = store forums admin\n"
    sections += "[server:main]\nuse = egg:waitress#main\nlisten = 127.0.0.1:0\n"
    sections += "[alembic]\nscript_location = shopforum:deployment/alembic\n"
    text = path.read_text()
    for site in ("store", "admin"):
        text = text.replace(f"[app:{site}]\n", f"[app:{site}]\nmail.password = {PASSWORD}\n")
    path.write_text(sections + text)
    words = [word.format(ini=path) for word in command]
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=60, check=False)
    said = done.stdout + done.stderr
    assert done.returncode not in (0, None), said
    assert "mail.password: write each % of the value twice" in said
    assert "hunter2" not in said
    assert "tail" not in said
