"""`shopforum demo attack`: the attacks over real HTTP, and a verdict that can go either way."""

import json
import socket
import threading

import pytest
from click.testing import CliRunner
from waitress import create_server, wasyncore

import shopforum
from shopforum.cli import main
from shopforum.core.sites import SITES


@pytest.fixture
def demo(tmp_path, write_ini, settings, apps, idp):
    """`demo(broken=None)`: the store on a port, as `shopforum dev` serves it; returns the ini file's path.

    A broken one shows everybody the cart, as the published workflow does; `broken` chooses the requests.
    """
    ending = []

    def start(*, broken=None):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        urls = {f"shopforum.{site}_url": f"http://{site}.localhost:{port}" for site in SITES}
        changed = {**settings("store"), **urls, "shopforum.development": "true"}
        facts = {site: urls[f"shopforum.{site}_url"] for site in SITES}
        (tmp_path / "dev.json").write_text(json.dumps(facts | {"idp_hooks": idp.hooks}))
        serve = shopforum.main({}, **changed)

        def careless(environ, start_response):
            if broken and broken(environ):
                start_response("200 OK", [("Content-Type", "text/html")])
                return [b"the cart"]
            return serve(environ, start_response)

        sockets, stopping = {}, threading.Event()
        server = create_server(careless, host="127.0.0.1", port=port, threads=2, map=sockets)

        def listen():
            while not stopping.is_set():
                wasyncore.loop(timeout=1, map=sockets, count=1)

        thread = threading.Thread(target=listen)
        thread.start()

        def end():
            stopping.set()
            server.pull_trigger()
            thread.join()
            server.task_dispatcher.shutdown()
            wasyncore.close_all(sockets)
            serve.services.db.engine.dispose()

        ending.append(end)
        return write_ini(**urls, **{"shopforum.development": "true"})

    yield start
    for end in ending:
        end()


def attack(kind, ini):
    return CliRunner().invoke(main, ["demo", "attack", kind, ini], catch_exceptions=False)


@pytest.mark.parametrize(
    ("kind", "flag"),
    [
        ("refresh-token", "refresh_without_session"),
        ("session-id", "session_without_refresh_token"),
        ("both-cookies", "session_use_after_expire"),
        ("copied-jar", "session_use_after_expire"),
        ("bound-jar", "session_used_without_key"),
    ],
)
def test_the_attack_is_refused_and_where_to_see_it_is_said(demo, sql, kind, flag):
    answer = attack(kind, demo())
    assert answer.exit_code == 0, answer.output
    assert "refused" in answer.stdout.splitlines()
    [session] = sql("SELECT * FROM sessions")
    assert flag in [row["kind"] for row in sql("SELECT kind FROM session_flags")]
    assert f"/sessions/{session['id']}" in answer.stdout
    assert "responder@harbour.example" in answer.stdout
    assert (session["ended_at"] is None) == (kind in ("refresh-token", "session-id", "bound-jar"))


def by_curl(environ):
    return environ["HTTP_USER_AGENT"].startswith("curl")


def of_the_cart(environ):
    return environ["PATH_INFO"] == "/shopping-cart"


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        *((kind, by_curl) for kind in ("refresh-token", "session-id", "both-cookies", "copied-jar")),
        # That thief has the owner's browser name.
        ("bound-jar", of_the_cart),
    ],
)
def test_a_site_that_serves_the_thief_is_found_out(demo, kind, broken):
    answer = attack(kind, demo(broken=broken))
    assert answer.exit_code == 1
    assert "NOT refused" in answer.stdout.splitlines()


def test_without_a_running_demo_it_says_how_to_start_one(tmp_path, write_ini):
    ini = write_ini()
    assert attack("session-id", ini).exit_code == 2
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "dev.json").write_text(json.dumps({"store": f"http://store.localhost:{port}"}))
    answer = attack("session-id", ini)
    assert answer.exit_code == 2
    assert "make run" in answer.stderr


def test_an_unknown_attack(write_ini):
    answer = attack("nonsense", write_ini())
    assert answer.exit_code == 2
    assert "refresh-token" in answer.stderr
