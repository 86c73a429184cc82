"""Every kind of page of the console, in light and dark, wide and narrow. What is looked at: see `Inspector`."""

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


def test_console(sites, inspect, monkeypatch):
    flagged, replayed = seed_console(sites, monkeypatch)
    with inspect("admin", "viewer") as pages:
        for path in (
            "/",
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
