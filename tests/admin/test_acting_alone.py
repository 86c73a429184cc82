"""Two people: the ways for one owner alone, which leave a trace and tell the others."""

from pathlib import Path
from typing import Any

from admin.test_plans import MANY
from click.testing import CliRunner
from page_forms import form_of
from support import Idp, person

from shopforum.cli import main

from .approval_steps import OWNER, by_filter, come, events, everyone
from .test_break_glass import set_up


def test_a_code_goes_without_a_second_owner_and_loudly(owners: Any, idp: Idp, sql: Any, later: Any):
    first, _ = owners
    app = set_up(first)
    later(600)
    sql("UPDATE console_authenticators SET last_step = last_step - 10 RETURNING 1")
    idp.hook("fail", path="/", times=1000, drop=True)
    form = form_of(first.get("/break-glass", {"next": "/revoke-everyone"}), "/break-glass")
    form["code"] = app.now()
    form.submit(status=303)
    # Small acts leave no row of their own, until they reach far together.
    come(sql, 60)
    assert "/revocations/" in by_filter(first).location
    assert not events(sql, "acted_alone")
    come(sql, 41, "Another")
    assert "/revocations/" in by_filter(first).location
    [alone] = events(sql, "acted_alone")
    assert (alone["actor"], alone["detail"]["way"]) == (OWNER.email, "a code of an authenticator")
    assert "/revocations/" in everyone(first).location
    assert sql("SELECT recipient FROM outgoing_mail") == [{"recipient": person("responder").email}] * 2
    assert "2 acts on many people went without a second owner, by owner@harbour.example" in first.get("/")


def test_the_command_line_goes_without_a_second_owner_and_loudly(
    owners: Any, write_ini: Any, sql: Any, tmp_path: Path
):
    first, _ = owners
    ini = write_ini(**{"admin.two_people": "true", "mail.folder": str(tmp_path / "mail")})

    def run(*options: str) -> Any:
        words = ["sessions", *options[:1], ini, *options[1:], "--reason", "incident", "--yes"]
        return CliRunner().invoke(main, words, catch_exceptions=False)

    sql(MANY, count=1)
    [one] = sql("SELECT id FROM sessions WHERE site = 'store'")
    done = run("revoke", "--session", str(one["id"]))
    assert "second owner" not in done.stderr
    assert not events(sql, "acted_alone")
    done = run("revoke", "--site", "store")
    assert "went without a second owner" in done.stderr
    [alone] = events(sql, "acted_alone")
    assert alone["actor"].startswith("cli:")
    assert (alone["detail"]["typed"], alone["detail"]["way"]) == (
        "End all sessions of store",
        "the command line",
    )
    assert len(sql("SELECT 1 FROM outgoing_mail")) == 2
    assert "went without a second owner" in first.get("/")
