"""A moderator hides what a post said before an edit: for everybody else it is gone wherever it stood."""

import pytest
from forums.forum_actions import QUICK, moderate
from page_forms import form_of
from sqlalchemy import text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import writing
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


@pytest.fixture
def edited(db: Database, topic: Placed, mia: Person) -> tuple[int, list[int]]:
    """A post that said three things, with the ids of its edits."""
    own = writing.reply(db, topic.topic_id, mia, "apricot words", QUICK)
    writing.edit(db, own.post_id, mia, "banana words", "of my own address", None, QUICK)
    writing.edit(db, own.post_id, mia, "cherry words", "tidied", None, QUICK)
    return own.post_id, [row["id"] for row in db.all(text("SELECT id FROM forum_edits ORDER BY id"))]


def diffs(page: object) -> list[str]:
    return [" ".join(p.text.split()) for p in page.html.select(".post .prose")]


def test_a_hidden_text_is_gone_on_both_sides(
    moderator: Browser, member: Browser, visitor: Browser, edited: tuple[int, list[int]]
) -> None:
    post_id, [first, second] = edited
    history = f"/posts/{post_id}/history"
    assert "banana" in visitor.get(history)
    moderate(moderator, f"{history}/{second}", "hide", reason="somebody's address")
    for reader in (visitor, member):
        page = reader.get(history)
        assert diffs(page) == [
            "A moderator hid the earlier text: somebody's address",
            "A moderator hid the text after this edit.",
        ]
        assert "banana" not in page
        assert "tidied" not in page
        assert "of my own address" in page
    page = moderator.get(history)
    assert "banana" in page
    assert "tidied" in page
    assert "Moe Mooring hid an earlier text of your post in Which pan" in " ".join(
        member.get("/inbox").html.text.split()
    )
    assert "hid an earlier text of a post in" in visitor.get("/moderation")
    moderate(moderator, f"{history}/{first}", "hide")
    assert "apricot" not in visitor.get(history)
    for edit in (first, second):
        moderate(moderator, f"{history}/{edit}", "show")
    assert "banana" in visitor.get(history)


def test_only_moderators_hide_and_with_a_reason(
    moderator: Browser, member: Browser, topic: Placed, edited: tuple[int, list[int]]
) -> None:
    post_id, [first, _] = edited
    path = f"/posts/{post_id}/history/{first}"
    member.get(path, status=403)
    token = form_of(member.get("/posts"), "/logout")["csrf_token"].value
    member.post(path, {"csrf_token": token, "act": "hide", "reason": "x"}, status=403)
    form = form_of(moderator.get(path), path)
    form["act"] = "hide"
    assert "Give a reason" in form.submit(status=422)
    for nowhere in (f"/posts/{topic.post_id}/history/{first}", f"/posts/{post_id}/history/{10**17}"):
        moderator.get(nowhere, status=404)


def test_a_hidden_edit_is_not_hidden_again(
    moderator: Browser, visitor: Browser, edited: tuple[int, list[int]]
) -> None:
    post_id, [first, _] = edited
    path = f"/posts/{post_id}/history/{first}"
    form = form_of(moderator.get(path), path)
    form["act"], form["reason"] = "hide", "once"
    form.submit(status=303)
    form.submit(status=409)
    assert visitor.get("/moderation").text.count("hid an earlier text") == 1
