"""A word means the same everywhere: what a filter selects is what a rule made from it refuses, by any spelling."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from page_forms import form_of
from support import Browser

from shopforum.cli import main
from shopforum.core import addresses
from shopforum.core.read_only_database import ReadOnlyDatabase
from shopforum.operations import session_queries
from shopforum.operations.filters import SessionFilter
from shopforum.sessions import Reason, Rule
from shopforum.sessions.audit import Client

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 "
    "Mobile/15E148 Safari/604.1"
)
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
EDGE = f"{CHROME} Edg/140.0.0.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
AGENTS = (IPHONE, CHROME, EDGE, FIREFOX, "curl/8.14", "Straße/1 (İstanbul)")
WORDS = (
    *(
        "Mobile Safari 26 on iOS",
        "Edge",
        "edge 140 on WINDOWS",
        "fire FOX",
        "fari",
        "iphone",
        "Edg/",
        "Chrome  140",
    ),
    *("curl", "STRASSE", "i̇stanbul", "Other", "nothing of the kind", "140", "on", "%", "_", "\\"),
)


@pytest.fixture
def as_agent(browser: Callable[..., Browser]) -> Callable[..., Browser]:
    def make(agent: str, site: str = "store", address: str = "192.0.2.1") -> Browser:
        client = browser(site, address)
        client.extra_environ["HTTP_USER_AGENT"] = agent
        return client

    return make


@pytest.fixture
def revoke_form(browser: Callable[..., Browser]) -> Callable[[str], Any]:
    owner = browser("admin")
    owner.log_in("owner")

    def ask(query: str) -> Any:
        page = owner.get("/sessions/revoke", {"filter": query})
        return form_of(page, "/sessions/revoke")

    return ask


def found(db: ReadOnlyDatabase, **typed: str) -> set[Any]:
    chosen = SessionFilter.parse(typed)
    return {row.id for row in session_queries.listing(db, chosen).all(db)}


@pytest.mark.parametrize("few", [10_000, 0])
def test_a_filter_and_a_rule_mean_the_same_browsers(
    apps: dict[str, Any], sql: Any, few: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session_queries, "_FEW", few)
    sql(
        """INSERT INTO sessions (site, user_id, user_name, roles, authenticated_at, absolute_end, idle_end,
          last_seen_at, agent)
        SELECT 'store', gen_random_uuid(), 'Ann', '{}', now(), now() + interval '1 day', now(), now(),
          unnest(CAST(:agents AS text[]))""",
        agents=list(AGENTS),
    )
    of = {row["id"]: row["agent"] for row in sql("SELECT id, agent FROM sessions")}
    sessions = apps["store"].services.sessions
    for words in WORDS:
        selected = {of[i] for i in found(ReadOnlyDatabase(apps["admin"].services.db), device=words)}
        rule = Rule(60, device=words)
        rule_id = sessions.add_rule(rule, Reason("admin", "ann", "test"), Client())
        refused = {agent for agent in AGENTS if sessions.refuses(Client(agent=agent))}
        assert selected == refused, words
        assert refused == {a for a in AGENTS if rule.matches(uuid.uuid4(), "store", Client(agent=a))}
        assert sessions.lift_rule(rule_id, "ann", Client())


@pytest.mark.parametrize(
    ("agent", "device"), [(IPHONE, "Mobile Safari 26 on iOS"), (EDGE, "Edge"), (EDGE, "Edge 140 on Windows")]
)
def test_a_rule_made_from_a_filter_keeps_out_what_was_found(
    as_agent: Callable[..., Browser], revoke_form: Callable[[str], Any], agent: str, device: str
):
    thief, other = as_agent(agent), as_agent(CHROME)
    thief.log_in("shopper")
    other.log_in("member")
    form = revoke_form(f"device={device}")
    form["reason"], form["block"] = "suspected_theft", True
    receipt = form.submit(status=303).follow()
    assert "Session of" in receipt
    assert "Deny rule" in receipt
    assert other.get("/shopping-cart").status_int == 200
    as_agent(agent, address="198.51.100.9").log_in("shopper", status=403)
    assert as_agent(CHROME).log_in("shopper").status_int == 302


def test_the_thiefs_browser_is_found_while_it_is_used_and_after(
    as_agent: Callable[..., Browser], apps: dict[str, Any], sql: Any
):
    """The login's browser says nothing of who has used the cookies since."""
    owner = as_agent(FIREFOX)
    owner.log_in("shopper")
    [row] = sql("SELECT id FROM sessions")
    db = ReadOnlyDatabase(apps["admin"].services.db)
    assert found(db, device="Edge") == set()
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in owner.cookiejar)
    as_agent(EDGE, address="203.0.113.9").get("/shopping-cart", headers={"Cookie": cookies}, status=200)
    assert found(db, device="Edge") == found(db, device="firefox linux") == {row["id"]}
    owner.get("/shopping-cart", status=200)
    assert sql("SELECT last_agent FROM sessions") == [{"last_agent": FIREFOX}]
    assert found(db, device="Edge on Windows") == {row["id"]}, "in between, too"
    # Without an address there is no place to remember it by.
    sql("DELETE FROM session_places")
    sql("UPDATE sessions SET last_agent = :agent", agent=EDGE)
    assert found(db, device="Edge on Windows") == {row["id"]}


