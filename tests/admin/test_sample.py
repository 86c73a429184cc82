from collections import Counter
from typing import Any

from sqlalchemy import Engine, text

from shopforum.admin import words


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
    assert kinds == set(words.FLAGS)
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


def test_the_story_fits_the_sessions(sampled: Engine):
    odd = "SELECT count(*) FROM sessions WHERE last_seen_at < created_at OR ended_at < created_at"
    assert rows(sampled, odd)[0][0] == 0
    unordered = (
        "SELECT count(*) FROM (SELECT at < lag(at) OVER (ORDER BY id) AS back FROM audit_log) a WHERE back"
    )
    assert rows(sampled, unordered)[0][0] == 0
    pairs = """SELECT count(*) FROM sessions s WHERE issued <> (
        SELECT count(*) FROM session_credentials c WHERE c.session_id = s.id)"""
    assert rows(sampled, pairs)[0][0] == 0


def test_every_revocation_told_the_provider_but_one(sampled: Engine):
    found = Counter(done for (done,) in rows(sampled, "SELECT done_at IS NOT NULL FROM revocation_outbox"))
    assert found[False] == 1
    assert found[True] > 100


def test_addresses_are_for_documentation(sampled: Engine):
    foreign = """SELECT DISTINCT address FROM session_places WHERE NOT (address <<= '192.0.2.0/24' OR
      address <<= '198.51.100.0/24' OR address <<= '203.0.113.0/24' OR address <<= '2001:db8::/32')"""
    assert rows(sampled, foreign) == []
