"""The deletion of an account: asked for, kept after all, carried out; and what races with it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import requests
from http_helpers import give
from page_forms import form_of
from session_fixtures import together
from sqlalchemy import event
from support import Browser, Idp, person
from webtest import TestResponse

from shopforum.account import deletion
from shopforum.core.personal import DELETED_NAME, UserData
from shopforum.core.sites import ADMIN
from shopforum.dev.sample import Login
from shopforum.forums import follows, letters, links, read_markers, writing
from shopforum.forums.letters import LetterChoice
from shopforum.forums.person import Person
from shopforum.forums.settings import ForumSettings
from shopforum.forums.writing import Placed
from shopforum.mail.outgoing import MailSettings

MEMBER = person("member")
USER = UUID(MEMBER.id)
QUICK = ForumSettings(post_delay=0, newcomer_delay=0)
DELETE, CONFIRM, KEEP = "/account/delete", "/account/delete/confirm", "/account/keep"


@pytest.fixture(autouse=True)
def _mail(apps: dict[str, Any], tmp_path: Path) -> Iterator[None]:
    """A mail server, for letters to be queued."""
    before = {site: app.services.objects[MailSettings] for site, app in apps.items()}
    for site, app in apps.items():
        app.services.objects[MailSettings] = replace(before[site], folder=tmp_path)
    yield
    for site, app in apps.items():
        app.services.objects[MailSettings] = before[site]


@pytest.fixture
def services(apps: dict[str, Any]) -> Any:
    return apps["store"].services


@pytest.fixture
def subjects(sql: Any) -> Callable[[], list[str]]:
    """`subjects()`: of the letters that wait, oldest first."""
    return lambda: [row["subject"] for row in sql("SELECT subject FROM outgoing_mail ORDER BY id")]


def ask(client: Browser) -> TestResponse:
    """Ask for the deletion, on the page with the button."""
    return form_of(client.get(CONFIRM, status=200), CONFIRM).submit(status=303)


def let_it_be_due(sql: Any) -> None:
    """The 14 days are over, and the proof of the login on the page is still good."""
    sql("UPDATE account_deletions SET due_at = now(), next_try_at = now()")


def events(sql: Any, *names: str) -> list[str]:
    found = sql("SELECT event FROM audit_log WHERE event = ANY (:names) ORDER BY id", names=list(names))
    return [row["event"] for row in found]


def log_in_again(client: Browser, login: Login | str = MEMBER) -> TestResponse:
    """Log in by the form, while the account is to be deleted: no session begins, and a page offers to keep the account."""
    response = client.log_in(login, status=302)
    assert response.location == KEEP
    assert "__Host-session" not in client.cookies
    return response.follow()


def test_asking_ends_every_session_and_says_so(
    browser: Callable[..., Browser], sql: Any, idp: Idp, subjects: Any
) -> None:
    store, other, forums = browser("store"), browser("store"), browser("forums")
    for client in (other, forums, store):
        client.log_in(MEMBER)
    sql("DELETE FROM outgoing_mail")
    page = store.get(DELETE, status=200)
    assert store.get("/account/sessions").html.find("a", href=DELETE)
    goes, stays = (page.html.find("section", {"aria-labelledby": name}).text for name in ("goes", "stays"))
    for words in ("your cart", "the topics that you follow", "the devices that we know"):
        assert words in goes
    for words in ("your orders: the law", "your posts, with their earlier texts: others", "the security log"):
        assert words in stays
    idp.forget_calls()
    done = ask(store)
    # The request that ends its own session does not use it after its end.
    assert sql("SELECT 1 FROM session_flags") == []
    assert done.location == "/?notice=deletion-asked"
    assert "Your account will be deleted in 14 days" in done.follow().text
    assert {"__Host-session", "__Host-refresh"} & set(store.cookies) == set()
    for client, path in ((other, "/shopping-cart"), (forums, "/posts"), (store, "/account/data")):
        assert "/login" in client.get(path, status=302).location
    assert "This account is to be deleted" in other.get("/login").text
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []
    assert {row["end_reason"] for row in sql("SELECT end_reason FROM sessions")} == {"deletion_asked"}
    assert [call["method"] for call in idp.calls("/api/jwt/refresh")] == ["DELETE"] * 2
    assert subjects() == ["Your account at Harbour Store will be deleted"]
    [letter] = sql("SELECT recipient, plain FROM outgoing_mail")
    [row] = sql("SELECT due_at, due_at - asked_at AS left_time FROM account_deletions")
    assert letter["recipient"] == MEMBER.email
    assert f"{row['due_at']:%-d %B %Y}" in letter["plain"]
    assert abs(row["left_time"].total_seconds() - 14 * 86400) < 1
    assert events(sql, "user_deletion_asked") == ["user_deletion_asked"]
    # Nothing is due, and nothing is lost.
    assert deletion.run_once(other.app.services) == 0


def test_the_account_is_kept_by_a_login(
    browser: Callable[..., Browser], sql: Any, subjects: Any, services: Any
) -> None:
    store, forums, stranger = browser("store"), browser("forums"), browser("forums")
    store.log_in(MEMBER)
    ask(store)
    offered = log_in_again(forums)
    assert "Keep your account?" in offered.text
    # A visitor who has not logged in is offered nothing.
    assert stranger.get(KEEP, status=302).location == "/login"
    token = form_of(stranger.get("/login"), "/login")["csrf_token"].value
    assert stranger.post(KEEP, {"csrf_token": token}, status=302).location == "/login"
    assert sql("SELECT 1 FROM account_deletions")
    # Nor does a proof of long ago count, or one for another site.
    secrets, now = services.sessions.config.secrets, int(services.sessions.now().timestamp())
    for purpose, at in (("keep account forums", now - 601), ("keep account store", now)):
        give(stranger, {"__Host-keep-account": secrets.form_token(purpose, f"{USER}_{at}")})
        assert stranger.get(KEEP, status=302).location == "/login"
    give(stranger, {"__Host-keep-account": secrets.form_token("keep account forums", f"{USER}_{now}")})
    stranger.get(KEEP, status=200)
    kept = form_of(offered, KEEP).submit(status=303)
    assert "Your account stays. Log in to continue." in kept.follow().text
    assert "__Host-keep-account" not in forums.cookies
    assert sql("SELECT 1 FROM account_deletions") == []
    assert subjects()[-1] == "Your account at Harbour Forums stays"
    assert events(sql, "user_deletion_undone") == ["user_deletion_undone"]
    for client in (forums, store):
        client.log_in(MEMBER, status=302)
        assert "__Host-session" in client.cookies
    assert deletion.run_once(services) == 0
    # The same page later, and a second deletion.
    ask(store)
    assert sql("SELECT 1 FROM account_deletions")


def test_a_password_of_the_last_minutes_or_a_code_is_needed(
    store: Browser, sql: Any, idp: Idp, later: Callable[[float], None]
) -> None:
    store.log_in(MEMBER)
    form = form_of(store.get(CONFIRM), CONFIRM)
    later(360)
    store.get(DELETE, status=200)
    asked = store.get(CONFIRM, status=302)
    assert asked.location == "/login?next=%2Faccount%2Fdelete%2Fconfirm&why=fresh"
    page = asked.follow()
    assert form.submit(status=302).location.startswith("/login")
    assert sql("SELECT 1 FROM account_deletions") == []
    # Somebody without a password has a code sent.
    link = page.html.find("a", string="Use a code, sent by e-mail")["href"]
    code_form = form_of(store.get(link, status=200), "/login/code")
    assert code_form["email"].value == MEMBER.email
    assert code_form["next"].value == CONFIRM
    assert code_form.submit(status=303).location == "/login/code/enter"


def test_an_admin_is_told_to_give_the_role_back_first(
    store: Browser, admin: Browser, sql: Any, idp: Idp, services: Any
) -> None:
    store.log_in(MEMBER)
    form = form_of(store.get(CONFIRM), CONFIRM)
    token = form["csrf_token"].value
    roles = {
        "registration": {"applicationId": services.idp_settings.applications[ADMIN], "roles": ["viewer"]}
    }
    _call(idp, "POST", f"/api/user/registration/{USER}", roles)
    page = store.get(CONFIRM, status=200)
    assert "has a role in the admin console" in page.text
    assert CONFIRM not in {one.action for one in page.forms.values()}
    refused = store.post(CONFIRM, {"csrf_token": token}, status=409)
    assert "has a role in the admin console" in refused.text
    # While FusionAuth is away, a session of the console that is still stored says so.
    idp.hook("fail", path=f"/api/user/{USER}", times=9, status=503)
    store.get("/orders", status=200)
    sql(
        """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end, last_seen_at)
        VALUES ('admin', :id, 'Mia', '{viewer}', now(), now(), now(), now())""",
        id=USER,
    )
    store.post(CONFIRM, {"csrf_token": token}, status=409)
    sql("DELETE FROM sessions WHERE site = 'admin'")
    store.post(CONFIRM, {"csrf_token": token}, status=303)
    # A user who has become an admin meanwhile finds it at the console's login.
    assert "Keep your account?" in log_in_again(admin).text


def test_a_login_that_began_before_starts_no_session(
    browser: Callable[..., Browser], apps: dict[str, Any], sql: Any
) -> None:
    """The deletion is asked for when the login has looked for one, and is about to store its session."""
    mine, other = browser("store"), browser("forums")
    mine.log_in(MEMBER)
    engine, pending = apps["forums"].services.db.engine, [mine]

    def ask_first(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if pending and "INSERT INTO sessions" in statement:
            ask(pending.pop())

    event.listen(engine, "before_cursor_execute", ask_first)
    try:
        other.log_in(MEMBER)
    finally:
        event.remove(engine, "before_cursor_execute", ask_first)
    assert pending == []
    assert "/login" in other.get("/posts", status=302).location
    assert sql("SELECT 1 FROM sessions WHERE ended_at IS NULL") == []


def test_of_two_clicks_one_asks(browser: Callable[..., Browser], sql: Any, subjects: Any) -> None:
    one, two = browser("store"), browser("forums")
    for client in (one, two):
        client.log_in(MEMBER)
    sql("DELETE FROM outgoing_mail")
    sent = [form_of(client.get(CONFIRM), CONFIRM) for client in (one, two)]
    results = together(*(lambda form=form: form.submit() for form in sent))
    assert {result.status_int for result in results} == {303}
    assert len(sql("SELECT 1 FROM account_deletions")) == 1
    assert len(subjects()) == 1
    assert events(sql, "user_deletion_asked") == ["user_deletion_asked"]


def test_the_account_is_kept_or_deleted_and_never_both(
    browser: Callable[..., Browser], sql: Any, services: Any, idp: Idp
) -> None:
    forums = browser("forums")
    forums.log_in(MEMBER)
    ask(forums)
    form = form_of(log_in_again(forums), KEEP)
    let_it_be_due(sql)
    answer, tried = together(lambda: form.submit(expect_errors=True), lambda: deletion.run_once(services))
    exists = _status(idp, "GET", f"/api/user/{USER}") == 200
    rows = sql("SELECT done_at IS NOT NULL AS done FROM account_deletions")
    assert (answer.status_int, tried, exists, rows) in [
        (303, 0, True, []),
        (409, 1, False, [{"done": True}]),
    ]


def test_once_begun_it_cannot_be_kept_and_is_done_when_fusionauth_is_back(
    browser: Callable[..., Browser], sql: Any, services: Any, idp: Idp, subjects: Any
) -> None:
    forums = browser("forums")
    forums.log_in(MEMBER)
    # FusionAuth's absence delays neither the wish nor the end of the sessions.
    idp.hook("fail", path="/api/jwt/refresh", times=99, status=503)
    ask(forums)
    assert "/login" in forums.get("/posts", status=302).location
    assert len(sql("SELECT 1 FROM revocation_outbox WHERE done_at IS NULL")) == 2
    offered = form_of(log_in_again(forums), KEEP)
    let_it_be_due(sql)
    services.idp.breaker.reset()
    idp.hook("fail", path=f"/api/user/{USER}", times=1, status=503)
    assert deletion.run_once(services) == 1
    [row] = sql("SELECT done_at, attempts, last_error, user_email FROM account_deletions")
    assert (row["done_at"], row["attempts"], row["user_email"]) == (None, 1, MEMBER.email)
    assert "FusionAuth" in row["last_error"]
    assert sql("SELECT user_email FROM sessions WHERE user_id = :id", id=USER)[0]["user_email"] == ""
    late = offered.submit(status=409)
    assert "cannot be kept any more" in late.text
    assert "cannot be kept any more" in log_in_again(forums).text
    assert deletion.run_once(services) == 0
    let_it_be_due(sql)
    services.idp.breaker.reset()
    assert deletion.run_once(services) == 1
    [row] = sql("SELECT done_at, last_error, user_email, user_name FROM account_deletions")
    assert row["done_at"]
    assert (row["last_error"], row["user_email"], row["user_name"]) == (None, "", "")
    assert _status(idp, "GET", f"/api/user/{USER}") == 404
    assert subjects()[-1] == "Your account is deleted"
    assert events(sql, "user_deleted") == ["user_deleted"]
    forums.log_in(MEMBER, status=422)
    # A user whom FusionAuth has deleted already is no fault.
    services.idp.delete_user(USER)


def test_rows_that_are_deleted_and_rows_that_stay(
    browser: Callable[..., Browser], apps: dict[str, Any], sql: Any, services: Any
) -> None:
    store, forums, admin = browser("store"), browser("forums"), browser("admin")
    db, ann = services.db, Person(UUID(person("moderator").id), "Moe Mooring")
    me = Person(USER, "Mia Marsh", moderator=True)
    store.log_in(MEMBER)
    forums.log_in(MEMBER)
    sql("INSERT INTO forum_categories (slug, name, position) VALUES ('pans', 'Pans', 1)")
    mine = writing.start_topic(db, "pans", me, "My pan", "I have one.", QUICK)
    theirs = writing.start_topic(db, "pans", ann, "Which pan?", "@mia-marsh knows", QUICK)
    reply = writing.reply(db, theirs.topic_id, me, "An iron one.", QUICK)
    follows.follow(db, me, theirs.topic_id)
    letters.choose(db, me, LetterChoice("mia@harbour.example", "day"))
    read_markers.mark_topic(db, USER, theirs.topic_id, 1)
    _fill(sql, ann.id, theirs.topic_id, mine.post_id)
    log_before = len(sql("SELECT 1 FROM audit_log WHERE user_id = :id", id=USER))
    ask(store)
    admin.log_in("owner")
    _assert_console_says_how_far_it_is(admin, sql)
    let_it_be_due(sql)
    assert deletion.run_once(services) == 1

    left = {table.name: _names(sql, table.name) for table in services.get(UserData).tables}
    gone = [
        "new_sign_ins", "kept_forms", "saved_views", "console_authenticators", "restock_notices", "forum_follows",
        "forum_letters", "forum_topic_reads", "forum_category_reads", "forum_security_reads", "forum_mentions",
    ]  # fmt: skip
    assert {name: left[name] for name in gone} == dict.fromkeys(gone, 0)
    assert len(sql("SELECT 1 FROM audit_log WHERE user_id = :id", id=USER)) > log_before
    for table in ("login_devices", "session_credentials"):
        of_mine = "c JOIN sessions s ON s.id = c.session_id WHERE s.user_id = :id"
        assert sql(f"SELECT 1 FROM {table} {of_mine}", id=USER) == [], table
    # The order stays, with the address of the invoice; its cart, too, and the open one is gone.
    [order] = sql("SELECT name, email FROM orders WHERE user_id = :id", id=USER)
    assert (order["name"], order["email"]) == ("Mia Marsh", None)
    assert [row["closed_as"] for row in sql("SELECT closed_as FROM carts")] == ["ordered"]
    names = {
        "forum_posts": "SELECT author_name AS name FROM forum_posts WHERE author_id = :id",
        "forum_topics": "SELECT author_name AS name FROM forum_topics WHERE author_id = :id",
        "last post": "SELECT last_post_by AS name FROM forum_topics WHERE last_post_id = :post",
        "forum_flags": "SELECT user_name AS name FROM forum_flags WHERE user_id = :id",
        "forum_actions": "SELECT actor_name AS name FROM forum_actions WHERE actor_id = :id",
        "inbox": "SELECT actor_name AS name FROM forum_inbox WHERE user_id = :ann",
        "sessions": "SELECT user_name AS name FROM sessions WHERE user_id = :id",
    }
    values = {"id": USER, "post": reply.post_id, "ann": ann.id}
    for what, statement in names.items():
        wanted = {name: value for name, value in values.items() if f":{name}" in statement}
        assert {row["name"] for row in sql(statement, **wanted)} == {DELETED_NAME}, what
    assert "Mia Marsh" not in str(sql("SELECT * FROM forum_inbox"))

    _assert_without_author(browser, forums, theirs, reply)
    console = admin.get(f"/users/{USER}")
    assert "This account was deleted" in console.text
    assert MEMBER.email not in console.html.select_one(".page-head").text
    [session, *_] = sql("SELECT id FROM sessions WHERE user_id = :id ORDER BY id", id=USER)
    assert DELETED_NAME in admin.get(f"/sessions/{session['id']}", status=200).text


def _assert_without_author(
    browser: Callable[..., Browser], forums: Browser, topic: Placed, reply: Placed
) -> None:
    """Assert that a topic is there with a reply whose author has no page, and that nobody else is touched."""
    visitor = browser("forums")
    page = visitor.get(links.topic(topic.topic_id, topic.title))
    post = page.html.select_one(f"#post-{reply.post_id} header")
    assert DELETED_NAME in post.text
    assert post.select("a.author") == []
    assert "Moe Mooring" in page.text
    assert "Mia Marsh" not in page.text
    visitor.get("/members/mia-marsh", status=404)
    visitor.get("/members/~" + MEMBER.id, status=404)
    assert DELETED_NAME in visitor.get("/search?q=iron").text
    forums.log_in("moderator")
    quoted = forums.get(
        f"{links.topic(topic.topic_id, topic.title)}?post={reply.post_id}&quote={reply.post_id}"
    )
    assert f"{DELETED_NAME} [wrote]" in form_of(quoted, f"/topics/{topic.topic_id}/posts")["body"].value


def _assert_console_says_how_far_it_is(admin: Browser, sql: Any) -> None:
    assert "This account is to be deleted" in admin.get(f"/users/{USER}").text
    sql("UPDATE account_deletions SET begun_at = now(), last_error = 'FusionAuth answered 503'")
    page = admin.get(f"/users/{USER}").text
    assert "This account is being deleted." in page
    assert "FusionAuth answered 503" in page


def _call(idp: Idp, method: str, path: str, body: Any = None) -> Any:
    return requests.request(
        method, idp.url + path, json=body, headers={"Authorization": idp.api_key}, timeout=60
    )


def _status(idp: Idp, method: str, path: str) -> int:
    return int(_call(idp, method, path).status_code)


def _names(sql: Any, table: str) -> int:
    """Count the user's rows of a table that has the column `user_id`; 0 for the others."""
    has = sql(
        "SELECT 1 FROM information_schema.columns WHERE table_name = :table AND column_name = 'user_id'",
        table=table,
    )
    return len(sql(f"SELECT 1 FROM {table} WHERE user_id = :id", id=USER)) if has else 0


