"""Settings: known by name, from the ini file and from the environment; nothing unsafe, unreadable or unknown starts."""

import runpy
from pathlib import Path

import pytest
from support import site_settings

import shopforum
from shopforum import configuration
from shopforum.core.settings import SettingsError, variable
from shopforum.core.sites import SITES
from shopforum.webhooks.settings import endpoint_settings

PROJECT = Path(__file__).resolve().parents[2]
KEYS = {one.key: one for group in configuration.groups().values() for one in group}
KEYS |= {one.key: one for one in endpoint_settings("siem")}
FROM_ENVIRONMENT = [key for key, one in KEYS.items() if one.in_environment]
WHSEC = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
# A value for each key that is right and not the default; for numbers and switches it follows from the type.
VALUES = {
    "shopforum.secret": "another-secret-of-our-own-0123456789-0123",
    "shopforum.store_url": "https://shop.test",
    "shopforum.forums_url": "https://talk.test",
    "shopforum.admin_url": "https://console.test",
    "database.url": "postgresql://somebody@127.0.0.1/other",
    "log.format": "console",
    "idp.refresh_endpoint": "oauth2",
    "idp.url": "https://login.test",
    "idp.api_key": "another-key-of-our-own-0123456789-0123456",
    "mail.from": "shop@store.test",
    "mail.tls": "none",
    "sessions.risk": "off",
    "sessions.binding": "require",
    "sessions.risk_signals": "other_system",
    "sessions.same_site": "Strict",
    "webhooks.fusionauth": "EdDSA",
    "webhooks.out": "siem",
    "webhooks.siem.url": "https://siem.test/in",
    "webhooks.siem.secret": WHSEC,
    "webhooks.siem.events": "session_created",
    "metrics.listen": "127.0.0.1:9100",
    "metrics.worker_listen": "127.0.0.1:9101",
    "canary.nodes": "http://127.0.0.1:6543",
}


def value_of(key):
    one = KEYS[key]
    if key in VALUES:
        return VALUES[key]
    if isinstance(one.default, bool):
        return str(not one.default).lower()
    if isinstance(one.default, (int, float)):
        return str(one.default + 1)
    return "something"


@pytest.fixture
def raw():
    return {
        **site_settings("postgresql://nobody@127.0.0.1/none", "http://127.0.0.1:9"),
        "shopforum.site": "store",
    }


def without(raw, key):
    return {name: value for name, value in raw.items() if name != key}


@pytest.fixture
def with_endpoint(raw):
    return raw | {
        "webhooks.out": "siem",
        "webhooks.siem.url": "https://a.test",
        "webhooks.siem.secret": WHSEC,
    }


@pytest.mark.parametrize("key", FROM_ENVIRONMENT)
def test_every_key_can_come_from_the_environment_for_all_sites_or_one_or_a_file(
    key, with_endpoint, monkeypatch, tmp_path
):
    wanted, file = value_of(key), tmp_path / "value"
    file.write_text(wanted + "\n")
    for name, given in (
        (variable(key), wanted),
        (f"{variable(key)}_FILE", str(file)),
        (variable(key, "store"), wanted),
        (f"{variable(key, 'store')}_FILE", str(file)),
    ):
        with monkeypatch.context() as patch:
            patch.setenv(name, given)
            assert configuration.complete(with_endpoint)[key] == wanted, name
            # And it can be read.
            KEYS[key].read(configuration.complete(with_endpoint))


def test_the_variable_of_a_site_is_that_sites_alone_and_wins(raw, monkeypatch):
    monkeypatch.setenv("SHOPFORUM_SESSIONS_IDLE", "1200")
    monkeypatch.setenv("SHOPFORUM_ADMIN_SESSIONS_IDLE", "600")
    idle = {site: configuration.complete(raw | {"shopforum.site": site})["sessions.idle"] for site in SITES}
    assert idle == {"store": "1200", "forums": "1200", "admin": "600"}


def test_the_console_has_defaults_of_its_own(raw):
    complete = configuration.complete({**without(raw, "database.pool_size"), "shopforum.site": "admin"})
    assert {key: complete[key] for key in configuration.CONSOLE_DEFAULTS} == configuration.CONSOLE_DEFAULTS
    assert set(configuration.CONSOLE_DEFAULTS) <= set(KEYS)