@pytest.mark.parametrize(
    "more", ["flag=session_reported", "created_after=2020-01-01", "seen_before=2099-01-01", "user=sho"]
)
def test_no_rule_is_offered_that_would_refuse_more_than_the_filter_selects(
    as_agent: Callable[..., Browser], revoke_form: Callable[[str], Any], sql: Any, more: str
):
    as_agent(FIREFOX).log_in("shopper")
    sql("INSERT INTO session_flags (session_id, kind) SELECT id, 'session_reported' FROM sessions")
    assert "block" in revoke_form("ip=192.0.2.1&device=firefox").fields
    assert "block" not in revoke_form(f"ip=192.0.2.1&device=firefox&{more}").fields


def test_more_browsers_than_can_be_looked_through_are_told(
    browser: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session_queries, "MOST_AGENTS", 0)
    owner = browser("admin")
    owner.log_in("owner")
    assert "too many to search" in owner.get("/sessions?device=edge", status=503)


SPELLINGS = [
    ("203.0.113.9", "203.0.113.9"),
    ("::ffff:203.0.113.9", "203.0.113.9"),
    ("::FFFF:cb00:7109", "203.0.113.9"),
    ("203.0.113.9:51112", "203.0.113.9"),
    ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
    ("2001:DB8::7", "2001:db8::7"),
    ("[2001:db8::7]", "2001:db8::7"),
    ("[2001:db8::7]:443", "2001:db8::7"),
    ("2001:db8::7/64", "2001:db8::/64"),
    ("203.0.113.9/24", "203.0.113.0/24"),
    ("::ffff:203.0.113.9/120", "203.0.113.0/24"),
    ("::ffff:203.0.113.9/128", "203.0.113.9"),
    ("::ffff:0:0/96", "0.0.0.0/0"),
    ("::ffff:0:0/90", "::ffc0:0:0/90"),
]
REFUSED = [
    "fe80::1%eth0",
    "fe80::1%25eth0/64",
    "[fe80::1%1]:443",
    "203.0.113.9:x",
    "[203.0.113.9",
    "1",
    "",
    "::g",
]
REFUSED += [
    "203.0.113.009",
    "203.0.113.9/33",
    "::ffff:203.0.113.9/129",
    "203.0.113.9, 203.0.113.10",
    "unknown",
]


@pytest.mark.parametrize(("typed", "meant"), SPELLINGS)
def test_an_address_is_read_one_way(typed: str, meant: str):
    assert SessionFilter.parse({"ip": typed}).ip == meant
    assert str(addresses.network(typed)) == (
        meant if "/" in meant else f"{meant}/{128 if ':' in meant else 32}"
    )
    if "/" not in typed:
        assert addresses.address(typed) == addresses.peer(typed) == meant


@pytest.mark.parametrize("typed", REFUSED)
def test_a_text_that_is_no_address_is_refused(typed: str):
    with pytest.raises(ValueError, match=r".+"):
        addresses.network(typed)


