"""The documents' claims that a machine can check are true."""

import re
from configparser import RawConfigParser
from pathlib import Path

import pytest

from shopforum import configuration
from shopforum.core.sites import SITES
from shopforum.sessions import config as sessions_config
from shopforum.sessions.vocabulary import EndReason

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize("ini", ["development.ini", "production.ini"])
def test_the_lifetimes_written_down_are_those_of_the_settings(ini, settings):
    parser = RawConfigParser()
    parser.read(ROOT / ini)
    text = (ROOT / "docs" / "sessions.md").read_text()
    rows = dict(re.findall(r"^\| (store, forums|console) \| (.*) \|$", text, re.MULTILINE))
    assert rows["store, forums"] == "30 min | every 10 min | 30 days | by the refresh token"
    assert rows["console"] == "15 min | every 5 min | 8 h | never"
    for site in SITES:
        written = {**parser["app:base"], **parser[f"app:{site}"]}
        lifetimes = {key: value for key, value in written.items() if key.startswith("sessions.")}
        config = sessions_config.parse(configuration.load({**settings(site), **lifetimes}).raw)
        customers = site != "admin"
        assert config.idle == (30 * MINUTE if customers else 15 * MINUTE)
        assert config.absolute == (30 * DAY if customers else 8 * HOUR)
        assert config.rotate_every == (10 * MINUTE if customers else 5 * MINUTE)
        assert config.renewable == customers


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_that_a_document_names_is_there(document):
    text = document.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (document.parent / link).exists()] == []
    named = re.findall(r"`((?:tests|shopforum|docs|alembic|bench)/[\w./-]+)`", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("name", ["threats.md", "standards.md"])
def test_every_test_that_proves_a_defence_is_there(name):
    text = (ROOT / "docs" / name).read_text()
    files = set(re.findall(r"`(\w+/(?:test_\w+\.py)?)`", text))
    assert len(files) > 5
    assert [file for file in files if not (ROOT / "tests" / file).exists()] == []
    everything = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    functions = re.findall(r"`(test_[a-z_0-9]+)…?`", text)
    assert [function for function in functions if f"def {function}" not in everything] == []


def test_no_document_speaks_of_a_machine():
    for document in DOCUMENTS:
        assert not re.search(r"(^|[^\w.])/(root|home|tmp|work)/", document.read_text()), document


def test_the_table_of_ends_has_every_reason():
    text = (ROOT / "docs" / "sessions.md").read_text()
    section = text.partition("## What ends a session\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", section))
    assert set(EndReason) - named == set()
