"""FusionAuth announces the deletion of an account that we have asked it for: the echo ends nobody else's session."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from page_forms import form_of
from support import Browser, person
from webhooks.webhook_peers import Sender, about, signed_in

from shopforum.account import deletion

USER = UUID(person("member").id)


def test_the_echo_of_a_deletion_does_no_harm(
    browser: Callable[..., Browser], apps: dict[str, Any], sql: Any, fusionauth: Sender, later: Any
) -> None:
    store, other = browser("store"), browser("store")
    store.log_in("member")
    other.log_in("shopper")
    page = store.get("/account/delete/confirm")
    form_of(page, "/account/delete/confirm").submit(status=303)
    # As if an admin had locked the account meanwhile: the deletion goes on.
    fusionauth.send(fusionauth.event("user.deactivate", user=about("member")))
    later(14 * 86400)
    assert deletion.run_once(apps["store"].services) == 1
    done = sql("SELECT * FROM account_deletions")
    fusionauth.send(fusionauth.event("user.delete", user=about("member")))
    fusionauth.send(fusionauth.event("user.delete", user=about("member")))
    assert sql("SELECT * FROM account_deletions") == done
    assert {
        row["end_reason"] for row in sql("SELECT end_reason FROM sessions WHERE user_id = :id", id=USER)
    } == {"deletion_asked"}
    assert signed_in(other)
    assert sql("SELECT user_email FROM sessions WHERE user_id = :id", id=USER)[0]["user_email"] == ""
