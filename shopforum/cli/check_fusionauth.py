"""The FusionAuth checks of `shopforum check`."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from shopforum.configuration import Configuration

from .checks import Check, clock

_KEY = "idp.api_key"


class _Api:
    """FusionAuth's API, called as the sites call it: the same key, tenant and timeouts."""

    def __init__(self, settings: Configuration) -> None:
        self._idp = settings.idp
        self._http = requests.Session()
        self._http.trust_env = False

    def get(self, path: str, *, key: bool = True) -> requests.Response:
        """Send a GET. Raises requests.RequestException when there is no response."""
        headers = {"Authorization": self._idp.api_key} if key else {}
        if self._idp.tenant_id:
            headers["X-FusionAuth-TenantId"] = self._idp.tenant_id
        timeouts = (self._idp.connect_timeout, self._idp.read_timeout)
        return self._http.get(self._idp.url + path, headers=headers, timeout=timeouts, allow_redirects=False)


def checks(sites: list[Configuration]) -> Iterator[Check]:
    """Check that FusionAuth is reachable, its clock is right, it accepts the API key, and each application is set up."""
    api = _Api(sites[0])
    url = sites[0].idp.url
    try:
        status = api.get("/api/status", key=False)
        if status.status_code != 200:
            yield Check("FusionAuth", problem=f"answers {status.status_code}", fix=f"see the log of {url}")
            return
        yield Check("FusionAuth", fine=f"answers at {url}")
        yield from _clock(status)
        # A call that changes nothing, to the endpoint that revocations need.
        if api.get(f"/api/jwt/refresh?userId={uuid.UUID(int=0)}").status_code != 200:
            fix = "set SHOPFORUM_IDP_API_KEY to a key that may POST /api/login and GET and DELETE /api/jwt/refresh"
            yield Check(_KEY, problem="FusionAuth refuses it", fix=fix)
            return
        # Each refresh reads the user. There is no user of this id: 404.
        if api.get(f"/api/user/{uuid.UUID(int=0)}").status_code != 404:
            fix = "let the key GET /api/user: no session is refreshed without it"
            yield Check(_KEY, problem="the key may not read users", fix=fix)
            return
        yield Check(_KEY, fine="FusionAuth accepts it")
        for site in sites:
            yield _application(api, site)
    except requests.RequestException as error:
        problem = f"no answer from {url} ({type(error).__name__})"
        yield Check("FusionAuth", problem=problem, fix="start it, or change idp.url")


def _clock(response: requests.Response) -> Iterator[Check]:
    """Check FusionAuth's clock by the Date header, which has no fractions of a second."""
    if "Date" in response.headers:
        skew = parsedate_to_datetime(response.headers["Date"]) - datetime.now(UTC).replace(microsecond=0)
        yield clock("FusionAuth clock", skew)


def _application(api: _Api, settings: Configuration) -> Check:
    about = f"{settings.site.name} application"
    answer = api.get(f"/api/application/{settings.idp.application_id}")
    if answer.status_code == 401:
        return Check(about, problem="the API key may not read it", fix="let the key GET /api/application")
    if answer.status_code != 200:
        key = f"idp.{settings.site.name}.application_id"
        return Check(about, problem=f"FusionAuth does not know it ({answer.status_code})", fix=f"set {key}")
    missing = _missing(answer.json().get("application", {}), settings)
    if missing:
        return Check(about, problem="is not set up", fix=f"in FusionAuth, {', '.join(missing)}")
    return Check(about, fine="is set up")


def _missing(application: dict[str, Any], settings: Configuration) -> list[str]:
    """Return the settings to change. The console's sessions are never refreshed, so its application needs fewer."""
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
