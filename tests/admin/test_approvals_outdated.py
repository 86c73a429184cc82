"""Two people: nobody approves what the one who asked could not ask for any more."""

from typing import Any

from page_forms import form_of
from support import Idp

from .approval_steps import OWNER, decide, everyone, path_of

# The change that takes the right away from the one who asked, the change that gives it back, and the text of the page.
LOST = [
    (
        "UPDATE sessions SET quarantined_at = now(), quarantine_reason = 'incident' WHERE user_id = :id",
        "UPDATE sessions SET quarantined_at = NULL, quarantine_reason = NULL WHERE user_id = :id",
        "The session that it was asked with is in quarantine.",
    ),
    (
        "UPDATE sessions SET ended_at = now(), end_reason = 'incident' WHERE user_id = :id",
        "UPDATE sessions SET ended_at = NULL, end_reason = NULL WHERE user_id = :id",
        "The session that it was asked with was revoked since.",
    ),
    (
        "INSERT INTO revocation_gates (key, epoch, revocation_id) VALUES ('user:' || :id, 1000, gen_random_uuid())",
        "DELETE FROM revocation_gates WHERE key = 'user:' || :id",
        "The session that it was asked with was revoked since.",
    ),
    (
        """INSERT INTO standing_rules (until, user_id, actor, reason_code)
        VALUES (now() + interval '1 day', CAST(:id AS uuid), 'ada', 'incident')""",
        "DELETE FROM standing_rules WHERE user_id = :id",
        "A deny rule refuses the owner who asked.",
    ),
    (
        "UPDATE sessions SET roles = '{responder}' WHERE user_id = :id",
        "UPDATE sessions SET roles = '{owner}' WHERE user_id = :id",
        "The one who asked is no owner of the console any more.",
    ),
    (
        "UPDATE approvals SET session_id = NULL WHERE user_id = :id",
        "UPDATE approvals SET session_id = (SELECT id FROM sessions WHERE user_id = approvals.user_id)",
        "There is nothing left to tell by",
    ),
]


def test_nobody_approves_what_the_one_who_asked_could_not_ask_for_now(owners: Any, idp: Idp, sql: Any):
    first, second = owners
    path = path_of(everyone(first))
    token = form_of(second.get(path), "/logout")["csrf_token"].value

    def refused(why: str) -> None:
        page = second.post(path, {"csrf_token": token, "decision": "approve"}, status=409)
        assert why in page
        assert not sql("SELECT 1 FROM revocations")

    for take, give_back, why in LOST:
        sql(f"{take} RETURNING 1", id=OWNER.id)
        page = second.get(path)
        assert why in page
        assert "Approve and do it" not in page
        refused(why)
        sql(f"{give_back} RETURNING 1", id=OWNER.id)
    # FusionAuth knows before the console does; while it is away, the roles count that it has last given.
    idp.hook("lock", email=OWNER.email)
    assert "Approve and do it" in second.get(path)
    refused("The one who asked is no owner of the console any more.")
    idp.hook("fail", path="/api/user", times=9, drop=True)
    # A session that its owner has left was good to the end.
    sql(
        "UPDATE sessions SET ended_at = now(), end_reason = 'logout' WHERE user_id = :id RETURNING 1",
        id=OWNER.id,
    )
    decide(second, path)
    assert sql("SELECT scope, actor FROM revocations") == [{"scope": "everyone", "actor": OWNER.email}]


def test_an_act_may_end_the_session_that_it_was_asked_with(owners: Any, sql: Any):
    first, second = owners
    form = form_of(first.get("/revoke-everyone"), "/revoke-everyone")
    form["include_own"] = True
    form["word"], form["reason"] = "everyone", "incident"
    decide(second, path_of(form.submit()))
    assert first.get("/").status_int == 302
    assert sql("SELECT scope FROM revocations") == [{"scope": "everyone"}]
