"""The canary: it measures how soon a revocation is felt, says where it is not, and is nobody's session and no way in."""

import time
import uuid
from typing import Any

import pytest
import requests
from sockets import served
from support import person

from shopforum import configuration
from shopforum.cli import canary as measuring
from shopforum.cli import worker_metrics
from shopforum.core.settings import SettingsError
from shopforum.web import canary

METRIC = "shopforum_revocation_effect_seconds"


@pytest.fixture
def measured(apps: Any, monkeypatch: pytest.MonkeyPatch, sql: Any) -> Any:
    """`measured(**settings)`: measure as a worker with these settings does; returns the rows by place."""
    services = apps["store"].services

    def run(**changes: str) -> dict[str, Any]:
        settings = {**services.settings, **{f"canary.{key}": value for key, value in changes.items()}}
        monkeypatch.setattr(services, "settings", settings)
        sql("DELETE FROM canaries")
        measuring.measure(services)
        return {row["place"]: row for row in sql("SELECT * FROM canary_times ORDER BY at")}

    return run


def tokens_of(idp: Any, who: str) -> list[Any]:
    answer = requests.get(f"{idp.hooks}/tokens", params={"userId": str(person(who).id)}, timeout=60)
    return [one for one in answer.json()["tokens"] if one["state"] != "revoked"]


def test_it_is_felt_at_each_place_and_told(apps: Any, measured: Any, admin: Any, sql: Any, idp: Any) -> None:
    account = person("shopper")
    with served(apps["store"]) as one, served(apps["store"]) as other:
        nodes = [f"http://127.0.0.1:{port}" for port in (one, other)]
        found = measured(nodes=" ".join(nodes), email=account.email, password=account.password)
    assert set(found) == {*nodes, "fusionauth"}
    for row in found.values():
        assert row["why"] == ""
        assert 0 < row["seconds"] < measuring.PATIENCE
    # Nothing of it is a session, a person, an act or a refused request; at FusionAuth no token is left.
    for table in (
        "sessions",
        "session_credentials",
        "revocations",
        "audit_log",
        "session_flags",
        "refused_requests",
    ):
        assert sql(f"SELECT 1 FROM {table}") == [], table
    assert all(row["ended_at"] for row in sql("SELECT ended_at FROM canaries"))
    assert tokens_of(idp, "shopper") == []
    collector = worker_metrics.DatabaseCollector(apps["store"].services.db, (), (nodes[0], "fusionauth"))
    samples = [sample for family in collector.collect() for sample in family.samples]
    told = {(s.labels["place"], s.labels["quantile"]) for s in samples if s.name == METRIC}
    assert told == {(place, quantile) for place in (nodes[0], "fusionauth") for quantile in ("0.5", "0.99")}
    assert {s.value for s in samples if s.name == "shopforum_revocation_unfelt"} == {0}
    admin.log_in("viewer")
    page = admin.get("/")
    table = page.html.find(id="effects").find_parent("section")
    assert {row.th.text for row in table.tbody.find_all("tr")} == {*nodes, "FusionAuth"}
    assert "could not be confirmed" not in page.text


def test_where_it_is_not_felt_the_reason_is_told(
    apps: Any, measured: Any, admin: Any, idp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "PATIENCE", 0.2)
    idp.hook("fail", path="/api/login", times=1, status=503)
    gone = "http://127.0.0.1:1"
    with served(apps["store"]) as port:
        node = f"http://127.0.0.1:{port}"
        # A node that serves what was revoked, as one would that reads a database which is behind.
        monkeypatch.setattr(canary, "is_live", lambda _db, _id: True)
        found = measured(nodes=f"{node} {gone}", email=person("shopper").email, password="x")
    assert {place: row["seconds"] for place, row in found.items()} == {
        node: None,
        gone: None,
        "fusionauth": None,
    }
    assert found[node]["why"] == "still served after 0.2 seconds"
    assert "test session was not served before: no answer: ConnectionRefusedError" in found[gone]["why"]
    assert "503" in found["fusionauth"]["why"]
    admin.log_in("viewer")
    shown = [one.text for one in admin.get("/").html.find_all(class_="notice-error")]
    assert len(shown) == 3
    assert (
        f"1 test revocation of the last ten minutes could not be confirmed at {node}: still served"
        in "".join(shown)
    )
    collector = worker_metrics.DatabaseCollector(apps["store"].services.db, (), (node,))
    [unfelt] = [s for f in collector.collect() for s in f.samples if s.name == "shopforum_revocation_unfelt"]
    assert (unfelt.labels["place"], unfelt.value) == (node, 1)


def test_one_worker_measures_in_a_minute_and_none_without_places(apps: Any, measured: Any, sql: Any) -> None:
    services = apps["store"].services
    assert measured() == {}
    assert sql("SELECT 1 FROM canaries") == []
    start = services.sessions.login_start()
    made = [canary.make(services.db, "store", start) for _ in range(2)]
    if all(made):
        # The minute has changed in between.
        made = [made[1], canary.make(services.db, "store", start)]
    assert made[1] is None
    assert canary.is_live(services.db, made[0])
    # It is live by the definition of sessions: a revocation of everyone ends it.
    sql("INSERT INTO revocation_gates (key, epoch, revocation_id) VALUES ('everyone', 1, gen_random_uuid())")
    assert not canary.is_live(services.db, made[0])


def test_only_holders_of_the_key_are_answered(apps: Any, store: Any, count_sql: Any) -> None:
    keyring = apps["store"].services.sessions.config.secrets
    asked = str(uuid.uuid4())

    def token(seconds: float = 0, purpose: str = "probe") -> str:
        return str(keyring.form_token(purpose, str(int(time.time() + seconds))))

    for bad in ("", "x", "1.x", token(purpose="login"), token(-1000), token(1000)):
        headers = {"X-Shopforum-Probe": bad, "X-Shopforum-Canary": asked}
        with count_sql(store) as statements:
            store.get("/probe", headers=headers, status=404)
        assert not any("canaries" in statement for statement in statements)
        # Such a request may name no Host but the site's, as any other.
        store.get("/probe", headers=headers, extra_environ={"HTTP_HOST": "elsewhere.test"}, status=421)
    good = {"X-Shopforum-Probe": token(-200), "X-Shopforum-Canary": asked}
    answer = store.get("/probe", headers=good, extra_environ={"HTTP_HOST": "elsewhere.test"})
    assert answer.json["host"] == "elsewhere.test"
    assert answer.json["canary"] is False
    store.get("/products", headers=good, extra_environ={"HTTP_HOST": "elsewhere.test"}, status=421)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"canary.nodes": "10.0.0.5:6543"}, r"canary\.nodes takes addresses such as http"),
        ({"canary.nodes": "http://10.0.0.5:99999"}, r"canary\.nodes "),
        ({"canary.nodes": "http://a@10.0.0.5"}, r"canary\.nodes takes addresses without a user name"),
        ({"canary.nodes": "http://10.0.0.5/x"}, r"canary\.nodes takes addresses"),
        ({"canary.email": "canary@example.com"}, r"canary\.email and canary\.password"),
    ],
)
def test_settings_that_are_none_stop_the_start(settings: Any, changes: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        configuration.load({**settings("store"), **changes})
