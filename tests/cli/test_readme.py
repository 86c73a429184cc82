"""The commands in the documents can be typed: each exists, with the options that are written."""

import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from shopforum.cli import deployment, main
from shopforum.dev.sample import LOGINS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown(path):
    """The lines of a document's code blocks, and its code spans, that call `shopforum`."""
    text = path.read_text()
    blocks = re.findall(r"^    (.+)$", text, re.MULTILINE) + re.findall(
        r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL
    )
    lines = [line for block in blocks for line in block.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`(shopforum [^`]+)`", text)]
    for line in lines + spans:
        found = re.search(r"(?:^|\$\(|\s)(?:\.venv/bin/)?shopforum ([a-z].*?)(?:\)$|\s#|$)", line.strip())
        if found and not line.lstrip().startswith(("#", "|")):
            yield found[1]


CALLS = sorted({(path.name, call) for path in DOCUMENTS for call in shown(path)})


def command_of(words):
    """The command that the words name, and what is left of them."""
    found, left = main, list(words)
    context = click.Context(main)
    while isinstance(found, click.Group) and left:
        found = found.get_command(context, left.pop(0))
    return found, left


def test_there_are_some():
    assert len(CALLS) > 20
    assert {"README.md", "operations.md"} <= {name for name, _ in CALLS}


@pytest.mark.parametrize(("document", "call"), CALLS, ids=[call for _, call in CALLS])
def test_a_command_that_is_shown_is_there(document, call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, left = command_of(shlex.split(call.replace("…", "")))
    assert command is not None, call
    known = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    for word in left:
        if word.startswith("--") and word != "--help":
            assert word.split("=")[0] in known, (call, word)
    if call.startswith("init "):
        # The one that makes the file.
        assert CliRunner().invoke(main, shlex.split(call)).exit_code == 0
    elif any(word.endswith(".ini") for word in left):
        # The whole of it is read as it would be, but for the file, which is not there.
        answer = CliRunner().invoke(main, shlex.split(call), catch_exceptions=False)
        assert answer.exit_code == 2, answer.output
        assert "No such" in answer.stderr or "does not exist" in answer.stderr, answer.output


def test_every_command_explains_itself():
    def walk(command, words):
        answer = CliRunner().invoke(main, [*words, "--help"])
        assert answer.exit_code == 0, words
        assert len(answer.output.splitlines()) > 4, words
        for name in command.list_commands(click.Context(command)) if isinstance(command, click.Group) else ():
            walk(command.get_command(click.Context(command), name), [*words, name])

    walk(main, [])


def test_the_exit_codes_written_down_are_those_of_the_code():
    codes = {
        name: getattr(deployment, name) for name in ("DONE", "NOTHING", "USAGE", "DATABASE_AWAY", "PENDING")
    }
    assert list(codes.values()) == [0, 1, 2, 3, 4]
    help_text = CliRunner().invoke(main, ["sessions", "--help"]).output
    document = (ROOT / "docs" / "operations.md").read_text()
    for code in codes.values():
        assert re.search(rf"^ +{code}  ", help_text, re.MULTILINE)
        assert re.search(rf"^\| {code} \| ", document, re.MULTILINE)


def test_the_logins_of_the_readme_can_log_in():
    text = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\| .* \| (\S+@\S+) \| (\S+) \|$", text, re.MULTILINE)
    assert rows == [(login.email, login.password) for login in LOGINS]


def test_the_tests_that_the_readme_names_are_there():
    everything = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_[a-z_0-9]+)`", (ROOT / "README.md").read_text())
    assert len(named) >= 4
    assert [name for name in named if f"def {name}(" not in everything] == []
