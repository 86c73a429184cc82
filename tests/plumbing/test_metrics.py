"""Metrics: read on an address of their own, by real HTTP; no visitor's text in a label; named in documents as in the code."""

import json
import re
import runpy
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sockets import request, send, served

from shopforum.cli import worker_metrics
from shopforum.core import metrics, processes
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.core.metrics import MetricsSettings
from shopforum.core.settings import SettingsError, read
from shopforum.core.sites import SITES
from shopforum.hosts import Sites
from shopforum.serving import Server
from shopforum.sessions import Reason, Scope
from shopforum.sessions import jobs as session_jobs
from shopforum.sessions.audit import Client
from shopforum.sessions.vocabulary import EventName, FlagKind

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus-rules.yaml"
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
_NAME = re.compile(r"\bshopforum_[a-z_]+")


@pytest.fixture
def address():
    """An address of this machine that was free a moment ago."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    return f"127.0.0.1:{port}"


@pytest.fixture
def listening(apps, monkeypatch):
    """`listening(address)`: the three sites, whose settings name an address for the metrics."""

    def name(address):
        for app in apps.values():
            monkeypatch.setattr(
                app.services, "settings", {**app.services.settings, "metrics.listen": address}
            )
        return Sites(list(apps.values()))

    return name


def scraped(registry=None, url=None):
    """The samples of a scrape: by name, a list of labels and value."""
    page = requests.get(url, timeout=60).text if url else None
    families = text_string_to_metric_families(page) if page else registry.collect()
    found = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def value(samples, name, **labels):
    return sum(number for found, number in samples.get(name, []) if labels.items() <= found.items())


def known():
    """Every metric of the code, by the names that a query uses."""
    names = set()
    for family in [*metrics.REGISTRY.collect(), *worker_metrics.declared().values()]:
        endings = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        names |= {family.name + ending for ending in endings}
    return names


def test_the_metrics_are_read_on_an_address_of_their_own(listening, address, store, apps):
    everything, url = listening(address), f"http://{address}/metrics"
    with served(everything) as port:
        before = scraped(url=url)
        store.log_in("shopper")
        store.post("/login", {"email": "a@b.test", "password": "x", "csrf_token": "x"}, status=403)
        for path in ("/products", "/nowhere-at-all", "/products?q=somebody%40example.com"):
            send(port, request("GET", path))
        after, page = scraped(url=url), requests.get(url, timeout=60).text
        assert send(port, request("GET", "/metrics")).status == 404

    def grown(name, **labels):
        return value(after, name, **labels) - value(before, name, **labels)

    assert grown("shopforum_request_seconds_count", site="store", route="store_products", status="2xx") == 2
    assert grown("shopforum_request_seconds_count", site="store", route="none", status="4xx") == 1
    assert grown("shopforum_logins_total", site="store", result="success") == 1
    assert grown("shopforum_form_refusals_total", site="store") == 1
    assert grown("shopforum_audit_events_total", event="authn_login_success") == 1
    assert grown("shopforum_fusionauth_seconds_count", call="login", outcome="answered") == 1
    assert grown("shopforum_database_round_trip_seconds_count") > 3
    assert grown("shopforum_database_connection_wait_seconds_count") > 3
    # Of several applications of one site in a process, the last one's is told.
    assert value(after, "shopforum_database_pool_size", site="store") > 0
    assert value(after, "shopforum_requests_under_way") == 0
    # Counters of alerts begin at 0: an alert sees no rise of a series that begins with 1.
    events = {labels["event"] for labels, _ in before["shopforum_audit_events_total"]}
    assert events >= {*EventName, *FlagKind}
    refused = {(labels["site"], labels["why"]) for labels, _ in before["shopforum_requests_refused_total"]}
    assert refused >= {(site, why) for site in SITES for why in ("full", "late")}
    assert value(after, "shopforum_fusionauth_breaker_open", site="store") == 0
    for text_of_a_visitor in ("nowhere", "somebody", "example.com", "127.0.0.1", "/products"):
        assert text_of_a_visitor not in page


def test_an_open_breaker_a_refused_login_and_a_revocation_are_seen(apps, store, idp):
    before = scraped(metrics.REGISTRY)
    services = apps["store"].services
    breaker = services.idp.breaker.login
    # Another test may have made a store of its own in this process.
    services.idp.breaker.watch("store")
    store.log_in("shopper", password="wrong", status=422)
    idp.hook("fail", path="/api/login", times=10, status=503)
    for _ in range(5):
        store.log_in("shopper", status=503)
    open_now = scraped(metrics.REGISTRY)
    assert value(open_now, "shopforum_fusionauth_breaker_open", site="store", call="login") == 1
    idp.hook("reset")
    breaker.reset()
    services.sessions.revoke(Scope(site="forums"), Reason("admin", "an admin", "other"), Client())
    after = scraped(metrics.REGISTRY)
    grown = {
        name: value(after, name, **labels) - value(before, name, **labels)
        for name, labels in {
            "shopforum_logins_total": {"result": "credentials"},
            "shopforum_revocations_total": {"scope": "site", "initiating_entity": "admin"},
        }.items()
    }
    assert grown == {"shopforum_logins_total": 1, "shopforum_revocations_total": 1}
    assert value(after, "shopforum_fusionauth_breaker_open", site="store", call="login") == 0


def test_a_refresh_and_a_throttled_login_are_counted(browser, sql, idp, idle_out):
    before, client = scraped(metrics.REGISTRY), browser("store")
    client.log_in("shopper")
    idle_out()
    client.get("/account/sessions", status=200)
    browser("store").log_in("member", password="wrong", status=422)
    sql("UPDATE login_failures SET blocked_until = now() + interval '1 hour'")
    browser("store").log_in("member", status=429)
    idle_out()
    idp.hook("fail", path="/api/jwt/refresh", times=10, status=503)
    client.get("/account/sessions", status=503)
    after = scraped(metrics.REGISTRY)
    for name, labels in (
        ("shopforum_session_refreshes_total", {"site": "store", "outcome": "renewed"}),
        ("shopforum_session_refreshes_total", {"site": "store", "outcome": "unavailable"}),
        ("shopforum_throttled_total", {"limit": "login"}),
    ):
        assert value(after, name, **labels) - value(before, name, **labels) == 1, (name, labels)


def test_it_is_off_unless_an_address_is_named(apps):
    server = Server(Sites(list(apps.values())), listen="127.0.0.1:0")
    assert server._metrics == []
    server.close()


@pytest.mark.parametrize("wrong", ["9100", ":9100", "127.0.0.1:", "127.0.0.1:65536", "here"])
def test_an_address_that_is_none_stops_the_boot(wrong):
    with pytest.raises(SettingsError, match=r"metrics\.listen must be an address"):
        read(MetricsSettings, {"metrics.listen": wrong})


def test_a_taken_address_stops_the_web_server_and_the_worker_and_is_named(listening, write_ini):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(SettingsError, match=rf"metrics\.listen: cannot listen on {address}"):
            Server(listening(address), listen="127.0.0.1:0")
        ini = write_ini(**{"metrics.worker_listen": address})
        done = subprocess.run(
            [sys.executable, "-m", "shopforum.cli", "worker", ini],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert f"metrics.worker_listen: cannot listen on {address}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_tells_what_waits_and_who_lives(apps, sql, store):
    services = apps["store"].services
    store.log_in("shopper")
    processes.seen(services.db, processes.WORKER)
    sql(
        "INSERT INTO outgoing_mail (recipient, subject, plain, html, created_at)"
        " VALUES ('a@b.test', '', '', '', now() - interval '2 hours')"
    )
    sql(
        "INSERT INTO webhook_endpoints (name, seq, since) SELECT name, 0, 0 FROM unnest(ARRAY['siem', 'gone']) name"
    )
    while session_jobs.seal(services.sessions):
        pass
    sql("INSERT INTO audit_log (event, site, initiating_entity) VALUES ('authz_fail', 'store', 'user')")
    sql("ANALYZE sessions")
    collector = worker_metrics.DatabaseCollector(services.db, ("siem",))
    samples = scraped(collector)
    rows = {labels["backlog"]: number for labels, number in samples["shopforum_backlog_rows"]}
    sealed = sql("SELECT seq FROM audit_head")[0]["seq"]
    assert sealed > 0
    assert rows == {
        "audit_log": 1,
        "revocation_outbox": 0,
        "mail": 1,
        "account_deletions": 0,
        "webhook:siem": sealed,
    }
    assert 7200 <= value(samples, "shopforum_backlog_oldest_seconds", backlog="mail") < 7300
    assert value(samples, "shopforum_backlog_oldest_seconds", backlog="revocation_outbox") == 0
    assert value(samples, "shopforum_processes", kind="worker") == 1
    assert 0 <= value(samples, "shopforum_process_heartbeat_seconds", kind="worker") < 60
    assert {labels["site"] for labels, _ in samples["shopforum_sessions_live_estimate"]} == set(SITES)
    assert value(samples, "shopforum_sessions_live_estimate", site="store") == 1
    assert samples["shopforum_database_readable"] == [({"database": "sessions"}, 1.0)]


def test_a_database_that_is_away_is_told_and_the_rest_is_read(apps):
    services = apps["store"].services
    away = Database(create_engine("postgresql://nobody@127.0.0.1:1/none", 1))
    samples = scraped(worker_metrics.DatabaseCollector(away, ()))
    assert samples == {"shopforum_database_readable": [({"database": "sessions"}, 0.0)]}

    apart = {"store": away, "forums": services.db}
    samples = scraped(worker_metrics.DatabaseCollector(services.db, (), apart=apart))
    readable = {labels["database"]: number for labels, number in samples["shopforum_database_readable"]}
    assert readable == {"sessions": 1, "store": 0, "forums": 1}
    backlogs = {labels["backlog"].partition(":")[0] for labels, _ in samples["shopforum_backlog_rows"]}
    assert {"audit_log", "forums"} < backlogs
    assert "store" not in backlogs


def test_every_metric_of_the_rules_is_one_of_the_code():
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    assert len(rules) > 8
    for rule in rules:
        assert set(_NAME.findall(rule["expr"])) <= known(), rule["alert"]
        assert _NAME.search(rule["expr"]) or "up{" in rule["expr"], rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
        assert rule["annotations"]["description"], rule["alert"]


def test_every_metric_of_the_dashboard_is_one_of_the_code():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(queries) > 8
    assert {name for query in queries for name in _NAME.findall(query)} <= known()


def test_the_table_of_the_metrics_is_what_the_code_declares():
    page = ROOT / "docs" / "operations.md"
    written = runpy.run_path(str(ROOT / "docs" / "write_metrics.py"))["written"]
    assert page.read_text() == written(page.read_text()), "run `make docs`"
