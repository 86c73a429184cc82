"""`shopforum demo attack`: play the attacks A1 to A4 of the workflow against the running demonstration, and the theft of the
whole jar of a session that is bound to its device.

The shopper logs in over HTTP as a browser does; the thief has a browser and, where the system allows it, an address of
its own. Their requests are real: the sites cannot tell them from those of other visitors.
"""

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import requests
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shopforum.cli.deployment import DONE, NOTHING, USAGE, Stop, site
from shopforum.cli.terminal import many
from shopforum.sessions import Reason, Scope, Sessions, is_outage, records
from shopforum.sessions.audit import Client
from shopforum.sessions.cookies import BOUND, REFRESH, SESSION

from .device import Device, NoOffer
from .sample import LOGINS
from .visitor import Answer, SiteAway, Visitor

_CART = "/shopping-cart"
_OWNER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
_THIEF_AGENT = "curl/8.14.1"
_THIEF_ADDRESS = "127.0.0.66"
_REFRESHES = {("POST", "/api/jwt/refresh"), ("POST", "/oauth2/token")}

# Instead of a wait of half an hour: the idle timeout of the session, or the grace of its last pair, is set to have passed.
_IDLE_OUT = text("UPDATE sessions SET idle_end = now() - interval '1 second' WHERE id = :id")
_PASS_GRACE = text(
    """WITH replaced AS (
      UPDATE session_credentials SET replaced_at = replaced_at - :seconds * interval '1 second' WHERE session_id = :id
    )
    UPDATE sessions SET head_since = head_since - :seconds * interval '1 second' WHERE id = :id"""
)
_PROOF_RUNS_OUT = text("UPDATE session_bound_cookies SET expires_at = now() WHERE session_id = :id")
_FLAGS = text("SELECT kind, count, host(last_address) AS address FROM session_flags WHERE session_id = :id")
_ENDED = text(
    "SELECT end_reason, host(last_address) AS address FROM sessions WHERE id = :id AND ended_at IS NOT NULL"
)


class _Odd(Stop):
    """The demonstration does not run, or not as it should."""

    def __init__(self, message: str) -> None:
        super().__init__(message, USAGE)


@dataclass(frozen=True)
class _Scene:
    """The scene of an attack: the instance, its sessions, the signed-in shopper, the answer to her login, and the id of her
    session.
    """

    facts: dict[str, Any]
    sessions: Sessions
    owner: Visitor
    login: Answer
    session_id: UUID

    def thief(self, cookies: dict[str, str]) -> Visitor:
        """Return another visitor with these cookies."""
        return _visitor(self.facts, _THIEF_AGENT, _THIEF_ADDRESS, cookies)

    def refreshes(self) -> int:
        """Return how many refreshes the identity provider has been asked for."""
        with requests.Session() as http:
            # Without the proxy that the environment may name: the provider is on this machine.
            http.trust_env = False
            calls = http.get(f"{self.facts['idp_hooks']}/calls", timeout=10).json()["calls"]
        return sum((call["method"], call["path"]) in _REFRESHES for call in calls)


@click.group
def command() -> None:
    """Play attacks against the running demonstration."""


_KINDS = """\b
Kinds:
  refresh-token  the refresh token, used with a made-up session id (A1)
  session-id     the session id alone (A2)
  both-cookies   both, used after the owner's browser has moved on (A3)
  copied-jar     both, used at once; an admin ends the session (A4)
  bound-jar      all cookies of a session that is bound to its device

\b
Exit codes:
  0  refused, and the owner lost nothing she should keep
  1  NOT refused
  2  no demonstration is running
"""