def test_no_two_keys_have_the_same_variable():
    names = [
        variable(key, site) + ending
        for key in FROM_ENVIRONMENT
        for site in ("", *SITES)
        for ending in ("", "_FILE")
    ]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("session.risk", "sessions.risk"),
        ("sessions.idel", "sessions.idle"),
        ("sessions.risks", "sessions.risk"),
        ("idp.apikey", "idp.api_key"),
        ("webhooks.siem.url", None),
        ("sessions.secret", None),
        ("forums.mention", "forums.mentions"),
    ],
)
def test_a_misspelt_key_stops_the_boot_and_the_nearest_is_named(raw, key, nearest):
    with pytest.raises(SettingsError, match=key) as caught:
        shopforum.main({}, **raw, **{key: "hunter2"})
    assert "hunter2" not in str(caught.value)
    if nearest:
        assert f"did you mean {nearest}?" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SHOPFORUM_SESSIONS_IDEL", "SHOPFORUM_SESSIONS_IDLE"),
        ("SHOPFORUM_ADMIN_SESSION_IDLE", "SHOPFORUM_ADMIN_SESSIONS_IDLE"),
        ("SHOPFORUM_SECRET_FIEL", "SHOPFORUM_SECRET_FILE"),
        ("SHOPFORUM_WEBHOOKS_SIEM_URL", None),
        ("SHOPFORUM_SITE", None),
    ],
)
def test_a_misspelt_variable_stops_the_boot_and_the_nearest_is_named(raw, name, nearest, monkeypatch):
    monkeypatch.setenv(name, "hunter2")
    with pytest.raises(SettingsError, match=name) as caught:
        shopforum.main({}, **raw)
    assert "hunter2" not in str(caught.value)
    if nearest:
        assert f"did you mean {nearest}?" in str(caught.value)


def test_an_endpoint_can_come_from_the_environment_alone(raw, monkeypatch):
    monkeypatch.setenv("SHOPFORUM_WEBHOOKS_OUT", "siem")
    monkeypatch.setenv("SHOPFORUM_WEBHOOKS_SIEM_URL", "https://siem.test/in")
    monkeypatch.setenv("SHOPFORUM_WEBHOOKS_SIEM_SECRET", WHSEC)
    loaded = configuration.load(raw | {"shopforum.site": "admin"})
    assert loaded.raw["webhooks.siem.url"] == "https://siem.test/in"


def test_a_variable_and_its_file_together_are_refused(raw, monkeypatch, tmp_path):
    monkeypatch.setenv("SHOPFORUM_SECRET", "s" * 32)
    monkeypatch.setenv("SHOPFORUM_SECRET_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="SHOPFORUM_SECRET and SHOPFORUM_SECRET_FILE"):
        configuration.load(raw)
    monkeypatch.delenv("SHOPFORUM_SECRET")
    with pytest.raises(SettingsError, match="SHOPFORUM_SECRET_FILE: the file cannot be read"):
        configuration.load(raw)


def test_a_secret_needs_no_line_in_the_file(raw, monkeypatch):
    del raw["shopforum.secret"]
    monkeypatch.setenv("SHOPFORUM_SECRET", "s" * 32)
    assert configuration.load(raw).settings.secret == "s" * 32


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("shopforum.secret", "development-secret-never-use-this-one-outside"),
        ("shopforum.secret", "a-secret-of-our-own-0123456789-0123456789 too short"),
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
        ("shopforum.development", "perhaps"),
        ("shopforum.forums_url", "https://store.test"),
        ("shopforum.store_url", "https://store.test/path"),
        ("shopforum.store_url", "https://user@store.test"),
        ("shopforum.store_url", "store.test"),
        ("database.url", " "),
        ("database.url", "mysql://root:hunter2@localhost"),
        ("database.pool_size", "many"),
        ("database.pool_size", "0"),
        ("idp.refresh_endpoint", "saml"),
        ("idp.read_timeout", "0"),
        ("idp.read_timeout", "nan"),
        ("idp.store.application_id", ""),
        ("log.format", "xml"),
        ("mail.host", "smtp.test"),
        ("mail.from", "not an address"),
        ("sessions.idle", "2592001"),
        ("sessions.idle", "110"),
        ("sessions.max_per_user", "0"),
        ("sessions.risk", "enfroce"),
        ("sessions.renewable", "perhaps"),
        ("forums.mentions", "-1"),
        ("login.longest_wait", "soon"),
        ("api.calls_per_minute", "1.5"),
    ],
)
def test_an_invalid_value_stops_the_start(raw, key, value):
    with pytest.raises(SettingsError) as caught:
        configuration.load({**raw, key: value})
    # A value as short as a bound may be one.
    assert len(value) < 5 or value not in str(caught.value)


def test_a_message_names_the_variable_and_keeps_the_secret(raw):
    with pytest.raises(SettingsError) as caught:
        configuration.load({**raw, "idp.api_key": "hunter2"})
    assert variable("idp.api_key") in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_in_the_repr(raw):
    loaded = configuration.load(raw)
    shown = repr((loaded.site, loaded.settings, loaded.idp))
    for key in ("shopforum.secret", "idp.api_key", "idp.store.client_secret", "database.url"):
        assert raw[key] not in shown


def test_the_page_of_the_settings_is_what_the_code_declares():
    written = runpy.run_path(str(PROJECT / "docs" / "write_settings.py"))["page"]()
    assert (PROJECT / "docs" / "settings.md").read_text() == written, "run `make docs`"
