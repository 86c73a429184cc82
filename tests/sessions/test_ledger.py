"""The audit log's chain: whoever changes, removes, slips in or cuts is named."""

import pytest
from hearts import OWNER, THIEF, together
from sqlalchemy.exc import DBAPIError

from shopforum.sessions import Reason, Scope, audit_chain, jobs
from shopforum.sessions.model import Pair


@pytest.fixture
def log(heart):
    """A heart with a little history, sealed."""
    for name in ("ann", "bob", "cem"):
        pair, outcome = heart.log_in(name)
        heart.resume(Pair(pair.session_id, None), THIEF)
        heart.sessions.revoke(
            Scope(sessions=(outcome.session.id,)), Reason("admin", "carol", "test", "é\n\x1b"), OWNER
        )
    assert jobs.seal(heart.sessions).seq == 9
    return heart


def verdict(heart, witness=None):
    return audit_chain.verify(heart.sessions.db, heart.sessions.config.secrets.audit_keys, witness)


def tamper(heart, statement):
    """As whoever owns the database would: with the guards off."""
    with heart.sessions.db.transaction() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(statement)


def test_an_untouched_log_is_good(log):
    assert (verdict(log).bad, verdict(log).good) == (None, 9)
    assert jobs.seal(log.sessions) is None


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE audit_log SET actor = 'mallory' WHERE seq = 5", 5),
        ("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 4", 4),
        ("UPDATE audit_log SET detail = '{}' WHERE seq = 9", 9),
        ("UPDATE audit_log SET address = NULL WHERE seq = 1", 1),
        ("DELETE FROM audit_log WHERE seq = 3", 3),
        ("DELETE FROM audit_log WHERE seq = 1", 1),
        ("DELETE FROM audit_log WHERE seq > 6", 7),
        ("DELETE FROM audit_log", 1),
        (
            (
                "INSERT INTO audit_log (event, site, initiating_entity, seq, mac) SELECT 'forged', 'store', 'admin', 10, mac "
                "FROM audit_log WHERE seq = 9"
            ),
            10,
        ),
        ("UPDATE audit_log SET seq = seq + 1 WHERE seq = 9", 9),
        ("UPDATE audit_head SET seq = 8", 10),
    ],
)
def test_the_first_bad_row_is_named(log, statement, bad):
    tamper(log, statement)
    assert verdict(log).bad == bad


def test_a_row_slipped_into_the_past_is_found(log):
    tamper(log, "UPDATE audit_log SET seq = seq + 100 WHERE seq >= 5")
    tamper(log, "UPDATE audit_log SET seq = seq - 99 WHERE seq >= 105")
    tamper(
        log,
        "INSERT INTO audit_log (event, site, initiating_entity, seq, mac) SELECT 'forged', 'store', 'admin', 5, mac "
        "FROM audit_log WHERE seq = 4",
    )
    assert verdict(log).bad == 5


def test_a_cut_end_with_a_matching_head_contradicts_the_witness(log):
    witness = audit_chain.head(log.sessions.db)
    tamper(log, "UPDATE audit_head SET seq = 6, mac = (SELECT mac FROM audit_log WHERE seq = 6)")
    tamper(log, "DELETE FROM audit_log WHERE seq > 6")
    assert verdict(log).bad is None  # nothing inside the database can tell
    assert verdict(log, witness).bad == 7


def test_a_chain_rebuilt_without_the_key_is_found(log):
    witness = audit_chain.head(log.sessions.db)
    tamper(log, "UPDATE audit_log SET actor = 'mallory' WHERE seq = 2")
    tamper(log, "UPDATE audit_log SET seq = NULL, mac = NULL")
    tamper(log, "UPDATE audit_head SET seq = 0, mac = decode(repeat('00', 32), 'hex')")
    audit_chain.seal(log.sessions.db, b"a key that is not ours")
    assert verdict(log).bad == 1
    jobs.seal(log.sessions)
    assert verdict(log, witness).bad == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET actor = 'mallory'",
        "UPDATE audit_log SET seq = NULL, mac = NULL",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ],
)
def test_the_application_cannot_change_what_it_wrote(log, statement):
    with pytest.raises(DBAPIError, match="append-only"):
        log.sql(statement)
    assert verdict(log).bad is None


def test_an_unsealed_row_may_be_sealed_and_nothing_else(heart):
    heart.log_in()
    with pytest.raises(DBAPIError, match="append-only"):
        heart.sql("UPDATE audit_log SET seq = 1, mac = '\\x00', actor = 'mallory'")


def test_sealers_at_once_and_writers_meanwhile_make_one_chain(heart):
    def write():
        for number in range(10):
            heart.log_in(f"user{number}")

    def seal():
        for _ in range(20):
            jobs.seal(heart.sessions)

    together(write, write, seal, seal, seal)
    while jobs.seal(heart.sessions):
        pass
    assert (verdict(heart).bad, verdict(heart).good) == (None, 20)
