"""Somebody writes, is answered and moderated, in a real browser with JavaScript and without; and no text is lost."""

import json
import random
import re
from uuid import UUID, uuid4

import pytest
from browser.page_checks import NARROW, fill_in_login, log_in
from playwright.sync_api import expect
from support import person

from shopforum.dev.sample import forums as sample
from shopforum.dev.sample.crowd import crowd
from shopforum.forums import writing
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings

BODY = "How do I season **cast iron**? See https://example.com/pans."


@pytest.fixture
def forums(sites):
    services = sites.apps["forums"].services
    services.objects[ForumSettings] = ForumSettings(post_delay=0, newcomer_delay=0)
    sites.sql("INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1)")
    yield sites.urls["forums"]
    services.objects[ForumSettings] = ForumSettings()


def press(page, name):
    """Press a button of the page and wait for what comes."""
    with page.expect_navigation():
        page.get_by_role("main").get_by_role("button", name=name, exact=True).first.click()


def start_topic(page, forums, title="An iron pan"):
    page.goto(f"{forums}/categories/pans/topics")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text").fill(BODY)
    press(page, "Preview")
    expect(page.locator(".prose strong")).to_have_text("cast iron")
    expect(page.get_by_label("Text")).to_have_value(BODY)
    press(page, "Post topic")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


@pytest.mark.parametrize("javascript", [True, False])
def test_a_topic_is_written_edited_answered_and_moderated(sites, forums, somebody, javascript):
    mia, moe = (somebody(java_script_enabled=javascript) for _ in range(2))
    log_in(mia, forums, "member")
    start_topic(mia, forums)
    expect(mia.locator(".prose a")).to_have_attribute("rel", "ugc nofollow noopener")
    topic = mia.url

    mia.get_by_role("link", name="Edit post 1").click()
    mia.get_by_label("Text").fill("How do I season *steel*?")
    mia.get_by_label("Reason for the change").fill("I looked again")
    press(mia, "Save changes")
    mia.get_by_role("link", name=re.compile("^edited 1 time")).click()
    expect(mia.locator("ins").first).to_contain_text("steel")

    # Another quotes the post, which mentions its author; in the middle of writing his session idles out.
    log_in(moe, forums, "moderator")
    moe.goto(topic)
    moe.get_by_role("link", name="Quote post 1").click()
    reply = moe.get_by_label("Your reply")
    expect(reply).to_have_value(
        re.compile(r"^@mia-marsh \[wrote\]\(.*\n\n> How do I season \*steel\*\?\n\n$")
    )
    reply.fill(reply.input_value() + "With oil.")
    sites.idle_out()
    press(moe, "Post reply")
    expect(moe.locator("article.post").last).to_contain_text("With oil.")

    mia.goto(f"{forums}/posts")
    inbox = mia.get_by_role("link", name=re.compile("^Inbox"))
    expect(inbox).to_have_text("Inbox 1")
    inbox.click()
    expect(mia.get_by_role("main")).to_contain_text("Moe Mooring mentioned you in An iron pan")
    mia.get_by_role("main").get_by_role("link", name="An iron pan").click()
    expect(mia.locator("article.post").last.locator(".prose a[href^='/members/']")).to_have_text("@mia-marsh")
    expect(mia.get_by_role("link", name=re.compile("^Inbox"))).to_have_text(re.compile("Inbox"))

    moe.get_by_role("link", name="Moderate post 1").click()
    moe.get_by_label("Remove it").check()
    moe.get_by_label("Reason, for the author").fill("Asked and answered last week.")
    press(moe, "Confirm")

    mia.goto(f"{forums}/inbox?show=unread")
    expect(mia.get_by_role("main")).to_contain_text("Moe Mooring removed your post in An iron pan")
    expect(mia.get_by_role("main")).to_contain_text("Reason: Asked and answered last week.")
    press(mia, "Mark all read")
    expect(mia.get_by_role("link", name=re.compile("^Inbox"))).to_have_text("Inbox")