@pytest.mark.parametrize(
    "typed", ["::ffff:203.0.113.9", "[::ffff:203.0.113.9]:8443", "::ffff:203.0.113.0/120"]
)
def test_every_door_reads_it_so(
    as_agent: Callable[..., Browser],
    browser: Callable[..., Browser],
    write_ini: Callable[..., str],
    typed: str,
):
    as_agent(FIREFOX, address="203.0.113.9").log_in("shopper")
    as_agent(FIREFOX, address="198.51.100.9").log_in("member")
    owner = browser("admin")
    owner.log_in("owner")
    page = owner.get("/sessions", {"ip": typed})
    assert "All 1 that match" in page
    assert "All 1 that match" in owner.get("/sessions", {"user": typed}, status=303).follow()
    answer = CliRunner().invoke(main, ["sessions", "list", write_ini(), "--ip", typed])
    assert "1 session." in answer.output
    form = next(form for form in owner.get("/rules").forms.values() if form.action == "/rules")
    form["network"], form["reason"] = typed, "incident"
    asked = next(form for form in form.submit(status=200).forms.values() if form.action == "/rules")
    assert "Everybody from 203.0.113." in asked.submit(status=303).follow()
    browser("store", "203.0.113.9").log_in("shopper", status=403)
    browser("store", "::ffff:203.0.113.9").log_in("shopper", status=403)


@pytest.mark.parametrize("typed", ["fe80::1%eth0", "[fe80::1%eth0]", "fe80::1%eth0/64", "203.0.113.9:"])
def test_every_door_refuses_it_in_words(
    browser: Callable[..., Browser], write_ini: Callable[..., str], typed: str
):
    owner = browser("admin")
    owner.log_in("owner")
    assert "without a zone" in owner.get("/sessions", {"ip": typed}, status=422)
    owner.get("/sessions/export", {"ip": typed}, status=422)
    form = next(form for form in owner.get("/rules").forms.values() if form.action == "/rules")
    form["network"], form["reason"] = typed, "incident"
    assert "without a zone" in form.submit(status=422)
    answer = CliRunner().invoke(main, ["sessions", "list", write_ini(), "--ip", typed])
    assert answer.exit_code == 2
    assert "without a zone" in answer.output


@pytest.mark.parametrize(("few", "by_keys"), [(5, True), (4, False)])
def test_a_session_counts_once_however_often_its_browser_stands_in_it(
    apps: Any, sql: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, few: int, by_keys: bool
):
    """At the login, at the last use and among the places. Counted thrice, a third as many sessions would be looked up by their keys."""
    sql(
        """WITH made AS (
          INSERT INTO sessions (site, user_id, user_name, roles, created_at, authenticated_at, absolute_end, idle_end,
            last_seen_at, agent, last_agent)
          SELECT 'store', gen_random_uuid(), 'Ann', '{}', now(), now(), now() + interval '1 day', now() + interval '1 hour', now(),
            'Zork/1', 'Zork/1' FROM generate_series(1, 5) RETURNING id)
        INSERT INTO session_places (session_id, address, agent) SELECT id, '192.0.2.1', 'Zork/1' FROM made"""
    )
    monkeypatch.setattr(session_queries, "_FEW", few)
    db = ReadOnlyDatabase(apps["admin"].services.db)
    assert len(found(db, device="zork")) == 5
    [condition] = session_queries.matching(db, SessionFilter(device="zork"))
    assert ("array(" in str(condition).lower()) is by_keys


def test_a_browser_at_many_addresses_of_one_session_is_too_much_for_keys(
    apps: Any, sql: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    """The ids behind the limit are not known: they may be those of as many sessions."""
    sql(
        """WITH made AS (
          INSERT INTO sessions (site, user_id, user_name, roles, created_at, authenticated_at, absolute_end, idle_end,
            last_seen_at, agent, last_agent)
          SELECT 'store', gen_random_uuid(), 'Ann', '{}', now(), now(), now() + interval '1 day', now() + interval '1 hour', now(),
            'curl/8.14', 'curl/8.14' RETURNING id)
        INSERT INTO session_places (session_id, address, agent)
        SELECT id, inet '192.0.2.0' + n, 'Zork/1' FROM made, generate_series(1, 9) n"""
    )
    monkeypatch.setattr(session_queries, "_FEW", 5)
    [condition] = session_queries.matching(
        ReadOnlyDatabase(apps["admin"].services.db), SessionFilter(device="zork")
    )
    assert "array(" not in str(condition).lower()
