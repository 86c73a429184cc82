"""Text of strangers in pages and logs: it stays text, and one line. Exports are tried in plumbing/test_audit.py."""

import json
import unicodedata
from urllib.parse import unquote

import pytest
from sqlalchemy import text as statement
from support import person

from shopforum.core import logs
from shopforum.sessions import audit_chain, jobs

SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "</title><svg onload=alert(1)>",
    "javascript:alert(1)//",
    "\u202e<b>txt.exe\u2066",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<" * 2000,
]
# As markup, none of these may come out; as text, all may.
MARKUP = ("<script>alert", "<img src=x", "<svg onload", ">49<", "${49}", "<b>txt")


def clean(page):
    assert not [found for found in MARKUP if found in page.text]
    return page


@pytest.mark.parametrize("text", SCRIPTS, ids=lambda text: text[:20])
def test_echoed_markup_is_text(store, browser, text):
    """The address of a failed login, a search, and everything that a link can carry."""
    refused = clean(store.log_in("shopper", status=422, email=text, password=text))
    shown = next(form for form in refused.forms.values() if "password" in form.fields)
    assert shown["email"].value == text.strip()
    assert shown["password"].value == ""
    forums = browser("forums")
    for client, path in (
        (store, "/products"),
        (forums, "/search"),
        (store, "/login"),
        (store, "/nothing-here"),
    ):
        for name in ("q", "next", "why", "notice", "ref", "sort", "category"):
            clean(client.get(path, {name: text}, status="*"))
    clean(store.get("/login", headers={"Referer": "https://store.test/" + text.encode().decode("latin-1")}))


@pytest.mark.parametrize("text", SCRIPTS[:7], ids=lambda text: text[:20])
def test_a_name_and_a_browser_are_text_wherever_they_are_shown(store, admin, idp, sql, text):
    store.log_in("shopper")
    sql("UPDATE sessions SET user_name = :text, agent = :text, last_agent = :text", text=text)
    sql("UPDATE session_places SET agent = :text", text=text)
    for path in ("/", "/shopping-cart", "/account/sessions"):
        clean(store.get(path, status=200))
    admin.log_in("viewer")
    [row] = sql("SELECT id, user_id FROM sessions WHERE site = 'store'")
    for path in ("/", "/sessions", f"/sessions/{row['id']}", f"/users/{row['user_id']}", "/audit"):
        clean(admin.get(path, status=200))


def test_a_policy_stands_behind_the_escaping(store):
    """If a script ever got into a page, no browser would run it, nor send a form elsewhere."""
    policy = dict(
        directive.strip().split(" ", 1)
        for directive in store.get("/", status=200).headers["Content-Security-Policy"].split(";")
    )
    assert (
        policy["default-src"]
        == policy["base-uri"]
        == policy["frame-ancestors"]
        == policy["object-src"]
        == "'none'"
    )
    assert policy["script-src"] == policy["form-action"] == "'self'"


LINES = [
    'x"}\n{"event": "authn_login_success", "forged": true',
    "x\r\nSet-Cookie: __Host-session=planted",
    "\x1b[2J\x1b[31mred\x07",
    "a\u2028b\u2029c\u0085d",
    "\\u000a\\n\\",
    "\ud800",
    "x" * 20_000,
]


def as_header(text):
    """Return a text as a client could send it: a header ends at its line's end, and is bytes."""
    return text.replace("\r", " ").replace("\n", " ").encode("utf-8", "surrogatepass").decode("latin-1")


@pytest.mark.parametrize("text", LINES, ids=ascii)
def test_a_log_line_stays_one_and_the_audit_log_stays_good(store, apps, logged, sql, text):
    store.get(
        "/login", headers={"User-Agent": as_header(text), "Referer": as_header(text), "Via": as_header(text)}
    )
    email = text.replace("\ud800", "\ufffd")[:300]
    store.log_in("shopper", status="*", email=email)
    store.extra_environ["HTTP_USER_AGENT"] = as_header(text)
    store.log_in("shopper", status=302)
    lines = logged().splitlines()
    events = [json.loads(line) for line in lines]
    assert not [event for event in events if event["event"] == "authn_login_success" or "forged" in event]
    assert not [character for line in lines for character in line if not character.isprintable()]
    assert max(map(len, lines)) < 2000
    sessions = apps["store"].services.sessions
    while jobs.seal(sessions):
        pass
    verdict = audit_chain.verify(sessions.db, sessions.config.secrets.audit_keys)
    assert (verdict.bad, verdict.good > 1) == (None, True)
    [row] = sql("SELECT agent, last_agent FROM sessions WHERE ended_at IS NULL")
    assert len(row["agent"]) <= 512
    assert not [character for character in row["agent"] if character < " " or "\x7f" <= character < "\xa0"]


def test_a_password_is_nowhere_in_a_failed_page(store):
    page = store.log_in("shopper", status=422, password="a-password-that-is-wrong")
    assert "a-password-that-is-wrong" not in page.text
    assert person("shopper").password not in page.text


@pytest.mark.parametrize(
    "raw", ["%C2%9B31mred", "%1b[31mred", "%E2%80%AEevil", "%0Aforged", "%C2%85forged", "%9Bx", "%E2%80%A8x"]
)
def test_readable_lines_do_not_command_the_terminal(store, logged, monkeypatch, raw):
    """The development log shows no C1 controls, escapes, overrides of direction or forged lines, not in a traceback either."""
    logs.configure("console")
    store.get(f"/caf%C3%A9/{raw}", status="*")
    monkeypatch.setattr(
        "shopforum.store.products._FEATURED", statement(f'SELECT 1 AS "{unquote(raw)}" FROM nowhere')
    )
    store.get("/", status=500)
    shown = logged()
    lines = shown.splitlines()
    assert "/café/" in shown
    assert "Traceback" in shown
    assert not [line for line in lines if line.startswith("forged")]
    assert not {char for char in shown if unicodedata.category(char) in ("Cc", "Cf", "Zl")} - {"\n"}
    assert len([line for line in lines if "path=/" in line or "path='/" in line]) == 2
