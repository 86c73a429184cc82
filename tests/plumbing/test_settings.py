"""Settings: the environment wins, and nothing unsafe or unreadable starts."""

import pytest
from support import site_settings

import shopforum
from shopforum.settings import SettingsError, parse, variable, with_environment


@pytest.fixture
def raw():
    return {
        **site_settings("postgresql://nobody@127.0.0.1/none", "http://127.0.0.1:9"),
        "shopforum.site": "store",
    }


def test_the_environment_wins_over_the_file(raw, monkeypatch):
    monkeypatch.setenv("SHOPFORUM_IDP_URL", "https://login.test/")
    monkeypatch.setenv("SHOPFORUM_DATABASE_POOL_SIZE", "3")
    parsed = parse(with_environment(raw))
    assert (parsed.idp.url, parsed.pool_size) == ("https://login.test", 3)


def test_a_secret_needs_no_line_in_the_file(raw, monkeypatch):
    del raw["shopforum.secret"]
    monkeypatch.setenv("SHOPFORUM_SECRET", "s" * 32)
    assert parse(with_environment(raw)).secret == "s" * 32


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shopforum.secret", "development-secret-never-use-this-one-outside"),
        ("shopforum.secret", "too short"),
        ("idp.api_key", "development-api-key-never-use-this-one-outside"),
        ("shopforum.store_url", "http://store.test"),
    ],
)
def test_production_refuses_what_is_unsafe(raw, key, value):
    with pytest.raises(SettingsError, match=key):
        shopforum.main({}, **{**raw, key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shopforum.secret", ""),
        ("shopforum.site", "shop"),
        ("shopforum.forums_url", "https://store.test"),
        ("shopforum.store_url", "https://store.test/path"),
        ("shopforum.store_url", "https://user@store.test"),
        ("shopforum.store_url", "store.test"),
        ("database.url", " "),
        ("database.pool_size", "many"),
        ("database.pool_size", "0"),
        ("idp.refresh_endpoint", "saml"),
        ("idp.read_timeout", "0"),
        ("idp.read_timeout", "nan"),
        ("idp.store.application_id", ""),
        ("log.format", "xml"),
    ],
)
def test_what_makes_no_sense_stops_the_boot(raw, key, value):
    with pytest.raises(SettingsError):
        parse({**raw, key: value})


def test_a_message_names_the_variable_and_keeps_the_secret(raw):
    with pytest.raises(SettingsError) as caught:
        parse({**raw, "idp.api_key": "hunter2"})
    assert variable("idp.api_key") in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_the_repr(raw):
    shown = repr(parse(raw))
    assert raw["shopforum.secret"] not in shown
    assert raw["idp.api_key"] not in shown
    assert raw["idp.store.client_secret"] not in shown
