"""The audit log as a feed: whoever follows `next` meets every row once, in order, however many write at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from random import Random

from sqlalchemy import text

from shopforum.core.engine import create_engine
from shopforum.sessions import audit_chain

INSERT = text(
    "INSERT INTO audit_log (event, site, initiating_entity, actor) VALUES (:event, 'store', 'user', :actor)"
)


def written(apps, *actors, event="authz_fail"):
    services = apps["admin"].services
    for actor in actors:
        services.db.all(INSERT, event=event, actor=actor)


def actors(answer):
    return [event["actor"] for event in answer.json["events"] if event["type"] != "api_token_created"]


def test_events_come_in_order_with_a_cursor(call, apps):
    written(apps, "a", "b", "c")
    first = call("GET", "/events?limit=2", status=200)
    assert [event["id"] for event in first.json["events"]] == [1, 2]
    assert first.json["next"] == 2
    rest = call("GET", "/events?after=2", status=200)
    assert [event["id"] for event in rest.json["events"]] == [3, 4]
    assert actors(first) + actors(rest) == ["a", "b", "c"]
    end = call("GET", f"/events?after={rest.json['next']}", status=200)
    assert (end.json["events"], end.json["next"]) == ([], 4)


def test_a_row_is_there_in_the_next_call_without_any_worker(call, apps):
    written(apps, *(str(n) for n in range(700)))
    answer = call("GET", "/events?limit=1000", status=200)
    assert actors(answer) == [str(n) for n in range(700)]
    services = apps["admin"].services
    verdict = audit_chain.verify(services.db, services.sessions.config.secrets.audit_keys)
    assert (verdict.bad, verdict.good) == (None, 701)


def test_types_choose_and_the_cursor_goes_on_past_the_others(call, apps):
    written(apps, "a")
    written(apps, "b", event="session_created")
    written(apps, "c", event="session_logout")
    written(apps, "d", "e")
    answer = call("GET", "/events?types=session_created,session_logout", status=200)
    assert actors(answer) == ["b", "c"]
    assert answer.json["next"] == 6
    assert actors(call("GET", "/events?types=session_created,session_logout&limit=1", status=200)) == ["b"]
    assert actors(call("GET", "/events?after=3&types=session_created,session_logout", status=200)) == ["c"]


def test_a_revocation_tells_in_the_words_of_caep(call, started):
    one = started()
    reason = {"code": "incident", "text": "case 7", "user_text": "Please log in again."}
    call("POST", "/revocations", {"scope": {"session": str(one.id)}, "reason": reason}, 201)
    event = call("GET", "/events?types=authn_token_revoked", status=200).json["events"][0]
    assert event["caep"].endswith("/session-revoked")
    assert event["reason_admin"] == {"en": "case 7"}
    assert event["reason_user"] == {"en": "Please log in again."}
    assert (event["initiating_entity"], event["session_id"]) == ("admin", str(one.id))
    assert event["event_timestamp"] == int(datetime.fromisoformat(event["at"]).timestamp())


def test_lines_for_who_asks_for_lines(call, apps):
    written(apps, "a", "b")
    answer = call("GET", "/events", status=200, Accept="application/x-ndjson")
    assert answer.content_type == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["id"] for line in lines] == [1, 2, 3]
    for accept in ("*/*", "application/json", "", "application/x-ndjson;q=0.5, */*"):
        assert call("GET", "/events", status=200, Accept=accept).content_type == "application/json"
    both = "application/x-ndjson, application/json;q=0.9"
    assert call("GET", "/events", status=200, Accept=both).content_type == "application/x-ndjson"


def test_a_cursor_beyond_the_end_is_told(call, apps):
    written(apps, "a")
    assert call("GET", "/events?after=2", status=200).json["events"] == []
    call("GET", "/events?after=3", status=409)
    call("GET", f"/events?after={2**63 - 1}", status=409)
    call("GET", f"/events?after={2**63}", status=422)


def test_nothing_is_skipped_or_repeated_while_others_write(call, settings, apps):
    """Writers hold their transactions open for odd times and roll some back; two sealers and two readers at once."""
    engine = create_engine(settings("admin")["database.url"], 12)
    services = apps["admin"].services
    kept, ending, writers, each = [], threading.Event(), 6, 25

    def write(number):
        dice = Random(number)
        for n in range(each):
            actor, waits = f"{number}:{n}", dice.randrange(3)
            with engine.connect() as connection:
                connection.execute(text("BEGIN"))
                connection.execute(INSERT, {"event": "authz_fail", "actor": actor})
                connection.execute(text("SELECT pg_sleep(:s)"), {"s": waits / 500})
                keep = dice.random() < 0.8
                connection.execute(text("COMMIT" if keep else "ROLLBACK"))
            if keep:
                kept.append(actor)

    def seal():
        while not ending.is_set():
            audit_chain.seal(services.db, services.sessions.config.secrets.audit_keys[0])

    def follow(size):
        seen, after = [], 0
        while True:
            last = ending.is_set()
            answer = call("GET", f"/events?after={after}&limit={size}", status=200).json
            seen += answer["events"]
            after = answer["next"]
            if last and not answer["events"]:
                return seen

    with ThreadPoolExecutor(11) as pool:
        readers = [pool.submit(follow, size) for size in (7, 100)]
        sealers = [pool.submit(seal) for _ in range(2)]
        list(pool.map(write, range(writers)))
        ending.set()
        stories = [reader.result() for reader in readers]
        for sealer in sealers:
            sealer.result()
    engine.dispose()
    there = services.db.all(text("SELECT seq, actor FROM audit_log ORDER BY seq"))
    assert writers * each / 2 < len(kept) < writers * each
    assert sorted(row["actor"] for row in there if ":" in row["actor"]) == sorted(kept)
    for story in stories:
        assert [(event["id"], event["actor"]) for event in story] == [
            (row["seq"], row["actor"]) for row in there
        ]
    assert [row["seq"] for row in there] == list(range(1, len(there) + 1))
