"""Sessions of every state go through the migrations that changed what a session is: 0008 (a tree of pairs) and 0009 (a
counter in place of clocks). They are written as version 0007 did, and read by the session core of today.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2
import pytest
from session_fixtures import OWNER, SECRET, Provider, SessionCore

from shopforum.core import migrations
from shopforum.core.database import Database
from shopforum.core.engine import create_engine
from shopforum.sessions import Sessions, config, jobs
from shopforum.sessions.keyring import Keyring, new_session_id
from shopforum.sessions.model import Pair

OLD = "0007_api"

_SESSION = """INSERT INTO sessions (id, site, user_id, user_name, user_email, roles, refresh_token_id, authenticated_at,
    cleared_at, absolute_end, idle_end, last_seen_at, address, agent, last_address, last_agent, generation, issued, issued_at,
    previous, floor, promoted_at, {more})
  VALUES (%(id)s, %(site)s, %(user)s, 'Ann', 'ann@example.com', '{{shopper}}', %(token_id)s,
    now() - %(hours)s * interval '1 hour', now() - %(hours)s * interval '1 hour' + %(cleared)s * interval '1 second',
    now() + interval '20 days', now() + interval '25 minutes', now(), '192.0.2.10', 'Firefox of the owner', '192.0.2.10',
    'Firefox of the owner', %(generation)s, %(issued)s, now() - interval '5 minutes', %(generation)s - 1,
    %(generation)s - 2, now() - %(rotated)s * interval '1 second', {values})"""

_PAIR = """INSERT INTO session_credentials (session_hash, session_id, generation, refresh_hash, why, created_at, seen_at)
  VALUES (%s, %s, %s, %s, %s, now() - interval '30 minutes', CASE WHEN %s THEN now() - interval '5 minutes' END)"""

_GATE = """WITH act AS (
    INSERT INTO revocations (created_at, scope, site, user_id, initiating_entity, actor, reason_code, matched, marked_at)
    VALUES (now() - %(hours)s * interval '1 hour', %(scope)s, %(site)s, %(user)s, 'admin', 'carol@example.com', 'incident',
      0, CASE WHEN %(marked)s THEN now() END) RETURNING id, created_at)
  INSERT INTO revocation_gates (key, not_before, revocation_id) SELECT %(key)s, created_at, id FROM act"""


class OldStore:
    """A database at version 0007, and the pairs of cookies that its browsers hold."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor
        self.pairs: dict[str, list[Pair]] = {}
        self._keys = Keyring([SECRET])

    def session(
        self,
        name: str,
        *,
        shown: int = 1,
        issued: int = 1,
        site: str = "store",
        user: uuid.UUID | None = None,
        hours: float = 1,
        cleared: float = 0,
        rotated: float = 300,
        tokens: tuple[str, ...] = (),
        **more: str,
    ) -> None:
        """A session with so many pairs issued, the first `shown` of them shown. `cleared`: seconds after the login. `rotated`: seconds ago. `tokens`:
        the refresh token of each pair, where they differ. `more`: further columns, as SQL.
        """
        columns = ", ".join(["refresh_count", *more])
        values = ", ".join(["0", *more.values()])
        row = {"id": str(uuid.uuid4()), "site": site, "user": str(user or uuid.uuid4())}
        row |= {
            "token_id": str(uuid.uuid4()),
            "hours": hours,
            "cleared": cleared,
            "rotated": rotated,
            "generation": shown,
            "issued": issued,
        }
        self.cursor.execute(_SESSION.format(more=columns, values=values), row)
        tokens = tokens or ("refresh-token-of-" + name.replace(" ", "-"),) * issued
        self.pairs[name] = [Pair(new_session_id(), token) for token in tokens]
        for number, pair in enumerate(self.pairs[name], 1):
            why = "login" if number == 1 else "rotation"
            session_hash = self._keys.digest(site, "session", pair.session_id or "")
            refresh_hash = self._keys.digest(site, "refresh", pair.refresh_token or "")
            self.cursor.execute(_PAIR, (session_hash, row["id"], number, refresh_hash, why, number <= shown))

    def gate(
        self,
        key: str,
        scope: str,
        hours: float,
        *,
        site: str | None = None,
        user: uuid.UUID | None = None,
        marked: bool,
    ) -> None:
        """A gate that closed so many hours ago. Not `marked`: the rows behind it were never marked."""
        user_id = str(user) if user else None
        row = {"key": key, "scope": scope, "hours": hours, "site": site, "user": user_id, "marked": marked}
        self.cursor.execute(_GATE, row)


