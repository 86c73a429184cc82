"""The objects that the fixtures hand out: a browser, and the identity provider with its hooks."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from bs4 import BeautifulSoup
from click.testing import CliRunner
from webtest import TestApp, TestRequest, TestResponse
from webtest.forms import Form

from shopforum.cli import check
from shopforum.core.sites import SITES
from shopforum.dev.sample import LOGINS, Login

TENANT = "7d5f7b1c-7f5e-4b56-9a53-0a2f4a3c1d00"
APPLICATIONS = {
    "store": "7d5f7b1c-7f5e-4b56-9a53-0a2f4a3c1d01",
    "forums": "7d5f7b1c-7f5e-4b56-9a53-0a2f4a3c1d02",
    "admin": "7d5f7b1c-7f5e-4b56-9a53-0a2f4a3c1d03",
}


def person(name: str) -> Login:
    """The demo logins: shopper, member, moderator, viewer, responder or owner."""
    return next(login for login in LOGINS if login.email.startswith(f"{name}@"))


def url_of(site: str) -> str:
    """Return the address of a site of the tests: https, because clients drop `__Host-` cookies elsewhere."""
    return f"https://{site}.test"


def site_settings(database_url: str, idp_url: str) -> dict[str, str]:
    """The settings that all sites share, those of production."""
    return {
        "shopforum.development": "false",
        "shopforum.secret": "tests-only-0123456789-0123456789-0123456789",
        **{f"shopforum.{site}_url": url_of(site) for site in SITES},
        "database.url": database_url,
        "database.pool_size": "10",
        "idp.url": idp_url,
        "idp.api_key": Idp.KEY,
        "idp.tenant_id": TENANT,
        **{f"idp.{site}.application_id": APPLICATIONS[site] for site in SITES},
        **{f"idp.{site}.client_secret": f"tests-only-client-secret-of-{site}" for site in SITES},
        # The floor under refused logins is tested where it is the subject.
        "login.refusal_floor": "0",
        "login.mail_codes": "true",
        "log.format": "json",
    }


@dataclass(frozen=True)
class Idp:
    """The identity provider of this worker, over real HTTP."""

    KEY = "tests-only-key-0123456789-0123456789"

    url: str
    hooks: str
    database: Path
    # A connection that is kept: the hooks are asked before, within and after nearly every test.
    _http: requests.Session = field(default_factory=requests.Session, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._http.trust_env = False

    @property
    def api_key(self) -> str:
        """The key that the sites use."""
        return self.KEY

    def hook(self, name: str, **body: Any) -> Any:
        """POST to a test hook, `hook("fail", path="/api/login", times=1, status=503)`. Returns its JSON, if any."""
        response = self._http.post(f"{self.hooks}/{name}", json=body, timeout=60)
        response.raise_for_status()
        return response.json() if response.content else None

    def calls(self, path: str = "/") -> list[dict[str, str]]:
        """The calls since the test began, or since `forget_calls`, to paths that begin with `path`."""
        calls = self._http.get(f"{self.hooks}/calls", timeout=60).json()["calls"]
        return [call for call in calls if call["path"].startswith(path)]

    def forget_calls(self) -> None:
        """Start counting anew."""
        self._http.delete(f"{self.hooks}/calls", timeout=60).raise_for_status()


class _Form(Form):
    """A form whose fields are read when they are asked for: of a page's forms a test fills in one."""

    def __init__(self, response: TestResponse, text: str, parser_features: str) -> None:
        self.response, self.text, self._features = response, text, parser_features
        attributes = BeautifulSoup(text[: text.index(">") + 1], parser_features).form.attrs
        self.action, self.method = attributes.get("action", ""), attributes.get("method", "GET")
        self.id = attributes.get("id")
        self.enctype = attributes.get("enctype", "application/x-www-form-urlencoded")

    def __getattr__(self, name: str) -> Any:
        if name not in ("html", "fields", "field_order"):
            raise AttributeError(name)
        self.html = BeautifulSoup(self.text, self._features)
        self._parse_fields()
        return self.__dict__[name]


class _Response(TestResponse):
    """A response that finds the forms without making a tree of the page, which takes longer than the page itself."""

    def _parse_forms(self) -> None:
        found = re.findall(r"<form\b.*?</form>", self.testbody, re.DOTALL)
        forms = [_Form(self, text, self.parser_features) for text in found]
        self._forms_indexed = dict(enumerate(forms)) | {form.id: form for form in forms if form.id}


class _Request(TestRequest):
    ResponseClass = _Response


class Browser(TestApp):
    """A client of one site, with cookies of its own."""

    RequestClass = _Request

    def __init__(self, app: Any, url: str, address: str = "127.0.0.1") -> None:
        environ = {
            "wsgi.url_scheme": urlsplit(url).scheme,
            "HTTP_HOST": urlsplit(url).netloc,
            "REMOTE_ADDR": address,
            "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        }
        super().__init__(app, extra_environ=environ)

    def log_in(self, who: str | Login, *, status: int | None = None, **fields: str) -> TestResponse:
        """Fill in the login form, as a person of `sample.LOGINS` (by name: "shopper"), and send it.

        The answer must have the status, if one is given, else be no error.
        """
        login = person(who) if isinstance(who, str) else who
        page = self.get("/login")
        form = next(form for form in page.forms.values() if "password" in form.fields)
        for name, value in {"email": login.email, "password": login.password, **fields}.items():
            form[name] = value
        return form.submit(status=status)


# The findings of `shopforum check` about the tests' own server, all true: its role owns the tables, nothing is on the
# disk, and no worker runs.
FAULTS_OF_TESTS = {"database role", "durability", "worker"}


def checked(ini: str | Path) -> tuple[set[str], str]:
    """Run `shopforum check`; return what it finds wrong, but for what is wrong with the tests' server, and what it printed."""
    result = CliRunner().invoke(check.command, [str(ini)])
    wrong = {line[7:].partition(":")[0] for line in result.output.splitlines() if line.startswith("WRONG  ")}
    assert result.exit_code == bool(wrong), result.output
    return wrong - FAULTS_OF_TESTS, result.output
