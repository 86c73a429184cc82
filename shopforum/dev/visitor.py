"""A visitor of a running site over HTTP, with as much of a browser as the demonstration needs."""

import http.client
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urlsplit

_TIMEOUT_SECONDS = 20
_NONE: Mapping[str, str] = {}
_CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')


class SiteAway(Exception):
    """The site does not answer."""


@dataclass(frozen=True)
class Answer:
    """A response: the status, the path of a redirect ("" for another response), the page, the names of the cookies that were
    set to a value, and the headers by their names in lower case.
    """

    status: int
    location: str
    body: str
    given: frozenset[str]
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.status}, to {self.location}" if self.location else str(self.status)


@dataclass
class Visitor:
    """Somebody with a browser (`agent`), cookies, and, where the system has it, an address of their own (`address`).

    Cookies are kept by name: one visitor visits one site, `url`, which is reached on this machine. `authority` is the file of
    the certificate authority that an https site is trusted by.
    """

    url: str
    agent: str
    address: str
    cookies: dict[str, str] = field(default_factory=dict)
    authority: str | None = None

    def get(self, path: str) -> Answer:
        """Request a page. Raises SiteAway."""
        return self._send("GET", path, None)

    def log_in(self, email: str, password: str) -> Answer:
        """Fill in the site's login form and send it. Raises SiteAway."""
        found = _CSRF.search(self.get("/login").body)
        token = unescape(found[1]) if found else ""
        fields = {"csrf_token": token, "email": email, "password": password}
        return self._send("POST", "/login", urlencode(fields))

    def send(self, path: str, headers: Mapping[str, str]) -> Answer:
        """POST without a form, as a browser does by itself. Raises SiteAway."""
        return self._send("POST", path, "", {**headers, "Sec-Fetch-Site": "same-origin"})

    def _send(self, method: str, path: str, body: str | None, more: Mapping[str, str] = _NONE) -> Answer:
        headers = {"Host": urlsplit(self.url).netloc, "User-Agent": self.agent, "Accept": "text/html", **more}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": self.url}
        try:
            return self._answer(method, path, body, headers, (self.address, 0))
        except ConnectionRefusedError as error:
            raise SiteAway(self.url) from error
        except OSError:
            # Some systems have no loopback address but 127.0.0.1.
            try:
                return self._answer(method, path, body, headers, None)
            except OSError as error:
                raise SiteAway(self.url) from error

    def _answer(
        self,
        method: str,
        path: str,
        body: str | None,
        headers: dict[str, str],
        source: tuple[str, int] | None,
    ) -> Answer:
        connection = self._connection(source)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            page = response.read().decode("utf-8", "replace")
            given = self._take(response.headers.get_all("Set-Cookie") or [])
            named = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, named.get("location", ""), page, given, named)
        finally:
            connection.close()

    def _connection(self, source: tuple[str, int] | None) -> http.client.HTTPConnection:
        # By address: not every machine resolves *.localhost.
        parts, host = urlsplit(self.url), "127.0.0.1"
        if parts.scheme == "http":
            return http.client.HTTPConnection(
                host, parts.port or 80, timeout=_TIMEOUT_SECONDS, source_address=source
            )
        return http.client.HTTPSConnection(
            host,
            parts.port or 443,
            timeout=_TIMEOUT_SECONDS,
            source_address=source,
            context=ssl.create_default_context(cafile=self.authority),
        )

    def _take(self, headers: list[str]) -> frozenset[str]:
        """Store the cookies that are set, delete those that are cleared; return the names of the cookies that are set."""
        given = set()
        for header in headers:
            pair, _, attributes = header.partition(";")
            name, _, value = pair.partition("=")
            if value and "max-age=0" not in attributes.lower().replace(" ", "").split(";"):
                self.cookies[name] = value
                given.add(name)
            else:
                self.cookies.pop(name, None)
        return frozenset(given)
