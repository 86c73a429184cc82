"""One act, three ways in: the console, the API and the command line write the same rows, make the same calls to the
identity provider and get the same receipt. Only who acted, and from where, may differ.
"""

import json
from configparser import RawConfigParser
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from shopforum.cli import main
from shopforum.core.sites import SITES

REASON = {"code": "incident", "text": "case 7", "user_text": "Please log in again."}
# For each act: the console's form, the API's scope, the command's options, and which sessions end.
ACTS = {
    "session": (
        lambda s: {"session": s[0].id},
        lambda s: {"session": str(s[0].id)},
        lambda s: ["--session", str(s[0].id)],
        [0],
    ),
    "address": (
        lambda s: {"filter": "ip=203.0.113.0/24"},
        lambda s: {"ip": "203.0.113.0/24"},
        lambda s: ["--ip", "203.0.113.0/24"],
        [1, 2],
    ),
    "user on a site": (
        lambda s: {"user": s[0].user_id, "site": "forums"},
        lambda s: {"user": str(s[0].user_id), "site": "forums"},
        lambda s: ["--user", str(s[0].user_id), "--site", "forums"],
        [1],
    ),
    "site": (
        lambda s: {"site": "forums"},
        lambda s: {"site": "forums"},
        lambda s: ["--site", "forums"],
        [1, 2],
    ),
    "everyone": (lambda s: {"site": ""}, lambda s: {"everyone": True}, lambda s: ["--everyone"], [0, 1, 2]),
}


@pytest.fixture
def ini(tmp_path, settings, apps):
    parser = RawConfigParser()
    for site in SITES:
        parser[f"app:{site}"] = {"use": "egg:shopforum", **settings(site)}
    with (tmp_path / "site.ini").open("w") as file:
        parser.write(file)
    return str(tmp_path / "site.ini")


def on_the_console(owner, fields):
    whole_site = "site" in fields and "user" not in fields
    path = "/revoke-everyone" if whole_site else "/sessions/revoke"
    query = urlencode({name: value for name, value in fields.items() if value}, doseq=True)
    form = next(f for f in owner.get(f"{path}?{query}", status=200).forms.values() if f.action == path)
    form["reason"], form["text"], form["user_text"] = REASON.values()
    if whole_site:
        form["include_own"] = True
        form["site"] = fields["site"]
        form["word"] = fields["site"] or "everyone"
    return form.submit(status=303).location.rpartition("/")[2]


def by_the_api(call, scope):
    return call("POST", "/revocations", {"scope": scope, "reason": REASON}, 201).json["id"]


def on_the_command_line(ini, options):
    more = [
        "--reason",
        REASON["code"],
        "--text",
        REASON["text"],
        "--user-text",
        REASON["user_text"],
        "--yes",
        "--json",
    ]
    answer = CliRunner().invoke(main, ["sessions", "revoke", ini, *options, *more], catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)["id"]


def story(sql, idp, call, revocation_id, names):
    """Return all rows of a revocation, with names in place of the ids that no two acts share."""
    own = (
        "id",
        "epoch",
        "swept_at",
        "at",
        "created_at",
        "marked_at",
        "next_try_at",
        "done_at",
        "sent_at",
        "actor",
        "address",
        "agent",
        "request_id",
        "mac",
        "seq",
    )

    def named(value):
        told = json.dumps(value, default=str, sort_keys=True)
        for name, words in {**names, "REVOCATION": revocation_id}.items():
            told = told.replace(str(words), name)
        return told

    def rows(statement):
        found = [{k: v for k, v in row.items() if k not in own} for row in sql(statement, id=revocation_id)]
        return sorted(map(named, found))

    receipt = call("GET", f"/revocations/{revocation_id}", status=200).json
    return {
        "revocation": rows("SELECT * FROM revocations WHERE id = :id"),
        "audit": rows("SELECT * FROM audit_log WHERE revocation_id = :id"),
        "outbox": rows("SELECT * FROM revocation_outbox WHERE revocation_id = :id"),
        "sessions": rows(
            "SELECT site, state.* FROM sessions, LATERAL (SELECT end_reason) state WHERE revocation_id = :id"
        ),
        "calls": sorted(named(call) for call in idp.calls("/api/")),
        "receipt": named({k: v for k, v in receipt.items() if k not in own}),
    }


@pytest.mark.parametrize("act", ACTS)
def test_three_ways_one_act(act, started, browser, call, ini, sql, idp):
    form, scope, options, ended = ACTS[act]
    ways = (
        lambda s, owner: on_the_console(owner, form(s)),
        lambda s, owner: by_the_api(call, scope(s)),
        lambda s, owner: on_the_command_line(ini, options(s)),
    )
    stories = []
    for way in ways:
        for table in ("sessions", "revocation_gates"):
            sql(f"DELETE FROM {table}")
        owner = browser("admin")
        owner.log_in("owner")
        all_of_them = [
            started("moderator"),
            started("moderator", "forums", "203.0.113.5"),
            started("member", "forums", "203.0.113.6"),
        ]
        tokens = sql(
            "SELECT id, refresh_token_id FROM sessions WHERE refresh_token_id IS NOT NULL ORDER BY created_at"
        )
        names = {f"SESSION{n}": one.id for n, one in enumerate(all_of_them)}
        names |= {f"TOKEN{n}": row["refresh_token_id"] for n, row in enumerate(tokens)}
        idp.forget_calls()
        revocation_id = way(all_of_them, owner)
        stories.append(story(sql, idp, call, revocation_id, names))
        assert [n for n, one in enumerate(all_of_them) if not one.lives] == ended
    for name in stories[0]:
        assert stories[0][name] == stories[1][name] == stories[2][name], name
    assert stories[0]["audit"]
    assert stories[0]["calls"]