def _fill(sql: Any, ann: UUID, topic_id: int, my_post: int) -> None:
    """Leave rows of the member in every table that no page of this test has filled."""
    sql(
        """INSERT INTO products (slug, name, category, summary, description, price_minor, tax_rate, stock)
        VALUES ('mug', 'Mug', 'kitchen', '', '', 100, 19, 5)"""
    )
    sql("INSERT INTO restock_notices (product_id, user_id, email) SELECT id, :me, 'm' FROM products", me=USER)
    sql("INSERT INTO carts (user_id, closed_at, closed_as) VALUES (:me, now(), 'ordered')", me=USER)
    sql(
        """INSERT INTO orders (number, user_id, cart_id, name, street, postal_code, city, country, subtotal_minor,
          shipping_minor, total_minor, tax_minor, email)
        SELECT 'H-1', :me, id, 'Mia Marsh', 'Canal Street 17', '26121', 'Oldenburg', 'DE', 1, 0, 1, '[]', 'm@x.example'
        FROM carts""",
        me=USER,
    )
    sql("INSERT INTO carts (user_id) VALUES (:me)", me=USER)
    sql(
        "INSERT INTO new_sign_ins (session_id, user_id, site) VALUES (gen_random_uuid(), :me, 'store')",
        me=USER,
    )
    sql(
        "INSERT INTO kept_forms (key, site, user_id, path, fields) VALUES ('k', 'store', :me, '/', '[]')",
        me=USER,
    )
    sql("INSERT INTO saved_views (user_id, name, query) VALUES (:me, 'mine', '')", me=USER)
    sql(
        """INSERT INTO console_authenticators (user_id, user_name, user_email, roles, secret, key_id)
        VALUES (:me, 'Mia', 'm', '{}', 's', 'k')""",
        me=USER,
    )
    sql(
        "INSERT INTO forum_category_reads (user_id, category_id, post_id) SELECT :me, id, 1 FROM forum_categories",
        me=USER,
    )
    sql("INSERT INTO forum_security_reads (user_id, audit_id) VALUES (:me, 1)", me=USER)
    sql(
        """INSERT INTO forum_flags (post_id, user_id, user_name, reason) VALUES (:post, :me, 'Mia Marsh', 'spam')""",
        post=my_post,
        me=USER,
    )
    sql(
        """INSERT INTO forum_actions (actor_id, actor_name, action, topic_id, reason)
        VALUES (:me, 'Mia Marsh', 'pin', :topic, 'good')""",
        me=USER,
        topic=topic_id,
    )
    sql(
        """INSERT INTO forum_inbox (user_id, kind, topic_id, actor_name, act, reason)
        VALUES (:ann, 'moderation', :topic, 'Mia Marsh', 'pin', 'good')""",
        ann=ann,
        topic=topic_id,
    )
