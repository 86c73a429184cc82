"""FusionAuth's part of `shopforum check`."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from shopforum.configuration import Configuration

from . import checks as found
from .checks import Finding

_KEY = "idp.api_key"


class _Api:
    """The few questions we have, asked as the sites ask: same key, same tenant, same time-outs."""

    def __init__(self, settings: Configuration) -> None:
        self._idp = settings.idp
        self._http = requests.Session()
        self._http.trust_env = False

    def get(self, path: str, *, key: bool = True) -> requests.Response:
        """Ask. Raises requests.RequestException when there is no answer."""
        headers = {"Authorization": self._idp.api_key} if key else {}
        if self._idp.tenant_id:
            headers["X-FusionAuth-TenantId"] = self._idp.tenant_id
        timeouts = (self._idp.connect_timeout, self._idp.read_timeout)
        return self._http.get(self._idp.url + path, headers=headers, timeout=timeouts, allow_redirects=False)


def findings(sites: list[Configuration]) -> Iterator[Finding]:
    """Reachable, on time, our key accepted, and each site's application set up as it needs."""
    api = _Api(sites[0])
    url = sites[0].idp.url
    try:
        status = api.get("/api/status", key=False)
        if status.status_code != 200:
            yield Finding("FusionAuth", problem=f"answers {status.status_code}", mend=f"see the log of {url}")
            return
        yield Finding("FusionAuth", fine=f"answers at {url}")
        yield from _clock(status)
        # A question that changes nothing, at the endpoint that revocations need.
        if api.get(f"/api/jwt/refresh?userId={uuid.UUID(int=0)}").status_code != 200:
            mend = "set SHOPFORUM_IDP_API_KEY to a key that may POST /api/login and GET and DELETE /api/jwt/refresh"
            yield Finding(_KEY, problem="FusionAuth refuses it", mend=mend)
            return
        # At each refresh the sites ask for the user. This one is nobody: 404.
        if api.get(f"/api/user/{uuid.UUID(int=0)}").status_code != 404:
            mend = "let the key GET /api/user: no session is refreshed without it"
            yield Finding(_KEY, problem="our key may not look at users", mend=mend)
            return
        yield Finding(_KEY, fine="FusionAuth accepts it")
        for site in sites:
            yield _application(api, site)
    except requests.RequestException as error:
        problem = f"no answer from {url} ({type(error).__name__})"
        yield Finding("FusionAuth", problem=problem, mend="start it, or change idp.url")


def _clock(response: requests.Response) -> Iterator[Finding]:
    """By the answer's Date header, which has no fractions of a second."""
    if "Date" in response.headers:
        skew = parsedate_to_datetime(response.headers["Date"]) - datetime.now(UTC).replace(microsecond=0)
        yield found.clock("FusionAuth clock", skew)


def _application(api: _Api, settings: Configuration) -> Finding:
    about = f"{settings.site.name} application"
    answer = api.get(f"/api/application/{settings.idp.application_id}")
    if answer.status_code == 401:
        return Finding(about, problem="our key may not look at it", mend="let the key GET /api/application")
    if answer.status_code != 200:
        key = f"idp.{settings.site.name}.application_id"
        return Finding(
            about, problem=f"FusionAuth does not know it ({answer.status_code})", mend=f"set {key}"
        )
    missing = _missing(answer.json().get("application", {}), settings)
    if missing:
        return Finding(about, problem="is not set up", mend=f"in FusionAuth, {', '.join(missing)}")
    return Finding(about, fine="is set up")


def _missing(application: dict[str, Any], settings: Configuration) -> list[str]:
    """What to change. The console's sessions are never refreshed, so it needs the least."""
    wanted = ["requireAuthentication"]
    if settings.site.name != "admin":
        wanted += ["generateRefreshTokens", "allowTokenRefresh"]
    login = application.get("loginConfiguration", {})
    missing = [f"set loginConfiguration.{name}" for name in wanted if not login.get(name)]
    if settings.idp.refresh_endpoint == "oauth2" and settings.site.name != "admin":
        grants = application.get("oauthConfiguration", {}).get("enabledGrants", [])
        if "refresh_token" not in grants:
            missing.append("add refresh_token to oauthConfiguration.enabledGrants")
    return missing
