"""`shopforum keys`: what each key holds, and whether it may be removed; and what is found without a key that is needed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from support import Browser
from webtest import TestApp

from shopforum.api_tokens import tokens
from shopforum.api_tokens.rate_limit import Rate
from shopforum.cli import main
from shopforum.core import processes
from shopforum.sessions import jobs
from shopforum.sessions.audit import Client
from shopforum.sessions.keyring import Keyring

NEW = "new-key-of-the-tests-0123456789-0123456789"
RATE = Rate(burst=100, per_second=100)


@pytest.fixture
def old(apps: dict[str, Any]) -> str:
    """The secret that the sites of the tests run with."""
    secret: str = apps["store"].services.settings["shopforum.secret"]
    return secret


@pytest.fixture
def keys(write_ini: Callable[..., str], apps: dict[str, Any]) -> Callable[..., Any]:
    """`keys(NEW, OLD)`: what the command says with these secrets, by the ids of the keys, and its exit code."""

    def run(*secrets: str) -> tuple[int, dict[str, Any], str]:
        ini = write_ini(**{"shopforum.secret": " ".join(secrets)})
        done = CliRunner().invoke(main, ["keys", ini, "--json"], catch_exceptions=False)
        said = CliRunner().invoke(main, ["keys", ini], catch_exceptions=False).stdout
        assert not any(secret in said + done.stdout for secret in secrets)
        return done.exit_code, {each["id"]: each for each in json.loads(done.stdout)["keys"]}, said

    return run


def id_of(secret: str) -> str:
    return Keyring([secret]).id


def holds(key: dict[str, Any]) -> dict[str, int]:
    return {each["what"]: each["rows"] for each in key["holds"]}


def test_the_old_key_may_go_when_nothing_is_left_of_it(
    keys: Any, old: str, store: Browser, sql: Any, apps: dict[str, Any]
) -> None:
    store.log_in("shopper")
    db, keyring = apps["store"].services.db, Keyring([NEW, old])
    _, token = tokens.create(db, Keyring([old]), "siem", ["sessions:read"], None, tokens.Actor("t", Client()))
    jobs.seal(apps["store"].services.sessions)
    code, found, said = keys(NEW, old)
    assert code == 0
    assert holds(found[id_of(NEW)]) == {}
    assert holds(found[id_of(old)]) == {
        "live sessions": 1,
        "API tokens": 1,
        "known devices": 1,
        "counters of failed logins": 1,
    }
    assert found[id_of(old)]["seals"][0] == 1
    assert "it is needed until" in said
    # A token moves with its use; the rest goes with its time.
    assert tokens.find(db, keyring, token, RATE, Client())
    assert tokens.find(db, Keyring([NEW]), token, RATE, Client())
    sql("DELETE FROM login_failures")
    sql("UPDATE sessions SET ended_at = now(), end_reason = 'logout'")
    code, found, said = keys(NEW, old)
    assert (code, found[id_of(old)]["may_go"]) == (0, True)
    assert "Keep a copy elsewhere" in said
    assert holds(found[id_of(NEW)]) == {"API tokens": 1}
    assert keys(NEW)[0] == 0


def test_a_key_that_is_missed_is_named(keys: Any, old: str, store: Browser) -> None:
    store.log_in("shopper")
    code, found, said = keys(NEW)
    assert code == 1
    assert found[id_of(old)]["place"] is None
    assert "put it back" in said


def test_rows_from_before_ids_keep_every_key(keys: Any, old: str, store: Browser, sql: Any) -> None:
    store.log_in("shopper")
    sql("UPDATE session_credentials SET key_id = NULL")
    sql("DELETE FROM login_failures")
    code, found, _ = keys(NEW, old)
    assert code == 0
    assert (holds(found[None]), found[id_of(old)]["may_go"]) == ({"live sessions": 1}, False)


def test_processes_say_when_the_next_step_is_safe(
    keys: Any, old: str, store: Browser, apps: dict[str, Any], sql: Any
) -> None:
    """All must know a key before one makes hashes with it, and none may make hashes with a key that goes."""
    db = apps["store"].services.db
    store.get("/readyz", status=200)
    assert sql("SELECT keys FROM processes")[0]["keys"] == [id_of(old)]
    assert "not know it: logins there" in keys(NEW, old)[2]
    for known, said in [
        ([old], "does not know it yet"),
        ([old, NEW], "Every process that gave a sign of life knows it"),
    ]:
        processes.seen(db, processes.WEB, Keyring(known).ids)
        assert said in keys(old, NEW)[2]
    assert "still make hashes with it" in keys(NEW, old)[2]
    processes.seen(db, processes.WEB, Keyring([NEW, old]).ids)
    assert keys(NEW, old)[1][id_of(old)]["may_go"]


def test_a_token_whose_key_is_gone_says_why(old: str, apps: dict[str, Any], write_ini: Any, sql: Any) -> None:
    db, gone = apps["admin"].services.db, Keyring([NEW])
    _, token = tokens.create(db, gone, "siem", ["sessions:read"], None, tokens.Actor("t", Client()))
    listed = CliRunner().invoke(main, ["token", "list", write_ini()], catch_exceptions=False)
    assert "keyless" in listed.stdout
    client = TestApp(apps["admin"], extra_environ={"HTTP_HOST": "admin.test", "wsgi.url_scheme": "https"})
    bearer = {"Authorization": f"Bearer {token}"}
    refused = client.get("/api/v1/sessions", headers=bearer, status=401)
    assert "made under a removed key" in refused.json["detail"]
    [row] = sql("SELECT detail FROM audit_log WHERE event = 'api_token_refused'")
    assert row["detail"]["removed_keys"] == gone.id
    sql("UPDATE api_tokens SET revoked_at = now()")
    again = client.get("/api/v1/sessions", headers=bearer, status=401)
    assert again.json["detail"] == "The token is not valid."