@pytest.mark.parametrize("javascript", [True, False])
def test_a_reply_survives_a_session_that_was_ended(sites, forums, somebody, javascript):
    mia = somebody(java_script_enabled=javascript)
    log_in(mia, forums, "member")
    start_topic(mia, forums)
    mia.get_by_label("Your reply").fill("Nothing of this is lost.")
    sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    press(mia, "Post reply")
    fill_in_login(mia, "member")
    expect(mia.get_by_role("main")).to_contain_text("Nothing of this is lost.")
    with mia.expect_navigation():
        mia.get_by_role("main").get_by_role("button", name=re.compile("^Send")).click()
    expect(mia.locator("article.post").last).to_contain_text("Nothing of this is lost.")


def test_the_inbox_and_the_moderators_pages(sites, inspect):
    names = (("member", "Mia Marsh"), ("moderator", "Moe Mooring"))
    people = [(UUID(person(who).id), name) for who, name in names]
    people += [(user.id, user.name) for user in crowd(random.Random(3), 20)]
    with inspect("forums", "member") as pages:
        pages.visit("/inbox")
        with sites.apps["forums"].services.db.transaction() as connection:
            sample.seed(connection, people, random.Random(5))
        sites.sql(
            "INSERT INTO audit_log (event, site, initiating_entity, user_id, address)"
            " VALUES ('authn_token_reuse', 'forums', 'system', :me, '203.0.113.9')",
            me=person("member").id,
        )
        for path in ("/inbox", "/inbox?show=unread", "/members/mia-marsh", "/search?author=%40mia-marsh"):
            pages.visit(path)
        pages.press("Search")
        pages.visit("/inbox?show=all")
        pages.press("Mark all read")
        pages.look()
    [edit] = sites.sql("SELECT id, post_id FROM forum_edits ORDER BY id LIMIT 1")
    with inspect("forums", "moderator") as pages:
        pages.visit("/moderation/categories")
        pages.visit("/moderation/categories/kitchen")
        pages.page.get_by_label("Name").fill("")
        pages.press("Save changes")
        pages.look(422)
        pages.visit(f"/posts/{edit['post_id']}/history/{edit['id']}")
        pages.press("Confirm")
        pages.look(422)
        pages.page.get_by_label("Hide the earlier text").check()
        pages.page.get_by_label("Reason, for the author").fill("private")
        pages.press("Confirm")
        pages.look()


def drafts(page):
    return page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('draft '))")


def type_in(page, text):
    """Write into the reply as a person does, and wait until the browser has kept it."""
    page.get_by_label("Your reply").press_sequentially(text)
    page.wait_for_function(
        "(text) => Object.values(localStorage).some((draft) => draft.includes(text))",
        arg=json.dumps(text)[1:-1],
    )


def test_a_draft_is_kept_in_the_browser_until_it_is_posted(sites, forums, somebody):
    mia = somebody()
    log_in(mia, forums, "member")
    start_topic(mia, forums)
    topic = mia.url
    type_in(mia, "Half a thought")
    mia.goto(f"{forums}/posts")
    mia.goto(topic)
    reply = mia.get_by_label("Your reply")
    expect(reply).to_have_value("Half a thought")
    expect(mia.get_by_text("What you had not sent is back.")).to_be_visible()

    # A quotation goes after what is there.
    mia.get_by_role("link", name="Quote post 1").click()
    expect(reply).to_have_value(re.compile(r"^Half a thought\n\n@mia-marsh \[wrote\]"))
    press(mia, "Preview")
    expect(mia.get_by_text("What you had not sent is back.")).to_have_count(0)
    press(mia, "Post reply")
    assert drafts(mia) == []
    mia.goto(topic)
    expect(reply).to_have_value("")

    type_in(mia, "Never mind")
    mia.reload()
    mia.get_by_role("button", name="Discard it").click()
    expect(reply).to_have_value("")
    expect(reply).to_be_focused()
    assert drafts(mia) == []


