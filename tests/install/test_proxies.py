"""The proxies of deploy/, run where their programs are installed: a login through each, from the address of the client."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from bs4 import BeautifulSoup
from requests.adapters import HTTPAdapter
from sockets import served
from support import person, url_of

from shopforum.cli import check_public
from shopforum.dev import certificates, postgres, processes
from shopforum.hosts import Sites
from shopforum.web import probe

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
# A client whose address is not the proxy's.
CLIENT = "127.0.0.9"


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def free() -> int:
    return next(port for port in postgres._candidates() if processes.is_free(port))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> certificates.ServerCertificate:
    return certificates.server_certificate(tmp_path_factory.mktemp("tls"))


def _nginx(text: str, folder: Path, file: Path, port: int, upstream: int) -> tuple[list[str], str]:
    text = re.sub(r"listen \[::\]:.*\n", "", text)
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("listen 80", f"listen 127.0.0.1:{free()}").replace(
        "127.0.0.1:6543", f"127.0.0.1:{upstream}"
    )
    text = re.sub(r"/etc/ssl/shopforum/\w+\.pem", str(file), text).replace("store.example.com", "store.test")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    head = f"daemon off; error_log stderr; pid {folder / 'pid'}; events {{}} http {{ access_log off; {temporary}\n"
    return ["-c", str(folder / "conf"), "-e", "stderr"], f"{head}{text}}}\n"


def _haproxy(text: str, folder: Path, file: Path, port: int, upstream: int) -> tuple[list[str], str]:
    text = re.sub(r"10\.0\.1\.\d+:5432", "127.0.0.1:1", text).replace("check port 8008", "check")
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}").replace("bind :80", f"bind 127.0.0.1:{free()}")
    text = text.replace("127.0.0.1:6543", f"127.0.0.1:{upstream}").replace(
        "127.0.0.1:5000", f"127.0.0.1:{free()}"
    )
    return ["-f", str(folder / "conf"), "-db"], re.sub(r"/etc/ssl/shopforum/\w+\.pem", str(file), text)


MAKERS = {"nginx": ("nginx.conf", _nginx), "haproxy": ("haproxy.cfg", _haproxy)}


@pytest.fixture(params=MAKERS)
def through(
    request: pytest.FixtureRequest, tmp_path: Path, certificate: certificates.ServerCertificate
) -> Callable[..., Any]:
    """`with through(port) as port:` the program before a server, with its file in deploy/."""
    path = program(request.param)
    if path is None:
        pytest.skip(f"no {request.param} is installed")
    name, make = MAKERS[request.param]

    @contextmanager
    def run(upstream: int) -> Iterator[int]:
        port, conf, log = free(), tmp_path / "conf", tmp_path / "log"
        options, text = make((DEPLOY / name).read_text(), tmp_path, certificate.file, port, upstream)
        conf.write_text(text)
        with processes.child([path, *options], log) as process:
            processes.wait_until(lambda: not processes.is_free(port), process, log)
            yield port

    return run


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
