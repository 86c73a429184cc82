"""FusionAuth's own TypeScript client, unchanged, through each operation that the development provider speaks.

`make contract` installs the client by its lock. Without it, and without Node, the test says so.
"""

import json
import os
import re
import shutil
import subprocess
import uuid
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pyotp
import pytest
import requests
from dev_idp import openapi
from soft_passkey import SoftPasskey

from shopforum.dev.idp.provision import provision
from shopforum.dev.idp.server import serve_in_thread

HERE = Path(__file__).parent
MODULES = HERE.parents[1] / ".data" / "contract" / "node_modules"
NODE = shutil.which("node")
KEY, SECRET = "contract-key", "contract-secret"
TENANT, STORE, FORUMS = (str(uuid.UUID(int=number, version=4)) for number in (1, 2, 3))


class Person:
    """The person and the devices beside the client: an app, a mail folder, a passkey."""

    def __init__(self, mails: Path) -> None:
        self._mails = mails
        self._secret = pyotp.random_base32()
        self._key = SoftPasskey("https://store.example")

    def answer(self, what: str, value: Any = None) -> Any:
        if what == "make":
            return self._key.make(value)
        if what == "sign":
            return self._key.sign(value)
        if what == "app":
            return {"secret": self._secret, "code": pyotp.TOTP(self._secret).now()}
        assert what == "mail"
        texts = [
            message_from_bytes(path.read_bytes(), policy=policy.default).get_content()
            for path in self._mails.iterdir()
        ]
        [link] = [found for text in texts for found in re.findall(r"/email/verify/(\S+)", text)]
        return link


@pytest.mark.skipif(NODE is None, reason="no Node here")
@pytest.mark.skipif(not MODULES.exists(), reason="FusionAuth's TypeScript client is not here: make contract")
def test_the_typescript_client_makes_each_call_that_the_provider_speaks(tmp_path: Path) -> None:
    applications = {"store": STORE, "forums": FORUMS}
    provision(
        tmp_path / "idp.sqlite",
        tenant_id=TENANT,
        applications={name: {"id": key, "client_secret": SECRET} for name, key in applications.items()},
    )
    person = Person(tmp_path / "mails")
    with serve_in_thread(tmp_path / "idp.sqlite", KEY, mail_folder=tmp_path / "mails") as running:
        world = {
            "url": running.url,
            "key": KEY,
            "tenant": TENANT,
            "store": STORE,
            "forums": FORUMS,
            "secret": SECRET,
        }
        with subprocess.Popen(
            [str(NODE), HERE / "calls.cjs", json.dumps(world)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NODE_PATH": str(MODULES)},
        ) as client:
            assert client.stdin
            assert client.stdout
            assert client.stderr
            for line in client.stdout:
                client.stdin.write(json.dumps(person.answer(**json.loads(line))) + "\n")
                client.stdin.flush()
            said = client.stderr.read()
        assert client.returncode == 0, said
        calls = requests.get(f"{running.hooks}/calls", timeout=30).json()["calls"]
    if openapi.PATH.exists():
        made = {(call["method"], call["path"]) for call in calls} - openapi.BEYOND
        assert openapi.spoken() - {openapi.operation_of(*one) for one in made} == set()
