"""The proxies of deploy/, run where their programs are installed: a login through each, from the address of the client."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import proxies
import pytest
import requests
from bs4 import BeautifulSoup
from requests.adapters import HTTPAdapter
from sockets import served
from support import person, url_of

from shopforum.cli import check_public
from shopforum.dev import certificates
from shopforum.hosts import Sites
from shopforum.web import probe

# A client whose address is not the proxy's.
CLIENT = "127.0.0.9"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> certificates.ServerCertificate:
    return certificates.server_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=proxies.NAMES)
def through(
    request: pytest.FixtureRequest, tmp_path: Path, certificate: certificates.ServerCertificate
) -> Callable[[int], AbstractContextManager[int]]:
    """`with through(port) as port:` the program before a server, with its file in deploy/."""
    return lambda upstream: proxies.running(request.param, tmp_path, certificate, upstream)


class _From(HTTPAdapter):
    """Requests from the client's address."""

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        return super().init_poolmanager(*args, **options, source_address=(CLIENT, 0))


def test_a_login_through_the_proxy_is_the_client_s(
    apps: Any,
    sql: Any,
    through: Any,
    certificate: certificates.ServerCertificate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.authority))
    url, keyring = url_of("store"), apps["store"].services.sessions.config.secrets
    claimed = {
        "Host": "store.test",
        "Origin": url,
        "X-Forwarded-For": "192.0.2.77",
        "X-Forwarded-Proto": "http",
    }
    with served(Sites([*apps.values()]), proxied=True) as upstream, through(upstream) as port:
        with requests.Session() as client:
            client.trust_env, client.verify = False, str(certificate.authority)
            client.mount("https://", _From())
            client.headers.update(claimed)
            page = client.get(f"https://localhost:{port}/login", timeout=60)
            form = (
                BeautifulSoup(page.text, "html.parser")
                .find("input", {"name": "password"})
                .find_parent("form")
            )
            sent = {one["name"]: one.get("value", "") for one in form.find_all("input") if one.get("name")}
            login = person("shopper")
            sent |= {"email": login.email, "password": login.password}
            done = client.post(
                f"https://localhost:{port}/login", data=sent, timeout=60, allow_redirects=False
            )
            assert done.status_code == 302, done.text
            assert "no-store" in done.headers["Cache-Control"]
        answer = probe.ask(f"https://localhost:{port}", keyring, headers=claimed, timeout=60)
    assert [row["at"] for row in sql("SELECT host(address) AS at FROM sessions")] == [CLIENT]
    assert [one.problem for one in check_public.judge("store", "store", url, answer)] == [""]
