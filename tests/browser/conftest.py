"""The three sites on a real port, over TLS as in production, and a real Chromium in front of them."""

import os
import random
import shutil
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import clocks
import pytest
import row_order
from browser.page_checks import WIDE, Inspector, log_in
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, Playwright, expect, sync_playwright

import shopforum
from shopforum import hosts
from shopforum.core.sites import SITES
from shopforum.dev.certificates import ServerCertificate, server_certificate
from shopforum.dev.sample import store as store_sample
from shopforum.dev.tls_relay import relaying
from shopforum.serving import Server

# The shell is Chromium without the windows of a desktop, each of which takes longer to make than most pages.
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _PROGRAMS)), None)
# Playwright's own list gives way to this one. The last three draw suggestions below an address bar that nobody sees: two
# processes more for each window.
_DISABLED = (
    "HttpsUpgrades",
    "MediaRouter",
    "OptimizationHints",
    "PaintHolding",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
)
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_DISABLED)}",
    *(["--no-sandbox"] if os.geteuid() == 0 else []),
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests with a message where there is no Chromium."""
    for item in items:
        if "/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(
                    pytest.mark.skip(reason="no Chromium found: install one to run the browser tests")
                )


@dataclass
class Sites:
    """The running sites: their addresses, and a way into their database."""

    urls: dict[str, str]
    apps: dict[str, Any]

    def sql(self, statement: str, **values: Any) -> list[Any]:
        return row_order.run(self.apps["store"].services.db, statement, values)

    def idle_out(self) -> None:
        """Let every session idle out now."""
        clocks.idle_out(self.apps["store"].services.db)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    """The server's certificate. Chromium is told to trust its key."""
    return server_certificate(tmp_path_factory.mktemp("authority") / "tls")


@pytest.fixture(scope="session")
def _running(settings: Callable[[str], dict[str, str]], certificate: ServerCertificate) -> Iterator[Sites]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    urls = {site: f"https://{site}.localhost:{port}" for site in SITES}
    shared = {f"shopforum.{site}_url": url for site, url in urls.items()} | {"shopforum.development": "true"}
    apps = {site: shopforum.main({}, **{**settings(site), **shared}) for site in SITES}
    server = Server(hosts.Sites(list(apps.values())), listen="127.0.0.1:0", url_scheme="https")
    stop = threading.Event()
    thread = threading.Thread(target=server.serve_while, args=(lambda: not stop.is_set(),))
    thread.start()
    with relaying(listener, certificate.context(), server.addresses[0]):
        yield Sites(urls, apps)
    listener.close()
    stop.set()
    thread.join()
    server.close()
    for app in apps.values():
        app.services.db.engine.dispose()


@pytest.fixture
def sites(_running: Sites, clean: None, idp: Any) -> Sites:
    """The sites over an empty database with the store's products in it."""
    # Another test of this worker may have ended the connections that these pools keep, or let FusionAuth be away.
    for app in _running.apps.values():
        app.services.db.engine.dispose()
        app.services.idp.breaker.reset()
    with _running.apps["store"].services.db.transaction() as connection:
        store_sample.seed(connection, [uuid.uuid4()], random.Random(1))
    return _running


@pytest.fixture(scope="session")
def arguments(certificate: ServerCertificate) -> list[str]:
    """The arguments that Chromium is started with."""
    return [*ARGUMENTS, f"--ignore-certificate-errors-spki-list={certificate.spki}"]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    # A page that never does it is a fault, and one that is slow on a busy machine is none.
    expect.set_options(timeout=60_000)
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, arguments: list[str]) -> Iterator[Chromium]:
    with closing(playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)) as browser:
        yield browser


@pytest.fixture
def somebody(chromium: Chromium) -> Iterator[Callable[..., Page]]:
    """`somebody(**context options)`: a page in a browser profile of its own. Fails the test if a page breaks the
    Content-Security-Policy or throws."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(**options: Any) -> Page:
        context = chromium.new_context(**options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def inspect(sites: Sites, somebody: Callable[..., Page]) -> Callable[..., Any]:
    """`with inspect(site, who=None) as pages:` goes through a site's pages, signed in or out; at the end nothing may
    have been wrong with any of them.
    """

    @contextmanager
    def begin(site: str, who: str | None = None) -> Iterator[Inspector]:
        # Colours in transition are neither the old nor the new ones.
        page = somebody(reduced_motion="reduce", viewport=WIDE)
        if who:
            log_in(page, sites.urls[site], who)
        pages = Inspector(page, sites.urls[site])
        yield pages
        assert pages.wrong == {}

    return begin
