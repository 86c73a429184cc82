"""Ending sessions by the console's forms: the plan, the confirmation, the end, and the receipt."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from page_forms import form_of
from support import Browser, Idp
from webtest import TestResponse

CART = "/shopping-cart"
Console = Callable[[str], Browser]
Started = Callable[..., Any]


def signed_in(one: Any) -> bool:
    path = CART if one.browser.extra_environ["HTTP_HOST"].startswith("store") else "/posts"
    return bool(one.browser.get(path).status_int == 200)


def post(client: Browser, fields: Any, **options: Any) -> TestResponse:
    csrf = form_of(client.get("/sessions"), "/logout")["csrf_token"].value
    pairs = list(fields.items()) if isinstance(fields, dict) else fields
    return client.post("/sessions/revoke", [("csrf_token", csrf), *pairs], **options)


def test_one_session_from_the_list_to_the_receipt(console: Console, started: Started, idp: Idp):
    victim, other = started("shopper"), started("member")
    client = console("responder")
    listed = form_of(client.get("/sessions"), "/sessions/revoke")
    idp.forget_calls()
    confirm = listed.submit("only", value=str(victim.id)).follow()
    assert confirm.status_int == 200
    assert "End 1 session?" in confirm
    assert "Sam Shore" in confirm
    assert "Mia Marsh" not in confirm
    assert not idp.calls()
    form = form_of(confirm, "/sessions/revoke")
    form["reason"] = "stolen_device"
    form["text"] = "INC-17, called at noon"
    form["user_text"] = "Your phone was reported stolen."
    done = form.submit()
    assert done.status_int == 303
    receipt = done.follow()
    for words in (
        "Session of Sam Shore",
        "✓ ended",
        "1 confirmed",
        "Stolen or lost device",
        "INC-17",
        "was reported stolen",
    ):
        assert words in receipt, words
    assert not signed_in(victim)
    assert signed_in(other)
    assert [call["method"] for call in idp.calls("/api/jwt/refresh")] == ["DELETE"]


def test_a_selection_is_shown_as_it_is_and_ended_as_it_was_shown(console: Console, started: Started):
    first, second, third = started("shopper"), started("member"), started("member", "forums")
    client = console("responder")
    form = form_of(client.get("/sessions"), "/sessions/revoke")
    for box in form.fields["session"]:
        box.checked = box._value in (str(first.id), str(third.id))
    confirm = form.submit().follow()
    assert "End 2 sessions of 2 people?" in confirm
    assert "forums, store" in confirm
    form = form_of(confirm, "/sessions/revoke")
    form["reason"] = "incident"
    receipt = form.submit().follow()
    assert "2 sessions" in receipt
    assert not signed_in(first)
    assert not signed_in(third)
    assert signed_in(second)


def test_without_a_reason_nothing_ends_and_the_text_stays(console: Console, started: Started):
    one = started()
    form = form_of(
        form_of(console("responder").get("/sessions"), "/sessions/revoke")
        .submit("only", value=str(one.id))
        .follow(),
        "/sessions/revoke",
    )
    form["text"] = "a note that must not get lost"
    answer = form.submit(status=422)
    assert "Reason: choose one." in answer
    assert "a note that must not get lost" in answer
    assert answer.html.title.string.startswith("Error:")
    assert signed_in(one)


def test_a_set_that_changed_is_shown_again(console: Console, started: Started):
    one = started("member")
    client = console("responder")
    page = client.get(f"/users/{one.user_id}")
    form = next(f for f in page.forms.values() if f.action == "/sessions/revoke" and "site" not in f.fields)
    confirm = form.submit().follow()
    assert "End 1 session?" in confirm
    late = started("member", "forums")
    form = form_of(confirm, "/sessions/revoke")
    form["reason"] = "suspected_theft"
    again = form.submit(status=409)
    assert "has changed since you looked at it" in again
    assert "End 2 sessions?" in again
    assert signed_in(one)
    form = form_of(again, "/sessions/revoke")
    assert form["reason"].value == "suspected_theft"
    form.submit(status=303)
    assert not signed_in(one)
    assert not signed_in(late)


def test_all_of_a_user_on_one_site(console: Console, started: Started):
    store, forums = started("member"), started("member", "forums")
    client = console("responder")
    page = client.get(f"/users/{store.user_id}")
    form = next(f for f in page.forms.values() if "site" in f.fields and f["site"].value == "forums")
    form = form_of(form.submit().follow(), "/sessions/revoke")
    form["reason"] = "user_request"
    receipt = form.submit().follow()
    assert "Mia Marsh, on forums" in receipt
    assert "All of a user&#39;s refresh tokens" in receipt or "All of a user's refresh tokens" in receipt
    assert signed_in(store)
    assert not signed_in(forums)


def test_one_session_with_its_reason_in_a_single_step(console: Console, started: Started, sql: Any):
    one = started()
    answer = post(console("responder"), {"session": str(one.id), "reason": "seen by the guard at gate 4"})
    assert answer.status_int == 303
    (row,) = sql("SELECT reason_code, reason_admin, actor, initiating_entity FROM revocations")
    assert dict(row) == {
        "reason_code": "other",
        "reason_admin": "seen by the guard at gate 4",
        "actor": "responder@harbour.example",
        "initiating_entity": "admin",
    }
    assert not signed_in(one)


def test_several_sessions_with_a_reason_are_asked_about_first(console: Console, started: Started):
    one, two = started("shopper"), started("member")
    fields = [("session", str(one.id)), ("session", str(two.id)), ("reason", "test")]
    client = console("responder")
    assert "End 2 sessions of 2 people?" in post(client, fields)
    assert signed_in(one)
    assert post(client, [*fields, ("confirm", "yes")]).status_int == 303
    assert not signed_in(one)
    assert not signed_in(two)


def test_all_that_match_a_filter(console: Console, started: Started):
    near, far = started("shopper", address="192.0.2.77"), started("member", address="198.51.100.1")
    page = console("responder").get("/sessions?ip=192.0.2.64/26&site=store")
    form = form_of(page, "/sessions/revoke")
    confirm = form.submit("filter", value=form.fields["filter"][0]._value).follow()
    assert "End 1 session?" in confirm
    form = form_of(confirm, "/sessions/revoke")
    form["reason"] = "incident"
    form.submit(status=303)
    assert not signed_in(near)
    assert signed_in(far)


def test_ending_twice_is_harmless(console: Console, started: Started, sql: Any):
    one = started()
    client = console("responder")
    assert "/revocations/" in post(client, {"session": str(one.id), "reason": "test"}).location
    again = post(client, {"session": str(one.id), "reason": "test"})
    assert again.status_int == 303
    page = again.follow()
    assert "had ended already" in page
    assert "/revocations/" in page.request.path, "who has clicked twice wants the receipt"
    assert len(sql("SELECT 1 AS one FROM revocations")) == 1
    assert post(client, {"session": str(uuid4()), "reason": "test"}).location.endswith(
        "/sessions?notice=already_ended"
    )


ODD_FORMS: list[tuple[dict[str, str], int]] = [
    ({}, 303),
    ({"reason": "test"}, 422),
    ({"session": "1"}, 400),
    ({"session": "not an id", "reason": "test"}, 400),
    ({"user": "7", "confirm": "yes", "reason": "test"}, 400),
    ({"user": str(uuid4()), "site": "shop", "confirm": "yes"}, 400),
    ({"filter": "user=%00&ip=x", "confirm": "yes", "reason": "test"}, 422),
    ({"filter": "x" * 5000, "confirm": "yes", "reason": "test"}, 422),
    ({"session": str(uuid4()), "reason": "r" * 201}, 303),
    ({"user": str(uuid4()), "confirm": "yes", "reason": "r" * 201}, 422),
    ({"user": str(uuid4()), "confirm": "yes", "reason": "test", "text": "t" * 2001}, 422),
    ({"user": str(uuid4()), "confirm": "yes", "reason": "test", "digest": "junk"}, 409),
]


def test_odd_forms_end_nothing(console: Console, started: Started, sql: Any):
    one, owner = started(), console("owner")
    for fields, status in ODD_FORMS:
        assert post(owner, fields, status="*").status_int == status, fields
        assert signed_in(one), fields
    assert not sql("SELECT 1 AS one FROM revocations")


def test_the_own_session_stays_unless_ticked(console: Console, started: Started, sql: Any):
    client = console("responder")
    (own,) = sql("SELECT id, user_id FROM sessions WHERE site = 'admin'")
    assert f'value="{own["id"]}"' not in client.get("/sessions"), "no box and no button for it"
    confirm = post(client, {"user": str(own["user_id"])}).follow()
    assert "Your own session is among them" in confirm
    assert "End your own session?" in confirm
    form = form_of(confirm, "/sessions/revoke")
    form["reason"] = "test"
    form.submit(status=422)
    assert client.get("/sessions").status_int == 200
    form["include_own"] = True
    form.submit(status=303)
    assert client.get("/sessions").status_int == 302


def test_the_own_session_is_left_out_of_a_selection(console: Console, started: Started, sql: Any):
    one = started()
    client = console("responder")
    (own,) = sql("SELECT id FROM sessions WHERE site = 'admin'")
    fields = [("session", str(own["id"])), ("session", str(one.id)), ("reason", "test"), ("confirm", "yes")]
    assert post(client, fields).status_int == 303
    assert not signed_in(one)
    assert client.get("/sessions").status_int == 200


def test_everyone_needs_the_word_and_a_reason(console: Console, started: Started):
    one, two = started("shopper"), started("member", "forums")
    client = console("owner")
    form = form_of(client.get("/revoke-everyone"), "/revoke-everyone")
    answer = form.submit(status=422)
    assert "Type the word everyone" in answer
    assert "Reason: choose one." in answer
    form["word"], form["reason"] = "everybody", "incident"
    form.submit(status=422)
    assert signed_in(one)
    form["word"] = " Everyone "
    receipt = form.submit().follow()
    assert "Everyone: ended" in receipt
    assert "2 confirmed" in receipt
    assert not signed_in(one)
    assert not signed_in(two)
    assert client.get("/sessions").status_int == 200, "the owner's own session is spared"


def test_everyone_and_the_owner(console: Console):
    client = console("owner")
    form = form_of(client.get("/revoke-everyone"), "/revoke-everyone")
    form["word"], form["reason"], form["include_own"] = "everyone", "incident", True
    form.submit(status=303)
    assert client.get("/sessions").status_int == 302


def test_all_of_one_site(console: Console, started: Started):
    store, forums = started("member"), started("member", "forums")
    client = console("owner")
    asked = post(client, {"site": "forums"}, status=422)
    form = form_of(asked, "/revoke-everyone")
    assert form["site"].value == "forums"
    form["word"], form["reason"] = "everyone", "incident"
    form.submit(status=422)
    form["word"] = "forums"
    assert "All of forums: ended" in form.submit().follow()
    assert signed_in(store)
    assert not signed_in(forums)


def test_a_provider_that_is_away_is_told_later(console: Console, started: Started, idp: Idp):
    one = started()
    client = console("responder")
    idp.hook("fail", path="/api/jwt/refresh", times=1, status=503)
    answer = post(client, {"session": str(one.id), "reason": "test"})
    receipt = answer.follow()
    assert "✓ ended" in receipt
    assert "1 retrying" in receipt
    assert not signed_in(one)
    dashboard = client.get("/")
    assert "has not confirmed 1 revocation message" in dashboard
    assert "1 retrying" in client.get("/revocations")


def test_a_use_after_the_end_is_on_the_receipt(console: Console, started: Started):
    one = started()
    client = console("responder")
    receipt = post(client, {"session": str(one.id), "reason": "test"}).location
    assert not signed_in(one)
    assert "<b>1 use</b> of its cookies refused since" in client.get(receipt)
    assert "Use after end" in client.get(f"/sessions/{one.id}")
    assert str(one.id) in client.get("/sessions?flag=session_use_after_expire")
