"""The benchmark's own statement, which no other test would miss when a column changes."""

import runpy
from pathlib import Path

from shopforum.sessions import live

BENCH = Path(__file__).parents[2] / "bench" / "__main__.py"


def test_the_sessions_of_others_that_the_benchmark_writes_are_live(sql):
    sql(runpy.run_path(str(BENCH), run_name="bench")["OTHER_SESSIONS"], n=3)
    [row] = sql(
        f"SELECT count(*) AS n FROM sessions s JOIN session_credentials c ON c.session_id = s.id WHERE {live.LIVE}"
    )
    assert row["n"] == 3