@pytest.fixture
def old(empty_database: str) -> OldStore:
    """Sessions of every state at version 0007."""
    migrations.upgrade(empty_database, OLD)
    with closing(psycopg2.connect(empty_database)) as connection, connection, connection.cursor() as cursor:
        store, gated = OldStore(cursor), uuid.uuid4()
        store.gate("everyone", "everyone", 8, marked=False)
        store.gate(f"user:{gated}", "user", 6, user=gated, marked=False)
        store.gate("site:forums", "site", 4, site="forums", marked=True)
        store.session("fresh")
        store.session("handed out", shown=1, issued=2)
        store.session("handed out twice", shown=1, issued=3)
        store.session("rotated", shown=2, issued=2)
        store.session("just rotated", shown=2, issued=2, rotated=5)
        store.session(
            "refreshed", shown=2, issued=2, tokens=("token-before", "token-after"), refreshed_at="now()"
        )
        store.session("ended", ended_at="now()", end_reason="'logout'")
        store.session("quarantined", quarantined_at="now()", quarantine_reason="'doubt'")
        store.session("behind everyone's gate", hours=9)
        store.session("behind a user's gate", hours=7, user=gated)
        store.session("behind a site's gate", hours=5, site="forums")
        store.session("excepted", hours=9, cleared=3600.000001)
        store.session("a user after the gate", hours=5, user=gated)
        store.session("at the forums after the gate", hours=3, site="forums")
    return store


@pytest.fixture
def cores(empty_database: str) -> Callable[[], Any]:
    """`with cores() as core_of: core_of("store")`: the session core over the migrated database."""

    @contextmanager
    def make() -> Iterator[Callable[[str], SessionCore]]:
        engine, provider = create_engine(empty_database, 2), Provider()

        def core_of(site: str) -> SessionCore:
            parsed = config.parse(
                {"sessions.secret": SECRET, "sessions.sites": "store forums", "sessions.site": site}
            )
            return SessionCore(Sessions(Database(engine), parsed, provider), provider)

        yield core_of
        engine.dispose()

    return make


def test_sessions_of_every_state_go_on_as_they_were(old, cores, empty_database):
    migrations.upgrade(empty_database)
    with cores() as core_of:
        store, forums = core_of("store"), core_of("forums")

        def served(name, number=0, core=store):
            return core.resume(old.pairs[name][number]).session is not None

        assert served("fresh")
        assert served("handed out", 0), "its browser has not shown the successor"
        assert served("handed out", 1), "the successor takes over"
        facts = store.facts(old.pairs["handed out"][1], OWNER)
        assert facts is not None
        assert facts.head == 2
        assert served("handed out", 0), "it was on its way"
        assert served("handed out twice", 2)
        assert served("just rotated", 0), "it was on its way"
        assert served("just rotated", 1)
        assert served("rotated", 1)
        assert store.resume(old.pairs["rotated"][0]).ended == "replayed"
        assert not served("rotated", 1)
        assert served("refreshed", 1)
        assert store.resume(old.pairs["refreshed"][0]).ended == "replayed"
        assert store.resume(old.pairs["ended"][0]).ended == "logout"
        assert store.resume(old.pairs["quarantined"][0]).ended == "quarantined"
        assert not served("behind everyone's gate")
        assert not served("behind a user's gate")
        assert not served("behind a site's gate", core=forums)
        assert served("excepted")
        assert served("a user after the gate")
        assert served("at the forums after the gate", core=forums)
        _, later = store.log_in("bob")
        assert store.resume(later.issue).session is not None, "no gate of before ends a new login"


def test_the_sweep_finishes_a_revocation_that_was_open(old, cores, empty_database):
    migrations.upgrade(empty_database)
    with cores() as core_of:
        core = core_of("store")
        for _ in range(3):
            jobs.run_once(core.sessions)
        acts = core.sql(
            "SELECT scope, matched, marked_at IS NOT NULL AS marked FROM revocations ORDER BY created_at"
        )
        assert [tuple(act.values()) for act in acts] == [
            ("everyone", 1, True),
            ("user", 0, True),
            ("site", 0, True),
        ]
        ended = core.sql("SELECT count(*) AS n FROM sessions WHERE end_reason = 'incident'")
        assert ended == [{"n": 2}], "the one behind everyone's gate and the one behind the user's"
        assert core.resume(old.pairs["excepted"][0]).session is not None


def test_the_way_back_and_forth_again_keeps_what_is_good(old, cores, empty_database):
    migrations.upgrade(empty_database)
    migrations.downgrade(empty_database, OLD)
    assert migrations.current(empty_database) == OLD
    migrations.upgrade(empty_database)
    with cores() as core_of:
        core = core_of("store")
        for name, number in [
            ("fresh", 0),
            ("handed out", 1),
            ("rotated", 1),
            ("refreshed", 1),
            ("excepted", 0),
        ]:
            assert core.resume(old.pairs[name][number], OWNER).session is not None, name
        for name in ("ended", "behind everyone's gate", "behind a user's gate"):
            assert core.resume(old.pairs[name][0], OWNER).session is None, name
