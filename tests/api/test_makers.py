"""A token's authority is its maker's: it ends with the maker's, and with time."""

import re
from uuid import UUID, uuid4

import pytest
from support import person

from shopforum.api_tokens import tokens
from shopforum.sessions import Reason, Rule, Scope
from shopforum.sessions.audit import Client

OWNER = UUID(person("owner").id)
WHY = Reason("admin", "responder@harbour.example", "incident")


@pytest.fixture
def made(browser, caller_with):
    """A token that the owner made on the console; returns its caller and the owner's browser."""
    owner = browser("admin")
    owner.log_in("owner")
    form = next(form for form in owner.get("/tokens").forms.values() if "days" in form.fields)
    form["name"] = "soar"
    for index in range(4):
        form.set("scopes", True, index=index)
    page = form.submit(status=200)
    return caller_with(re.search(r"sfa_[A-Za-z0-9_-]{43}", page.text)[0]), owner


def states(sql):
    return [row["name"] for row in sql("SELECT name FROM api_tokens WHERE revoked_at IS NULL")]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        (Rule(60, user_id=OWNER), 403),
        (Rule(60, user_id=OWNER, site="admin"), 403),
        (Rule(60, user_id=OWNER, site="store"), 200),
        (Rule(60, user_id=uuid4()), 200),
        (Rule(60, network="198.51.100.0/24"), 403),
        (Rule(60, network="198.51.100.7", site="admin"), 403),
        (Rule(60, network="198.51.100.7", site="forums"), 200),
        (Rule(60, network="203.0.113.0/24"), 200),
        (Rule(60, user_id=OWNER, network="203.0.113.0/24"), 200),
    ],
)
def test_a_deny_rule_binds_the_api(made, apps, sql, rule, status):
    call, _ = made
    sessions = apps["admin"].services.sessions
    rule_id = sessions.add_rule(rule, WHY, Client())
    answer = call("GET", "/sessions", status=status)
    if status == 403:
        assert "A deny rule refuses this token" in answer.json["detail"]
        assert sql("SELECT hits FROM standing_rules")[0]["hits"] == 1
        [row] = sql("SELECT actor, detail FROM audit_log WHERE event = 'api_token_refused'")
        assert (row["actor"], row["detail"]["token"]) == ("token:soar", "blocked")
    sessions.lift_rule(rule_id, "carol", Client())
    call("GET", "/sessions", status=200)


def test_an_owner_no_more_by_the_roles_that_are_read_again(made, apps, sql):
    call, _ = made
    sql("UPDATE sessions SET roles = '{responder}'")
    call("GET", "/sessions", status=401)
    tokens.revoke_orphans(apps["admin"].services.db)
    sql("UPDATE sessions SET roles = '{owner}'")
    call("GET", "/sessions", status=401)
    assert states(sql) == []


def test_tokens_that_stay_valid_are_on_the_receipt_and_are_revoked_on_the_users_page(
    made, browser, sql, apps
):
    call, _ = made
    other = browser("admin")
    other.log_in("responder")
    sql("UPDATE sessions SET roles = '{owner}' WHERE user_id <> :id", id=OWNER)
    sessions = apps["admin"].services.sessions
    [row] = sql("SELECT id FROM sessions WHERE user_id = :id", id=OWNER)
    sessions.add_rule(Rule(60, user_id=uuid4()), Reason("admin", person("owner").email, "test"), Client())
    scopes = (Scope(sessions=(row["id"],)), Scope(user_id=OWNER), Scope(site="admin"))
    for scope in scopes:
        receipt = sessions.revoke(scope, WHY, Client(), except_session=None)
        # The other admin signs in again where the act reached all of the console.
        page = other.get(f"/revocations/{receipt}", expect_errors=True)
        if page.status_int == 302:
            other.log_in("owner")
            page = other.get(f"/revocations/{receipt}")
        assert "made are not revoked" in page
        assert "soar" in page
    call("GET", "/sessions", status=200)
    [elsewhere] = [sessions.revoke(Scope(user_id=OWNER, site="store"), WHY, Client())]
    assert "made are not revoked" not in other.get(f"/revocations/{elsewhere}")
    page = other.get(f"/users/{OWNER}")
    assert "What stays after their sessions end" in page
    assert "1 deny rule</a> of this user is in force" in page
    form = next(form for form in page.forms.values() if form.action.endswith("/tokens/revoke"))
    assert "tokens that this user made are revoked" in form.submit(status=303).follow()
    call("GET", "/sessions", status=401)
    assert "made are not revoked" not in other.get(f"/revocations/{receipt}")


def test_a_token_that_nobody_uses_is_over(call, later):
    call("GET", "/sessions", status=200)
    later(89 * 86400)
    call("GET", "/sessions", status=200)
    later(90 * 86400)
    call("GET", "/sessions", status=401)


def test_a_token_that_was_never_used_is_over_as_soon(call, later):
    later(90 * 86400)
    call("GET", "/sessions", status=401)


def test_a_token_without_a_term_has_a_year(call, sql):
    assert sql(
        "SELECT 1 FROM api_tokens WHERE expires_at BETWEEN now() + interval '364 days' AND now() + interval '366 days'"
    )
