import random
import uuid
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine, text

from shopforum.dev.sample import sessions as sample
from shopforum.operations import labels
from shopforum.sessions import audit_chain
from shopforum.sessions.keyring import AuditKey

USERS = [(uuid.UUID(int=n), f"Ada{n} Anchor", f"ada{n}.anchor@mail.example") for n in range(20)]


def rows(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)))


def test_a_month_of_sessions_on_both_sites(sampled: Engine):
    found = rows(
        sampled,
        "SELECT site, count(*), min(created_at) < now() - interval '25 days' FROM sessions GROUP BY 1",
    )
    assert {site for site, _, _ in found} == {"store", "forums"}
    assert all(month for _, _, month in found)
    assert 1_900 < sum(count for _, count, _ in found) < 2_100


def test_every_flag_and_every_way_to_end(sampled: Engine):
    kinds = {kind for (kind,) in rows(sampled, "SELECT DISTINCT kind FROM session_flags")}
    assert kinds == set(labels.FLAGS)
    reasons = {reason for (reason,) in rows(sampled, "SELECT DISTINCT end_reason FROM sessions")}
    assert reasons >= {
        None,
        "logout",
        "superseded",
        "refresh_refused",
        "replayed",
        "stolen_device",
        "incident",
    }


def test_nothing_is_in_the_future(sampled: Engine):
    for table, column in (
        ("sessions", "created_at"),
        ("sessions", "last_seen_at"),
        ("sessions", "ended_at"),
        ("audit_log", "at"),
        ("session_flags", "last_at"),
        ("session_places", "last_at"),
        ("session_credentials", "created_at"),
        ("revocations", "created_at"),
        ("revocation_outbox", "done_at"),
    ):
        (late,) = rows(sampled, f"SELECT count(*) FROM {table} WHERE {column} > now() + interval '1 second'")[
            0
        ]
        assert late == 0, (table, column)


def test_the_audit_log_fits_the_sessions(sampled: Engine):
    odd = """SELECT count(*) FROM sessions WHERE last_seen_at < created_at OR ended_at < created_at
        OR ended_at < last_seen_at OR quarantined_at < last_seen_at"""
    assert rows(sampled, odd)[0][0] == 0
    unordered = (
        "SELECT count(*) FROM (SELECT at < lag(at) OVER (ORDER BY id) AS back FROM audit_log) a WHERE back"
    )
    assert rows(sampled, unordered)[0][0] == 0
    pairs = """SELECT count(*) FROM sessions s WHERE issued <> (
        SELECT count(*) FROM session_credentials c WHERE c.session_id = s.id)"""
    assert rows(sampled, pairs)[0][0] == 0


def test_every_revocation_was_told_and_one_took_long(sampled: Engine):
    found = rows(
        sampled, "SELECT done_at - created_at, attempts FROM revocation_outbox ORDER BY attempts DESC"
    )
    assert len(found) > 100
    assert None not in [waited for waited, _ in found]
    assert found[0][1] == 7
    assert found[0][0].total_seconds() > 60


def test_quarantine_dismissed_flags_and_rules(sampled: Engine):
    held = rows(sampled, "SELECT quarantine_reason, ended_at FROM sessions WHERE quarantined_at IS NOT NULL")
    assert {reason for reason, _ in held} == {"other_browser", "suspected_theft"}
    assert {ended for _, ended in held} == {None}
    acts = Counter(
        event for (event,) in rows(sampled, "SELECT event FROM audit_log WHERE event ~ '^session_[qr]'")
    )
    assert acts["session_quarantined"] == len(held) + acts["session_released"]
    assert rows(sampled, "SELECT count(*) FROM session_flags WHERE dismissed_at IS NOT NULL") == [(4,)]
    rules = (
        "SELECT network, device, until > now() AND lifted_at IS NULL FROM standing_rules ORDER BY created_at"
    )
    (_, device, over), (network, _, in_force) = rows(sampled, rules)
    assert (device, over, str(network), in_force) == ("headlesschrome", False, "203.0.113.192/26", True)


def test_a_replay_shows_where_the_second_holder_appeared(sampled: Engine):
    forked = """SELECT count(*) FROM sessions s WHERE end_reason = 'replayed' AND EXISTS (
        SELECT 1 FROM session_credentials c WHERE c.session_id = s.id AND c.number > 1
          AND c.seen_address <> s.address)"""
    assert rows(sampled, forked)[0][0] > 3


def test_every_flag_has_its_audit_row(sampled: Engine):
    silent = """SELECT f.kind FROM session_flags f WHERE NOT EXISTS (
        SELECT 1 FROM audit_log a WHERE a.session_id = f.session_id AND a.event = f.kind)"""
    assert rows(sampled, silent) == []


def test_the_audit_log_can_be_sealed_and_is_intact(apps: dict[str, Any], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sample, "COUNT", 500)
    db, key = apps["admin"].services.db, AuditKey("11111111", b"k" * 32)
    with db.transaction() as connection:
        sample.seed(connection, USERS, random.Random(7))
    while audit_chain.seal(db, key):
        pass
    verdict = audit_chain.verify(db, [key])
    assert verdict.bad is None
    assert verdict.good > 1_000


def test_addresses_are_for_documentation(sampled: Engine):
    foreign = """SELECT DISTINCT address FROM session_places WHERE NOT (address <<= '192.0.2.0/24' OR
      address <<= '198.51.100.0/24' OR address <<= '203.0.113.0/24' OR address <<= '2001:db8::/32')"""
    assert rows(sampled, foreign) == []
