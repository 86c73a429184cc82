"""Every kind of page of the console, in light and dark, wide and narrow. `Inspector` says what is checked."""

from browser.page_checks import PEOPLE, seed

from shopforum.dev.sample import sessions as admin_sample


def test_console_when_empty(sites, inspect):
    with inspect("admin", "viewer") as pages:
        for path in ("/", "/sessions?state=flagged", "/revocations", "/audit?event=session_revoked"):
            pages.visit(path, 422 if "event" in path else 200)
        pages.visit("/revoke-everyone", 403)
        pages.visit("/sessions/nothing", 404)


def seed_console(sites, monkeypatch):
    """Sample sessions; returns one that was flagged and still lives, and another user's that was replayed."""
    monkeypatch.setattr(admin_sample, "COUNT", 400)
    seed(sites, "admin", admin_sample, PEOPLE)
    [replayed] = sites.sql(
        "SELECT id, user_id FROM sessions WHERE end_reason = 'replayed' ORDER BY id LIMIT 1"
    )
    [flagged] = sites.sql(
        "SELECT s.id, s.user_id FROM sessions s JOIN session_flags f ON f.session_id = s.id"
        " WHERE s.ended_at IS NULL AND s.user_id <> :other ORDER BY s.id LIMIT 1",
        other=replayed["user_id"],
    )
    return flagged, replayed


ALARMS = (
    "A honey token was presented",
    "The database has lost at least 3 rows",
    "2 test revocations",
    "The identity provider has not confirmed 1 revocation message",
    "2 acts on many people went without a second owner, by ann@harbour.example, bob@harbour.example,",
    "1 code of an authenticator stood in for a password",
    "Open incident: Stuffing from",
    "1 request waits for a second owner",
    "FusionAuth and the sessions here disagree 4 times",
)


def raise_every_alarm(sites):
    """Let the dashboard have all of ALARMS to say."""
    for statement in (
        "INSERT INTO honey_tokens (hash, key_id, place, actor, hits, last_hit_at) VALUES ('x', '', 'nightly backup on host b2', 'a', 1, now())",
        """INSERT INTO audit_log (event, site, initiating_entity, actor, detail) VALUES
        ('audit_rows_lost', 'all', 'system', 'w', '{"rows": 3, "kept": 6212}'),
        ('acted_alone', 'all', 'admin', 'ann@harbour.example', '{}'), ('acted_alone', 'all', 'admin', 'bob@harbour.example', '{}'),
        ('break_glass_used', 'admin', 'admin', 'ann@harbour.example', '{}')""",
        "INSERT INTO canary_times (place, why) SELECT 'http://10.0.0.5:6543', 'still served after 0.2 s' FROM generate_series(1, 2)",
        "UPDATE revocation_outbox SET done_at = NULL, last_error = 'FusionAuth did not answer' WHERE id = (SELECT max(id) FROM revocation_outbox)",
        """INSERT INTO approvals (expires_at, kind, target, sessions, matched, people, exact, digest, actor, agent, request_id,
        reason_code, reason_admin, reason_user) VALUES (now() + interval '1 hour', 'revoke', '{"site": "store"}', '{}', 101, 101,
        true, '', 'ann@harbour.example', '', '', 'incident', '', '')""",
        "INSERT INTO drift_checks (actor, found, ended_at) VALUES ('', 4, now())",
    ):
        sites.sql(f"{statement} RETURNING 1")


def check_alarms(page):
    """All alarms, the most urgent first, a line each."""
    lines = page.get_by_role("list", name="Alarms").get_by_role("listitem")
    found = [text.strip() for text in lines.all_inner_texts()]
    assert [text[: len(said)] for text, said in zip(found, ALARMS, strict=True)] == list(ALARMS)
    assert max(lines.evaluate_all("all => all.map(one => one.getBoundingClientRect().height)")) < 40


def test_console(sites, inspect, monkeypatch):
    flagged, replayed = seed_console(sites, monkeypatch)
    raise_every_alarm(sites)
    with inspect("admin", "viewer") as pages:
        pages.visit("/")
        check_alarms(pages.page)
        for path in (
            "/sessions?state=flagged&site=store&device=firefox",
            "/sessions?user=nobody",
            f"/sessions/{replayed['id']}",
            f"/users/{flagged['user_id']}",
            "/revocations",
            "/audit",
            "/search?q=203.0.113.9",
        ):
            pages.visit(path)
        pages.visit(f"/explain?id={replayed['id']}")
        pages.visit("/explain?ip=somewhere", 422)
        pages.visit("/sessions?ip=somewhere", 422)
        pages.visit("/audit?session=somebody", 422)
        pages.visit("/revocations?since=somewhen", 422)


def test_console_where_sessions_are_ended(sites, inspect, monkeypatch):
    flagged, _ = seed_console(sites, monkeypatch)
    [failing] = sites.sql(
        "UPDATE revocation_outbox SET done_at = NULL, attempts = 6, last_error = 'FusionAuth did not answer' "
        "WHERE id = (SELECT max(id) FROM revocation_outbox) RETURNING revocation_id AS id"
    )
    with inspect("admin", "owner") as pages:
        pages.visit("/incidents?flag=other_browser")
        pages.press("Open the incident")
        pages.look(422)
        pages.page.get_by_label("Name", exact=True).fill("Copied cookies")
        pages.press("Open the incident")
        pages.look()
        incident = pages.page.url.partition("?")[0].rpartition("/")[2]
        pages.visit(f"/incidents/{incident}/contain")
        pages.press("Contain")
        pages.look()
        sites.sql(
            """INSERT INTO session_acts (session_id, user_id, site, kind, reference, address, agent, expires_at)
            SELECT id, user_id, site, kind, 'H-7KQ2M-X4WBT', host, agent, now() + interval '1 day' FROM sessions,
              (VALUES ('order_to_new_address', '198.51.100.66'::inet), ('post_written', NULL)) act (kind, host)
            WHERE revocation_id IS NOT NULL ORDER BY ended_at DESC LIMIT 100 RETURNING 1"""
        )
        pages.visit(f"/incidents/{incident}/acts")
        pages.visit("/sessions")
        pages.visit(f"/revocations/{failing['id']}")
        pages.visit("/revoke-everyone")
        pages.press("End all these sessions")
        pages.look(422)

        pages.visit(f"/sessions/{flagged['id']}")
        pages.visit(f"/users/{flagged['user_id']}")
        pages.press("End all, everywhere")
        pages.look()
        pages.press("End ")
        pages.look(422)
        pages.page.get_by_label("Reason").select_option("suspected_theft")
        sites.sql(
            "UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE id = :id", id=flagged["id"]
        )
        pages.press("End ")
        pages.look(409)
        pages.press("End ")
        pages.look()
        assert "/revocations/" in pages.page.url
