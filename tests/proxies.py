"""The proxies of deploy/, with their own files, on ports of 127.0.0.1 that are free: for the tests that stand behind one."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sockets import free_port

from shopforum.dev import certificates, processes

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
_FILES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}
NAMES = tuple(_FILES)


@contextmanager
def running(
    name: str, folder: Path, certificate: certificates.ServerCertificate, *upstreams: int
) -> Iterator[int]:
    """Run a proxy before one or two servers of 127.0.0.1; yields its port for https. Skips the test where the program is missing."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if path is None:
        pytest.skip(f"no {name} is installed")
    port, conf, log = free_port(), folder / "conf", folder / "log"
    text = (DEPLOY / _FILES[name]).read_text()
    text = re.sub(r"/etc/ssl/shopforum/\w+\.pem", str(certificate.file), text)
    for example, upstream in zip((6543, 6544), upstreams, strict=False):
        text = text.replace(f"127.0.0.1:{example}", f"127.0.0.1:{upstream}")
    if len(upstreams) > 1:
        text = text.replace("# With a second process: ", "")
    options, text = {"nginx": _nginx, "haproxy": _haproxy}[name](text, folder, port)
    conf.write_text(text)
    with processes.child([path, *options], log) as process:
        processes.wait_until(lambda: not processes.is_free(port), process, log)
        yield port


def _nginx(text: str, folder: Path, port: int) -> tuple[list[str], str]:
    text = re.sub(r"listen \[::\]:.*\n", "", text)
    text = text.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("listen 80", f"listen 127.0.0.1:{free_port()}")
    text = text.replace("store.example.com", "store.test")
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    head = f"daemon off; error_log stderr; pid {folder / 'pid'}; events {{}} http {{ access_log off; {temporary}\n"
    return ["-c", str(folder / "conf"), "-e", "stderr"], f"{head}{text}}}\n"


def _haproxy(text: str, folder: Path, port: int) -> tuple[list[str], str]:
    text = re.sub(r"10\.0\.1\.\d+:5432", "127.0.0.1:1", text).replace("check port 8008", "check")
    text = text.replace("bind :443", f"bind 127.0.0.1:{port}").replace(
        "bind :80", f"bind 127.0.0.1:{free_port()}"
    )
    return ["-f", str(folder / "conf"), "-db"], text.replace("127.0.0.1:5000", f"127.0.0.1:{free_port()}")
