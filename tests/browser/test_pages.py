"""Every kind of page, in light and dark, wide and narrow: axe finds nothing, nothing scrolls sideways, nothing is too
small or too heavy, and nothing comes from elsewhere. See `Inspector`.
"""

import random
from uuid import UUID

from browser.visits import fill_in_login
from support import person

from shopforum.admin import sample as admin_sample
from shopforum.forums import sample as forums_sample
from shopforum.sample.crowd import crowd
from shopforum.store import sample as store_sample

PEOPLE = [(p.id, p.name, p.email) for p in crowd(random.Random(3), 20)]


def seed(sites, site, module, people):
    with sites.apps[site].registry.db.transaction() as connection:
        module.seed(connection, people, random.Random(5))


def send(pages, selector, **fields):
    """Send a form with these values as they are, whatever its controls would make of them."""
    with pages.page.expect_navigation():
        pages.page.locator(selector).evaluate(
            """(form, fields) => {
                for (const [name, value] of Object.entries(fields)) {
                    for (const old of form.querySelectorAll(`[name=${name}]`)) old.remove();
                    form.append(Object.assign(document.createElement("input"), {type: "hidden", name, value}));
                }
                form.noValidate = true;
                form.submit();
            }""",
            fields,
        )


def test_store_for_visitors(sites, inspect):
    there, gone = (
        sites.sql(f"SELECT slug, name FROM products WHERE stock {how} ORDER BY slug LIMIT 1")[0]
        for how in ("> 2", "= 0")
    )
    with inspect("store") as pages:
        for path in ("/", "/products", "/products?q=steel", "/products?q=unheard-of"):
            pages.visit(path)
        pages.visit(f"/products/{gone['slug']}")
        pages.visit(f"/products/{there['slug']}")
        send(pages, "form[action='/shopping-cart/items']", quantity="0")
        pages.look(422)
        pages.page.goto(f"{pages.url}/products/{there['slug']}")
        pages.press("Add to cart")
        pages.look()
        pages.visit("/nothing", 404)
        pages.visit("/account/sessions?next=seen")


def test_store_for_shoppers(sites, inspect, idp):
    seed(sites, "store", store_sample, [UUID(person("member").id)])
    with inspect("store", "shopper") as pages:
        pages.visit("/shopping-cart")
        pages.visit("/orders")
    with inspect("store", "member") as pages:
        pages.visit("/shopping-cart")
        pages.page.get_by_label("Quantity of").first.fill("")
        with pages.page.expect_navigation():
            pages.page.keyboard.press("Enter")
        pages.look(422)
        [gone] = sites.sql(
            "SELECT p.name FROM cart_lines l JOIN carts c ON c.id = l.cart_id JOIN products p ON p.id = l.product_id"
            " WHERE p.stock = 0 AND c.user_id = :me",
            me=person("member").id,
        )
        pages.page.get_by_label("Quantity of").first.fill("1")
        pages.press(f"Save for later: {gone['name']}")
        pages.look()
        pages.visit("/checkout")
        for name in ("Full name", "Street and number", "Postal code"):
            pages.page.get_by_label(name).fill("")
        pages.press("Place order")
        pages.look(422)
        for name, value in (
            ("Full name", "Mia Marsh"),
            ("Street and number", "Canal Street 17"),
            ("Postal code", "1011 AB"),
        ):
            pages.page.get_by_label(name).fill(value)
        sites.sql("UPDATE products SET price_minor = price_minor + 100")
        pages.press("Place order")
        pages.look(409)
        pages.press("Place order")
        pages.look()
        pages.visit("/orders")
        sites.sql("UPDATE sessions SET idle_end = now() - interval '1 second'")
        idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
        pages.visit("/orders", 503)


def seed_forums(sites):
    logins = [
        (UUID(person(who).id), f"{person(who).first_name} {person(who).last_name}")
        for who in ("member", "moderator")
    ]
    seed(sites, "forums", forums_sample, [*logins, *((user_id, name) for user_id, name, _ in PEOPLE)])


def test_forums_for_visitors(sites, inspect):
    with inspect("forums") as pages:
        for path in ("/", "/moderation"):
            pages.visit(path)
    seed_forums(sites)
    [busy] = sites.sql("SELECT id FROM forum_topics ORDER BY post_count DESC LIMIT 1")
    [locked] = sites.sql("SELECT id FROM forum_topics WHERE locked ORDER BY id LIMIT 1")
    [edited] = sites.sql("SELECT id FROM forum_posts WHERE edit_count > 0 ORDER BY id LIMIT 1")
    with inspect("forums") as pages:
        for path in ("/", "/categories/kitchen", f"/topics/{busy['id']}-", f"/topics/{busy['id']}-?page=2"):
            pages.visit(path)
        pages.visit(f"/topics/{locked['id']}-")
        pages.visit(f"/posts/{edited['id']}/history")
        for path in ("/search", "/search?q=coffee", "/search?q=unheard-of", "/moderation"):
            pages.visit(path)
        pages.visit("/nothing", 404)


