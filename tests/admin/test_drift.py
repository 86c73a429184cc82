"""`/drift`: the comparison with FusionAuth, in the night and on demand, in steps that a dying worker leaves to the next."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner
from support import Browser, Idp, person

from shopforum.cli import main, worker
from shopforum.dev.idp.database import Database
from shopforum.operations import drift, drift_checks


@pytest.fixture
def step(apps: Any) -> Callable[..., int]:
    """`step()`: one step of the worker; `step(hour)` with a night that is in that hour."""
    services = apps["store"].services
    return lambda hour=-1: drift_checks.run_once(services.db, services.idp, hour)


def compare(client: Browser) -> str:
    form = next(form for form in client.get("/drift").forms.values() if form.action == "/drift")
    return form.submit(status=303).location


def test_a_session_whose_token_is_lost_is_found_shown_and_ended(
    console: Callable[[str], Browser],
    store: Browser,
    forums: Browser,
    step: Callable[..., int],
    apps: Any,
    sql: Any,
    monkeypatch: pytest.MonkeyPatch,
):
    store.log_in("shopper")
    forums.log_in("member")
    [row] = sql("SELECT id, refresh_token_id FROM sessions WHERE site = 'store'")
    # Revoked there, and no webhook has come.
    apps["store"].services.idp.revoke("store", refresh_token_id=row["refresh_token_id"], user_id=None)
    client = console("responder")
    assert "No comparison has ended yet" in client.get("/drift")
    assert step() == 0
    monkeypatch.setattr(drift, "_PAGE", 1)
    monkeypatch.setattr(
        drift, "_USERS", type(drift._USERS)(str(drift._USERS).replace("LIMIT 100", "LIMIT 1"))
    )
    assert "drift_asked" in compare(client)
    token = client.get("/drift").forms[0]["csrf_token"].value
    assert "drift_under_way" in client.post("/drift", {"csrf_token": token}, status=303).location
    # A page a step, and one that finds no more.
    assert step() == 1
    assert "1 person compared" in client.get("/drift")
    assert [worker._look_for_drift(apps["store"].services), step(), step()] == [1, 1, 0]
    page = client.get("/drift")
    assert "2 people, 1 disagreement." in page
    assert "FusionAuth and the sessions here disagree 1 time." in client.get("/")
    assert "The session is live here, and FusionAuth has no such token" in page
    asked = page.click("End…")
    assert asked.request.path_qs == f"/sessions/revoke?session={row['id']}"
    assert "End…" not in console("viewer").get("/drift")
    [form] = [form for form in asked.forms.values() if form.action == "/sessions/revoke"]
    form["reason"] = "incident"
    form.submit(status=303)
    compare(client)
    while step():
        pass
    assert "and FusionAuth agrees" in client.get("/drift")
    assert "disagree" not in client.get("/")


def test_while_fusionauth_is_away_it_waits(
    console: Callable[[str], Browser], store: Browser, step: Callable[..., int], idp: Idp, sql: Any
):
    store.log_in("shopper")
    client = console("responder")
    compare(client)
    idp.hook("fail", path="/api/jwt/refresh", times=9, drop=True)
    assert step() == 1
    assert "It waits: FusionAuth does not answer." in client.get("/drift")
    assert step() == 0
    idp.hook("fail", path="/api/jwt/refresh", times=0)
    sql("UPDATE drift_checks SET next_try_at = now() RETURNING 1")
    assert [step(), step()] == [1, 0]
    assert "and FusionAuth agrees" in client.get("/drift")


def test_one_a_night_however_many_workers(step: Callable[..., int], apps: Any, sql: Any):
    [row] = sql("SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int AS hour")
    assert step((row["hour"] + 12) % 24) == 0
    assert not sql("SELECT 1 FROM drift_checks")
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _: step(row["hour"]), range(4))) == 1
    assert step(row["hour"]) == 0
    assert sql("SELECT actor, ended_at IS NULL AS open FROM drift_checks") == [{"actor": "", "open": False}]


def test_a_broken_account_is_left_out_and_named(
    console: Callable[[str], Browser],
    store: Browser,
    forums: Browser,
    step: Callable[..., int],
    idp: Idp,
    apps: Any,
    sql: Any,
    write_ini: Any,
):
    store.log_in("shopper")
    forums.log_in("member")
    [row] = sql("SELECT id, refresh_token_id FROM sessions WHERE site = 'forums'")
    apps["forums"].services.idp.revoke("forums", refresh_token_id=row["refresh_token_id"], user_id=None)
    broken = person("shopper").id
    # FusionAuth's answer about this account can never be read.
    with Database(idp.database).write() as database:
        database.execute("UPDATE refresh_tokens SET insert_instant = ? WHERE user_id = ?", (10**18, broken))
    client = console("responder")
    compare(client)
    assert [step(), step()] == [1, 0]
    page = client.get("/drift")
    assert "1 person, 1 disagreement." in page
    assert "1 person was not compared" in page
    assert f'href="/users/{broken}"' in page
    answer = CliRunner().invoke(main, ["sessions", "drift", write_ini(), "--json"])
    assert answer.exit_code == 1
    assert str(row["id"]) in answer.stdout
    assert f"about user {broken}" in answer.stderr
    sql("DELETE FROM sessions WHERE site = 'forums' RETURNING 1")
    answer = CliRunner().invoke(main, ["sessions", "drift", write_ini()])
    assert (answer.exit_code, answer.stdout) == (4, "The sessions and FusionAuth agree, but for 1 user.\n")
    # One answer that is lost leaves nobody out.
    sql("DELETE FROM sessions WHERE site <> 'admin' RETURNING 1")
    forums.log_in("member")
    idp.hook("fail", path="/api/jwt/refresh", times=1, drop=True)
    compare(client)
    assert step() == 1
    assert "was not compared" not in client.get("/drift")
