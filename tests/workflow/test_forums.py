"""The forums' half of the workflow, W22 to W33: the same rules, and nothing shared with the store."""

from http_helpers import REFRESH, SESSION, asked_for, credentials, paths, set_cookies, tokens
from support import APPLICATIONS, person

MINE = "/posts"


def test_w22_w23_a_login_at_the_store_is_worth_nothing_here(store, forums, thief):
    store.log_in("shopper")
    assert forums.get("/", status=200).html.select('a[href="/login"]')
    stranger = thief("forums", credentials(store))
    assert stranger.get("/", status=200).html.select('a[href="/login"]')
    stranger.get(MINE, status=302)


def test_w24_to_w28_its_own_form_and_its_own_application(forums, idp, sql):
    idp.forget_calls()
    forums.log_in("member")
    assert paths(idp) == ["POST /api/login"]
    [row] = sql("SELECT * FROM sessions")
    assert row["site"] == "forums"
    [token] = tokens(idp, row["user_id"])
    assert token["applicationId"] == APPLICATIONS["forums"]


def test_w29_w30_its_own_row_and_its_own_cookies(store, forums, sql):
    store.log_in("member")
    answer = forums.log_in("member")
    assert answer.status_int == 302
    assert answer.headers["Location"] == MINE
    assert {SESSION, REFRESH} <= set_cookies(answer).keys()
    assert not set(credentials(store).values()) & set(credentials(forums).values())
    assert {row["site"] for row in sql("SELECT site FROM sessions")} == {"store", "forums"}


def test_w31_w32_the_posts_are_shown_and_refreshed(forums, idp, idle_out):
    forums.log_in("member")
    assert person("member").first_name in forums.get(MINE, status=200).text
    idle_out()
    idp.forget_calls()
    old = credentials(forums)
    assert person("member").first_name in forums.get(MINE, status=200).text
    assert paths(idp) == [asked_for("member"), "POST /api/jwt/refresh"]
    assert credentials(forums)[SESSION] != old[SESSION]


def test_w33_a_dead_refresh_token_leads_to_the_login_and_back(forums, idp, idle_out):
    forums.log_in("member")
    idle_out()
    idp.hook("expire", email=person("member").email)
    answer = forums.get(MINE, status=302)
    assert "/login?next=%2Fposts" in answer.headers["Location"]
    assert credentials(forums) == {}
    form = next(form for form in answer.follow().forms.values() if "password" in form.fields)
    form["email"], form["password"] = person("member").email, person("member").password
    form.submit(status=302).follow(status=200)