@command.command(epilog=_KINDS)
@click.argument("kind", metavar="KIND")
@click.argument("ini", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def attack(kind: str, ini: Path) -> None:
    """Steal a shopper's cookies and use them.

    KIND is what is stolen, INI the ini file of a running demonstration: .data/shopforum.ini after `make run`.
    Prints `refused` or `NOT refused` on a line of its own, after what happened and before where to see it.
    """
    play = _PLAYS.get(kind)
    if play is None:
        raise click.BadParameter(f"choose one of {', '.join(_PLAYS)}", param_hint="KIND")
    try:
        scene = _open(ini)
        refused = play(scene)
    except (SiteAway, requests.RequestException, SQLAlchemyError) as error:
        if isinstance(error, SQLAlchemyError) and not is_outage(error):
            raise
        raise _Odd(
            f"The demonstration is not running: start it with `make run` ({error.__class__.__name__})."
        ) from None
    click.echo(f"\n{'refused' if refused else 'NOT refused'}\n")
    _where(scene)
    sys.exit(DONE if refused else NOTHING)


def _refresh_token(scene: _Scene) -> bool:
    """A1: a stolen refresh token beside a made-up session id."""
    before = scene.refreshes()
    stolen = {SESSION: secrets.token_urlsafe(32), REFRESH: scene.owner.cookies[REFRESH]}
    answer = scene.thief(stolen).get(_CART)
    _step(f"A thief ({_THIEF_ADDRESS}, curl) sends her refresh token and a made-up session id: {answer}.")
    asked = scene.refreshes() - before
    _step(f"FusionAuth was asked to refresh {many(asked, 'time')}.")
    return _turned_away(answer) and not asked and _still_hers(scene)


def _session_id(scene: _Scene) -> bool:
    """A2: a stolen session id alone."""
    answer = scene.thief({SESSION: scene.owner.cookies[SESSION]}).get(_CART)
    _step(f"A thief ({_THIEF_ADDRESS}, curl) sends her session id alone: {answer}.")
    return _turned_away(answer) and _still_hers(scene)


def _both_cookies(scene: _Scene) -> bool:
    """A3: both cookies, used after the owner's browser has moved on. The session is worth nothing to either."""
    stolen = {name: scene.owner.cookies[name] for name in (SESSION, REFRESH)}
    _step("A thief copies both cookies, and waits.")
    _change(scene, _IDLE_OUT)
    renewed = scene.owner.get(_CART)
    _step(f"Half an hour later (set in the database) the shopper's session is renewed unnoticed: {renewed}.")
    scene.owner.get(_CART)
    _change(scene, _PASS_GRACE, seconds=scene.sessions.config.grace + 1)
    answer = scene.thief(stolen).get(_CART)
    _step(f"The thief ({_THIEF_ADDRESS}, curl) sends the spent pair: {answer}.")
    row = scene.sessions.db.one(_ENDED, id=scene.session_id)
    _step(f"The session has ended, here and at FusionAuth: {row['end_reason'] if row else 'NO'}.")
    owner = scene.owner.get(_CART)
    _step(f"The shopper's browser is sent to log in again, and told why: {owner}.")
    return _turned_away(answer) and row is not None and owner.status == 302


def _copied_jar(scene: _Scene) -> bool:
    """A4: both cookies, used at the same time as their owner. They pass as the session: an admin has to see it and end it."""
    thief = scene.thief({name: scene.owner.cookies[name] for name in (SESSION, REFRESH)})
    _step(f"A thief ({_THIEF_ADDRESS}, curl) sends both cookies at once: {thief.get(_CART)}.")
    reason = Reason(
        "admin", "demo", "suspected_theft", user="Somebody copied your cookies. Your cart is safe."
    )
    scene.sessions.revoke(Scope(sessions=(scene.session_id,)), reason, Client(agent="shopforum demo"))
    _step("An admin has seen two browsers on one session, and ends it.")
    answer, owner = thief.get(_CART), scene.owner.get(_CART)
    _step(f"The thief's next request: {answer}.")
    _step(f"The shopper's next request: {owner}; the login page tells her why.")
    return _turned_away(answer) and owner.status == 302


def _bound_jar(scene: _Scene) -> bool:
    """All cookies of a bound session: a thief holds them until the proof is due, and cannot sign it."""
    device, owner = Device(), scene.owner
    try:
        answer = device.register(owner, scene.login)
    except NoOffer:
        raise _Odd("The store offers no binding: set sessions.binding to offer.") from None
    _step(f"Her browser binds the session to a key of its device: {answer}.")
    if BOUND not in owner.cookies:
        raise _Odd(f"The store did not bind the session: {answer}.")
    # With the name of her browser, and from her address: nothing but the key tells the two apart.
    thief = _visitor(scene.facts, owner.agent, owner.address, dict(owner.cookies))
    _step("A thief copies all cookies, her browser's name and her address.")
    _step(f"The thief's first request, while her last proof is good: {thief.get(_CART)}.")
    _change(scene, _PROOF_RUNS_OUT)
    answers = [thief.get(_CART)]
    _step(f"The proof has run out (set in the database). The thief sends the same cookies: {answers[0]}.")
    renewed = device.renew(owner)
    _step(f"Her browser signs a new one, before it asks for a page: {renewed}.")
    forged = device.impostor().renew(thief)
    _step(f"The thief asks for a challenge, and signs it with a key of his own: {forged}.")
    replayed = device.present(thief, device.proof)
    _step(f"The thief sends the proof that her browser has just used: {replayed}.")
    second = Device().register(thief, scene.login)
    _step(f"The thief tries to register a key of his own for the session: {second}.")
    answers.append(thief.get(_CART))
    _step(f"The thief sends the same cookies again: {answers[1]}.")
    proofs = (forged, replayed, second)
    return (
        all(map(_turned_away, answers))
        and all(proof.status == 403 and BOUND not in proof.given for proof in proofs)
        and _still_hers(scene)
    )


_PLAYS: dict[str, Callable[[_Scene], bool]] = {
    "refresh-token": _refresh_token,
    "session-id": _session_id,
    "both-cookies": _both_cookies,
    "copied-jar": _copied_jar,
    "bound-jar": _bound_jar,
}


def _open(ini: Path) -> _Scene:
    """Read the facts of the demonstration, and sign the shopper in."""
    try:
        facts = json.loads(ini.with_name("dev.json").read_text())
    except (OSError, ValueError):
        raise _Odd(f"No demonstration runs beside {ini}: start it with `make run`.") from None
    owner = _visitor(facts, _OWNER_AGENT, "127.0.0.1", {})
    shopper = LOGINS[0]
    login = owner.log_in(shopper.email, shopper.password)
    if not {SESSION, REFRESH} <= owner.cookies.keys():
        raise _Odd(f"The store did not let the shopper in: {login}.")
    _step(
        f"{shopper.first_name} {shopper.last_name} logs in at {facts['store']}: {login}, with both cookies."
    )
    cart = owner.get(_CART)
    _step(f"The shopper's browser shows the cart: {cart}.")
    if cart.status != 200:
        raise _Odd(f"The shopper cannot see the cart: {cart}.")
    sessions: Sessions = site(str(ini), "store").sessions
    hashes = sessions.config.secrets.digests("store", "refresh", owner.cookies[REFRESH])
    found = records.by_refresh_token(sessions.db, hashes)
    if found is None:
        raise _Odd(f"{ini} is not the ini file of the demonstration at {facts['store']}.")
    return _Scene(facts, sessions, owner, login, found.id)


def _visitor(facts: dict[str, Any], agent: str, address: str, cookies: dict[str, str]) -> Visitor:
    """Return a visitor of the demonstration's store."""
    return Visitor(facts["store"], agent, address, cookies, facts.get("tls", {}).get("ca"))


def _turned_away(answer: Answer) -> bool:
    """Return whether a visitor was shown nothing and was given no cookie."""
    return (
        answer.status == 302
        and answer.location.startswith("/login")
        and not {SESSION, REFRESH} & answer.given
    )


def _still_hers(scene: _Scene) -> bool:
    answer = scene.owner.get(_CART)
    _step(f"The shopper's browser still shows the cart: {answer}.")
    return answer.status == 200


def _change(scene: _Scene, statement: Any, **values: Any) -> None:
    scene.sessions.db.all(statement, id=scene.session_id, **values)


def _step(text: str) -> None:
    click.echo(f"- {text}")


def _where(scene: _Scene) -> None:
    """Print what the console shows of the attack, and at which addresses."""
    admin, login = (
        scene.facts["admin"],
        next(each for each in LOGINS if "responder" in each.roles.get("admin", ())),
    )
    for flag in scene.sessions.db.all(_FLAGS, id=scene.session_id):
        click.echo(
            f"Flagged on her session: {flag['kind']}, {many(flag['count'], 'time')}, last from {flag['address']}."
        )
    click.echo(f"See it in the console, as {login.email} with {login.password}:")
    click.echo(f"  the session    {admin}/sessions/{scene.session_id}")
    click.echo(f"  the audit log  {admin}/audit?session={scene.session_id}")
    click.echo(f"  the dashboard  {admin}/")
