"""The witness: rows of the audit log that a failover or a restore has lost are missed, and what follows is safe."""

from pathlib import Path
from typing import Any

import pytest
from session_fixtures import THIEF, SessionCore
from sqlalchemy import text

from shopforum.core.settings import SettingsError
from shopforum.sessions import Reason, Scope, audit_chain, jobs
from shopforum.sessions.audit import Client
from shopforum.sessions.witness import Witness, raise_alarm

WORKER = Client(None, "the worker of the tests")


def lose(core: SessionCore, after: int) -> None:
    """As after a failover to a standby that was behind: the newest rows are gone, and the chain is intact."""
    with core.sessions.db.transaction() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM audit_log WHERE seq > :after OR seq IS NULL"), {"after": after})
        connection.execute(
            text("UPDATE audit_head SET seq = :after, mac = (SELECT mac FROM audit_log WHERE seq = :after)"),
            {"after": after},
        )


@pytest.fixture
def seen(core: SessionCore, tmp_path: Path) -> Witness:
    """A witness in a file that has seen two heads: after one login and after two."""
    witness = Witness(tmp_path / "heads")
    for name in ("ann", "ben"):
        core.log_in(name)
        jobs.seal(core.sessions)
        assert witness.look(core.sessions.db) is None
    return witness


def test_a_log_that_grows_is_whole(core: SessionCore, seen: Witness) -> None:
    core.log_in("carol")
    assert seen.look(core.sessions.db) is None
    jobs.seal(core.sessions)
    assert seen.look(core.sessions.db) is None
    assert seen.newest == audit_chain.head(core.sessions.db)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("longer", [False, True])
def test_a_lost_end_is_missed_though_the_chain_is_intact(
    core: SessionCore, seen: Witness, restarted: bool, longer: bool
) -> None:
    """Also where the log has grown past the number of the lost row since."""
    witnessed = seen.newest
    [kept] = core.sql("SELECT at FROM audit_log WHERE seq = 1")
    lose(core, 1)
    if longer:
        for name in ("carol", "dora"):
            core.log_in(name)
        jobs.seal(core.sessions)
    assert audit_chain.verify(core.sessions.db, core.sessions.config.secrets.audit_keys).ok
    loss = (Witness(seen.path) if restarted else seen).look(core.sessions.db)
    assert loss is not None
    assert (loss.kept, loss.witnessed, loss.rows, loss.since) == (1, witnessed, 1, kept["at"])


def test_a_restore_behind_all_that_is_remembered(core: SessionCore, seen: Witness) -> None:
    seen.reset(audit_chain.head(core.sessions.db))
    lose(core, 1)
    loss = seen.look(core.sessions.db)
    assert loss is not None
    assert (loss.kept, loss.rows) == (1, 1)


def test_sessions_used_since_the_loss_ask_for_the_password(core: SessionCore, seen: Witness) -> None:
    """A revocation was acknowledged and is lost: the thief's session is alive again."""
    idle, _ = core.log_in("idle")
    stolen, outcome = core.log_in("eve", THIEF)
    # The sessions of the fixture are in use, too.
    core.age("sessions.last_seen_at", 3600, "user_name = 'Idle'")
    jobs.seal(core.sessions)
    assert seen.look(core.sessions.db) is None
    kept = audit_chain.head(core.sessions.db).seq
    core.sessions.revoke(Scope(sessions=(outcome.session.id,)), Reason("admin", "a", "incident"), WORKER)
    jobs.seal(core.sessions)
    assert seen.look(core.sessions.db) is None
    lose(core, kept)
    core.sql("UPDATE sessions SET ended_at = NULL, end_reason = NULL, revocation_id = NULL")
    assert core.resume(stolen, THIEF).session is not None

    loss = seen.look(core.sessions.db)
    assert loss is not None
    assert raise_alarm(core.sessions.db, loss, put_into_quarantine=True, client=WORKER) == 3
    assert core.resume(stolen, THIEF).session is None
    assert core.resume(idle).session is not None
    [event] = core.sql("SELECT detail FROM audit_log WHERE event = 'audit_rows_lost'")
    assert (event["detail"]["kept"], event["detail"]["rows"]) == (kept, 1)
    # Another worker that misses the same rows leaves it at this alarm.
    assert raise_alarm(core.sessions.db, loss, put_into_quarantine=True, client=WORKER) is None
    seen.reset(audit_chain.head(core.sessions.db))
    assert seen.look(core.sessions.db) is None


def test_without_the_setting_only_the_alarm_is_raised(core: SessionCore, seen: Witness) -> None:
    lose(core, 1)
    loss: Any = seen.look(core.sessions.db)
    assert raise_alarm(core.sessions.db, loss, put_into_quarantine=False, client=WORKER) == 0
    assert core.sql("SELECT 1 FROM sessions WHERE quarantined_at IS NOT NULL") == []


def test_a_file_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("no head\n")
    with pytest.raises(SettingsError, match="does not hold heads"):
        Witness(tmp_path / "heads")
    with pytest.raises(SettingsError, match="cannot be used"):
        Witness(tmp_path)