def test_forums_for_members(sites, inspect):
    with inspect("forums", "member") as pages:
        pages.visit("/posts")
        seed_forums(sites)
        [topic] = sites.sql(
            "SELECT id FROM forum_topics WHERE NOT locked AND post_count BETWEEN 3 AND 9 ORDER BY id LIMIT 1"
        )
        [other] = sites.sql(
            "SELECT id FROM forum_posts WHERE topic_id = :t AND author_id <> :me ORDER BY id LIMIT 1",
            t=topic["id"],
            me=person("member").id,
        )
        pages.visit("/")
        pages.visit("/posts")
        pages.visit("/moderation/flags", 403)
        pages.visit("/categories/kitchen/topics")
        pages.press("Post topic")
        pages.look(422)

        pages.visit(f"/posts/{other['id']}/flag")
        pages.press("Send report")
        pages.look(422)

        pages.visit(f"/topics/{topic['id']}-?post={other['id']}&quote={other['id']}")
        reply = pages.page.get_by_label("Your reply")
        reply.fill("")
        pages.press("Post reply")
        pages.look(422)
        reply.fill("A **thought** about [this](https://example.com).\n\n> quoted\n\n- one\n- two\n\n    code")
        pages.press("Preview")
        pages.look()
        pages.press("Post reply")
        pages.look()
        reply.fill("And one more.")
        pages.press("Post reply")
        pages.look(429)

        [mine] = sites.sql(
            "SELECT id FROM forum_posts WHERE author_id = :me ORDER BY id DESC LIMIT 1",
            me=person("member").id,
        )
        pages.visit(f"/posts/{mine['id']}")
        text = pages.page.get_by_label("Text")
        text.fill("")
        pages.press("Save changes")
        pages.look(422)
        text.fill("Another thought.")
        sites.sql("UPDATE forum_posts SET edit_count = edit_count + 1 WHERE id = :id", id=mine["id"])
        pages.press("Save changes")
        pages.look(409)

        pages.page.goto(f"{pages.url}/topics/{topic['id']}-")
        reply.fill("Too late.")
        sites.sql("UPDATE forum_topics SET locked = true WHERE id = :id", id=topic["id"])
        pages.press("Post reply")
        pages.look(409)


def test_forums_for_moderators(sites, inspect):
    with inspect("forums", "moderator") as pages:
        pages.visit("/moderation/flags")
        seed_forums(sites)
        [flagged] = sites.sql(
            "SELECT post_id AS id FROM forum_flags WHERE settled_at IS NULL ORDER BY id LIMIT 1"
        )
        [topic] = sites.sql("SELECT topic_id AS id FROM forum_posts WHERE id = :id", id=flagged["id"])
        pages.visit("/moderation/flags")
        pages.visit("/moderation/categories")
        pages.press("Add category")
        pages.look(422)
        pages.visit(f"/posts/{flagged['id']}/moderate")
        pages.press("Confirm")
        pages.look(422)
        pages.visit(f"/topics/{topic['id']}/moderate")
        pages.visit(f"/topics/{topic['id']}-")


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
        ):
            pages.visit(path)
        pages.visit("/sessions?ip=somewhere", 422)
        pages.visit("/audit?user=somebody", 422)


def test_console_where_sessions_are_ended(sites, inspect, monkeypatch):
    flagged, _ = seed_console(sites, monkeypatch)
    [failing] = sites.sql(
        "UPDATE revocation_outbox SET done_at = NULL, attempts = 6, last_error = 'FusionAuth did not answer' "
        "WHERE id = (SELECT max(id) FROM revocation_outbox) RETURNING revocation_id AS id"
    )
    with inspect("admin", "owner") as pages:
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


def test_login_pages(sites, inspect, idp):
    idp.hook("user", email=person("owner").email, twoFactor=True)
    with inspect("admin") as pages:
        pages.visit("/login?next=/audit&why=expired")
        fill_in_login(pages.page, "owner")
        pages.look()
        pages.press("Log in")
        pages.look(422)
    with inspect("store") as pages:
        pages.visit("/login")
        pages.press("Log in")
        pages.look(422)
        idp.hook("fail", path="/api/login", times=1, status=503)
        fill_in_login(pages.page, "member")
        pages.look(503)
        while pages.last.status != 429:
            fill_in_login(pages.page, "member", "wrong")
        pages.look(429)
        send(pages, "form.panel", csrf_token="")
        pages.look(403)


def test_what_was_typed_and_own_devices(sites, inspect, somebody):
    seed_forums(sites)
    [topic] = sites.sql("SELECT id FROM forum_topics WHERE NOT locked ORDER BY id LIMIT 1")
    with inspect("forums", "member") as pages:
        pages.page.goto(f"{pages.url}/topics/{topic['id']}-")
        pages.page.get_by_label("Your reply").fill("Nothing of this is lost.")
        sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
        pages.press("Post reply")
        assert "/login?next=%2Fresume" in pages.page.url, pages.last.status
        fill_in_login(pages.page, "member")
        pages.look()
        pages.visit("/account/sessions")
        with inspect("forums", "member"):
            pages.visit("/account/sessions")
        pages.visit("/login?why=fresh")
