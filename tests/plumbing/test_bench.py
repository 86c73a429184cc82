"""The benchmark's own sessions, which no other test would miss when a column changes."""

import sys
from pathlib import Path

from sqlalchemy import text

from shopforum.core.engine import create_unpooled_engine
from shopforum.sessions import live

ROOT = Path(__file__).parents[2]


def test_the_sessions_that_the_benchmark_writes_are_as_it_says(server, database_url, worker_id, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delitem(sys.modules, "bench", raising=False)
    from bench import fill

    url = server.create(f"test_bench_{worker_id}", template="template_shopforum")
    indexes = text("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'")
    engine = create_unpooled_engine(url)
    with engine.begin() as connection:
        before = connection.execute(indexes).scalar_one()
    fill.fill(url, 1000)
    counted = text(
        f"""SELECT count(*) AS sessions, count(*) FILTER (WHERE {live.LIVE}) AS live,
          count(*) FILTER (WHERE {live.LIVE} AND address <<= '{fill.CROWD}') AS crowd,
          count(*) FILTER (WHERE agent = '{fill.RARE_AGENT}') AS rare
        FROM sessions s JOIN session_credentials c ON c.session_id = s.id"""
    )
    with engine.begin() as connection:
        found = dict(connection.execute(counted).mappings().one())
        assert connection.execute(indexes).scalar_one() == before
    engine.dispose()
    server.drop(f"test_bench_{worker_id}")
    live_ones = found.pop("live")
    assert found == {"sessions": 1000, "crowd": 10, "rare": fill.RARE}
    assert 150 < live_ones < 350
