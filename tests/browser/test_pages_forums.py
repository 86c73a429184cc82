"""Every kind of page of the forums, in light and dark, wide and narrow. `Inspector` says what is checked."""

from browser.page_checks import seed_forums
from support import person


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
        [followed] = sites.sql(
            "SELECT id FROM forum_topics WHERE author_id <> :me AND NOT hidden ORDER BY id LIMIT 1",
            me=person("member").id,
        )
        pages.page.goto(f"{pages.url}/topics/{followed['id']}-")
        pages.press("Follow")
        pages.look()
        pages.visit("/account/notifications")
        pages.visit("/unsubscribe?token=broken", 403)
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
