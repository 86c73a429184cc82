"""A login with a new device: asked about where its owner was signed in before, once, and never by itself."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from support import Browser

from shopforum.mail import outgoing as mail
from shopforum.mail.outgoing import MailSettings

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36"
PAGE = {"store": "/shopping-cart", "forums": "/posts"}


@pytest.fixture
def folder(apps: dict[str, Any], tmp_path: Path) -> Iterator[Path]:
    """Mail is on, and goes into a folder."""
    on = mail.parse({"mail.folder": str(tmp_path / "mail")})
    before = {site: apps[site].services.objects[MailSettings] for site in PAGE}
    for site in PAGE:
        apps[site].services.objects[MailSettings] = on
    yield tmp_path / "mail"
    for site, settings in before.items():
        apps[site].services.objects[MailSettings] = settings


@pytest.fixture
def old_and_new(browser: Callable[..., Browser]) -> tuple[Browser, Browser]:
    """Signed in on Linux before, and now on Windows too."""
    old, new = browser("store", "192.0.2.1"), browser("store", "203.0.113.9")
    new.extra_environ["HTTP_USER_AGENT"] = CHROME
    old.log_in("member")
    new.log_in("member")
    return old, new


def question(client: Browser, path: str = "/shopping-cart") -> Any:
    return client.get(path, status=200).html.find("section", attrs={"aria-label": "New sign-in"})


def answer(client: Browser, ending: str, path: str = "/shopping-cart", **options: Any) -> Any:
    page = client.get(path, status=200)
    form = next(f for f in page.forms.values() if f.action.endswith(ending))
    headers = {"Referer": client.extra_environ["wsgi.url_scheme"] + "://store.test" + path}
    return form.submit("reported" if ending == "/revoke" else None, headers=headers, **options)


def test_the_devices_that_were_signed_in_before_are_asked_and_no_others(
    old_and_new: tuple[Browser, Browser], browser: Callable[..., Browser]
) -> None:
    old, new = old_and_new
    text = " ".join(question(old).text.split())
    assert "New sign-in from Chrome on Windows, 203.0.113.9, now. Was this you?" in text
    assert question(new) is None
    stranger, elsewhere = browser("store"), browser("forums")
    stranger.log_in("shopper")
    elsewhere.log_in("member")
    assert question(stranger) is None
    assert question(elsewhere, "/posts") is None


def test_never_at_the_first_login_and_never_for_a_known_device(
    browser: Callable[..., Browser], sql: Any, folder: Path
) -> None:
    one = browser("store")
    one.log_in("member")
    one.post(
        "/logout",
        {"csrf_token": one.get("/shopping-cart").html.select_one("input[name=csrf_token]")["value"]},
    )
    one.log_in("member")
    forums = browser("forums")
    forums.log_in("member")
    assert sql("SELECT 1 FROM new_sign_ins UNION ALL SELECT 1 FROM outgoing_mail") == []


def test_yes_ends_the_question_everywhere(
    old_and_new: tuple[Browser, Browser], browser: Callable[..., Browser], count_sql: Any
) -> None:
    old, new = old_and_new
    back = answer(old, "/confirm", status=303)
    assert back.location == "/shopping-cart?notice=device-known"
    assert "stays signed in" in back.follow().text
    assert question(old) is None
    new.get("/shopping-cart", status=200)
    with count_sql(old) as statements:
        question(old)
    assert len(statements) == 2


def test_no_ends_the_new_device_and_reports_it(old_and_new: tuple[Browser, Browser], sql: Any) -> None:
    old, new = old_and_new
    page = answer(old, "/revoke", status=303).follow()
    assert "Now change your password" in page.text
    refused = new.get("/shopping-cart", status=302)
    assert "reported" in refused.follow().text
    assert question(old) is None
    assert sql("SELECT 1 FROM session_flags WHERE kind = 'session_reported'")


def test_the_new_device_cannot_nod_for_itself(
    old_and_new: tuple[Browser, Browser], browser: Callable[..., Browser], sql: Any
) -> None:
    old, new = old_and_new
    [row] = sql("SELECT session_id FROM new_sign_ins")
    later = browser("store", "203.0.113.9")
    later.log_in("member")
    for client in (new, later):
        token = client.get("/account/sessions").html.select_one("input[name=csrf_token]")["value"]
        client.post(f"/account/sessions/{row['session_id']}/confirm", {"csrf_token": token}, status=303)
    assert "Chrome on Windows" in question(old).text
    for junk in ("junk", "0", "%F0%9F%98%80"):
        new.post(f"/account/sessions/{junk}/confirm", {"csrf_token": token_of(new)}, status=404)


def test_a_second_new_device_hides_no_first(
    old_and_new: tuple[Browser, Browser], browser: Callable[..., Browser]
) -> None:
    old, _ = old_and_new
    browser("store", "203.0.113.77").log_in("member")
    assert "203.0.113.9" in question(old).text
    answer(old, "/confirm", status=303)
    assert "203.0.113.77" in question(old).text


def test_an_ordinary_page_costs_no_statement_more(
    old_and_new: tuple[Browser, Browser], count_sql: Any
) -> None:
    for client, expected in zip(old_and_new, (3, 2), strict=True):
        with count_sql(client) as statements:
            client.get("/shopping-cart", status=200)
        assert len(statements) == expected, statements


def test_a_new_device_that_is_gone_is_not_asked_about(
    old_and_new: tuple[Browser, Browser],
) -> None:
    old, new = old_and_new
    new.post("/logout", {"csrf_token": token_of(new)}, status=303)
    assert question(old) is None


def test_the_letter_says_what_and_where(
    folder: Path, old_and_new: tuple[Browser, Browser], apps: dict[str, Any], sql: Any
) -> None:
    # Queued by the login, sent by the worker.
    assert not folder.exists()
    services = apps["store"].services
    assert mail.run_once(services.db, services.objects[MailSettings]) == 1
    assert mail.run_once(services.db, services.objects[MailSettings]) == 0
    assert sql("SELECT 1 FROM outgoing_mail") == []
    [file] = folder.iterdir()
    letter: Any = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert (letter["To"], letter["Subject"]) == ("member@harbour.example", "New sign-in to Harbour Store")
    for kind in ("plain", "html"):
        text = letter.get_body((kind,)).get_content()
        for part in (
            "Harbour Store",
            "store.test",
            " UTC",
            "Chrome on Windows",
            "203.0.113.9",
            "https://store.test/account/sessions",
            "Mia Marsh",
        ):
            assert part in text, (kind, part)
        assert "/login" not in text
        assert "href" not in text


def test_the_letter_can_be_switched_off(
    folder: Path, apps: dict[str, Any], browser: Callable[..., Browser], sql: Any
) -> None:
    services = apps["store"].services
    services.objects[MailSettings] = replace(services.objects[MailSettings], new_device=False)
    for _ in range(2):
        browser("store").log_in("member")
    assert sql("SELECT 1 FROM outgoing_mail") == []
    assert len(sql("SELECT 1 FROM new_sign_ins")) == 1


def token_of(client: Browser) -> str:
    return str(client.get("/account/sessions").html.select_one("input[name=csrf_token]")["value"])