def test_a_draft_is_for_its_writer_alone_and_goes_with_the_logout(sites, forums, somebody):
    mia = somebody()
    log_in(mia, forums, "member")
    start_topic(mia, forums)
    topic = mia.url
    type_in(mia, "Between us")
    sites.sql("UPDATE sessions SET ended_at = now(), end_reason = 'revoked'")
    log_in(mia, forums, "moderator")
    mia.goto(topic)
    expect(mia.get_by_label("Your reply")).to_have_value("")
    assert person("member").id in drafts(mia)[0]
    with mia.expect_navigation():
        mia.get_by_role("button", name="Log out").click()
    assert drafts(mia) == []


def test_nothing_that_people_write_breaks_the_page(sites, forums, somebody):
    services, author = sites.apps["forums"].services, Person(uuid4(), "W" * 200)
    bodies = (
        "A" * 300,
        "`" + "b" * 300 + "`",
        "|a|b|\n|-|-|\n|" + "c" * 300 + "|d|",
        "> " * 19 + "deep " * 20,
    )
    for body in (*bodies, "e" + "\u0301" * 300):
        placed = writing.start_topic(
            services.db, "pans", author, "X" * 120, body, services.objects[ForumSettings]
        )
    for body in bodies:
        writing.reply(services.db, placed.topic_id, author, body, services.objects[ForumSettings])
    page = somebody(viewport=NARROW)
    for path in ("/", "/categories/pans", placed.url, "/search?q=deep", f"/posts/{placed.post_id}/history"):
        page.goto(forums + path)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, path


def test_the_result_of_a_form_gets_the_focus(sites, forums, somebody):
    """After a POST, whoever does not see the page is led to what it says, be it at the top or at its end."""
    mia = somebody()
    log_in(mia, forums, "member")
    start_topic(mia, forums)
    press(mia, "Post reply")
    expect(mia.get_by_role("alert")).to_be_focused()
    mia.get_by_label("Your reply").fill("A reply")
    press(mia, "Preview")
    expect(mia.get_by_role("heading", name="Preview")).to_be_focused()
    press(mia, "Post reply")
    press(mia, "Delete post 2")
    expect(mia.get_by_role("status")).to_be_focused()
    press(mia, "Undo")
    expect(mia.get_by_role("status")).to_be_focused()


def test_a_topic_that_was_loaded_ahead_is_read_when_it_is_shown(sites, forums, somebody):
    page = somebody()
    log_in(page, forums, "member")
    placed = writing.start_topic(
        sites.apps["forums"].services.db, "pans", Person(uuid4(), "Ann"), "Deep pans", BODY, ForumSettings()
    )

    def read():
        return sites.sql("SELECT number FROM forum_topic_reads WHERE topic_id = :id", id=placed.topic_id)

    # As Chromium does for a speculation rule: the page is loaded, but not yet shown.
    page.add_init_script("Object.defineProperty(document, 'prerendering', {get: () => true})")
    page.set_extra_http_headers({"Sec-Purpose": "prefetch;prerender"})
    page.goto(f"{forums}{placed.url}")
    assert read() == []
    page.set_extra_http_headers({})
    with page.expect_response(lambda response: "/topics/" in response.url):
        page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    assert [row["number"] for row in read()] == [1]


def test_buttons_mark_the_words_and_the_preview_follows(sites, forums, somebody):
    page = somebody()
    log_in(page, forums, "member")
    start_topic(page, forums)
    area = page.get_by_label("Your reply")
    area.fill("An iron pan")
    area.evaluate("area => area.setSelectionRange(3, 7)")
    page.get_by_role("button", name="Bold", exact=True).click()
    expect(area).to_have_value("An **iron** pan")
    assert area.evaluate("area => area.value.slice(area.selectionStart, area.selectionEnd)") == "iron"
    expect(page.get_by_role("region", name="Preview").locator("strong")).to_have_text("iron")
    area.fill("one\ntwo")
    area.evaluate("area => area.select()")
    page.get_by_role("button", name="List", exact=True).click()
    expect(area).to_have_value("- one\n- two")
    expect(page.get_by_role("region", name="Preview").locator("li")).to_have_text(["one", "two"])
    press(page, "Post reply")
    expect(page.locator("article.post").last.locator("li")).to_have_text(["one", "two"])
