"""The audit chain: verification names the first row that was changed, removed, inserted or cut off."""

import uuid
from datetime import datetime, timedelta, timezone

import pytest
from session_fixtures import OWNER, THIEF, together
from sqlalchemy.exc import DBAPIError

from shopforum.sessions import Reason, Scope, audit_chain, jobs
from shopforum.sessions.keyring import AuditKey, Keyring
from shopforum.sessions.model import Pair


@pytest.fixture
def log(core):
    """A session core with a little history, sealed."""
    for name in ("ann", "bob", "cem"):
        pair, outcome = core.log_in(name)
        core.resume(Pair(pair.session_id, None), THIEF)
        core.sessions.revoke(
            Scope(sessions=(outcome.session.id,)), Reason("admin", "carol", "test", "é\n\x1b"), OWNER
        )
    assert jobs.seal(core.sessions).seq == 9
    return core


def verdict(core, witness=None):
    return audit_chain.verify(core.sessions.db, core.sessions.config.secrets.audit_keys, witness)


def tamper(core, statement):
    """As whoever owns the database would: with the guards off."""
    with core.sessions.db.transaction() as connection:
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
    audit_chain.seal(log.sessions.db, AuditKey(log.sessions.config.secrets.id, b"a key that is not ours"))
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


def test_an_unsealed_row_may_be_sealed_and_nothing_else(core):
    core.log_in()
    with pytest.raises(DBAPIError, match="append-only"):
        core.sql("UPDATE audit_log SET seq = 1, mac = '\\x00', actor = 'mallory'")


def test_sealers_at_once_and_writers_meanwhile_make_one_chain(core):
    def write():
        for number in range(10):
            core.log_in(f"user{number}")

    def seal():
        for _ in range(20):
            jobs.seal(core.sessions)

    together(write, write, seal, seal, seal)
    while jobs.seal(core.sessions):
        pass
    assert (verdict(core).bad, verdict(core).good) == (None, 20)


# A row as the log keeps it, and the seal that it has had since the first version.
KNOWN = {
    "id": 7,
    "at": datetime(2026, 11, 30, 4, 5, 6, 789012, tzinfo=timezone(timedelta(hours=1))),
    "event": "authn_token_revoked",
    "site": "store",
    "initiating_entity": "admin",
    "actor": "carol@example.com",
    "user_id": uuid.UUID(int=1),
    "session_id": None,
    "revocation_id": uuid.UUID(int=2),
    "address": "192.0.2.10",
    "agent": "Firefox",
    "request_id": "request-1",
    "detail": {"count": 2, "reason_admin": "é\n\x1b", "users": []},
}
SEAL = "78a04659a7e15ecf7cdcbd42eb7022b7e4a3212fcf3d78628e2cccf1ddce323c"


def test_a_known_row_has_its_known_seal():
    assert audit_chain.mac_of(b"k" * 32, bytes(32), 1, {"seq": 1, "mac": None, **KNOWN}).hex() == SEAL


def test_a_column_that_comes_later_leaves_the_seals_of_older_rows_good_and_is_sealed_itself():
    def seal(**more):
        return audit_chain.mac_of(b"k" * 32, bytes(32), 1, {**KNOWN, **more}).hex()

    assert seal(tenant=None) == SEAL
    assert len({SEAL, seal(tenant="a"), seal(tenant="b")}) == 3


def test_a_missing_key_is_named_and_is_no_tampering(log):
    """Rows 10 and on are sealed with a newer key. Without either of the two, the rows of the other are checked all the same."""
    old, new = (Keyring([f"{name}-key-of-the-tests-0123456789-0123456789"]) for name in ("old", "new"))
    tamper(log, "UPDATE audit_log SET seq = NULL, mac = NULL")
    tamper(log, "UPDATE audit_head SET seq = 0, mac = decode(repeat('00', 32), 'hex')")
    tamper(log, "DELETE FROM audit_keys")
    audit_chain.seal(log.sessions.db, old.audit_keys[0])
    log.log_in("ben")
    audit_chain.seal(log.sessions.db, new.audit_keys[0])
    both = [*new.audit_keys, *old.audit_keys]
    for keys, facts in [
        (both, (True, None, 10, 0, None)),
        (new.audit_keys, (False, None, 1, 9, old.id)),
        (old.audit_keys, (False, None, 9, 1, new.id)),
    ]:
        found = audit_chain.verify(log.sessions.db, keys)
        assert (found.ok, found.bad, found.good, found.unchecked, found.missing_key) == facts
    tamper(log, "UPDATE audit_log SET actor = 'mallory' WHERE seq = 10")
    assert audit_chain.verify(log.sessions.db, new.audit_keys).bad == 10
