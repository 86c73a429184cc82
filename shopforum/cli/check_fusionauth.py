"""The FusionAuth checks of `shopforum check`."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from shopforum.configuration import Configuration
from shopforum.core import network_deadlines, outgoing_requests
from shopforum.core.causes import cause
from shopforum.core.settings import variable
from shopforum.core.sites import ADMIN
from shopforum.idp import same_id
from shopforum.login import settings as login_settings
from shopforum.login.settings import LoginSettings
from shopforum.webhooks import settings as webhook_settings

from .checks import Check, clock
from .fusionauth_settings import (
    application_changes,
    lambdas,
    missing_roles,
    said,
    tenant_changes,
    tokens,
    webhook_changes,
    webhook_url,
)

_KEY = "idp.api_key"


# The rights that the sites and this check need, each with a call that it permits and that changes nothing.
_NOBODY = uuid.UUID(int=0)
NEEDED: tuple[tuple[str, str, str, Any], ...] = (
    ("POST /api/login", "POST", "/api/login", {}),
    ("GET /api/jwt/refresh", "GET", f"/api/jwt/refresh?userId={_NOBODY}", None),
    ("DELETE /api/jwt/refresh", "DELETE", f"/api/jwt/refresh/{_NOBODY}", None),
    ("GET /api/user", "GET", f"/api/user/{_NOBODY}", None),
    ("DELETE /api/user", "DELETE", f"/api/user/{_NOBODY}", None),
    ("POST /api/user/registration", "POST", "/api/user/registration", {}),
    ("POST /api/user/forgot-password", "POST", "/api/user/forgot-password", {}),
    ("POST /api/user/two-factor", "POST", f"/api/user/two-factor/{_NOBODY}", {}),
    ("GET /api/application", "GET", f"/api/application/{_NOBODY}", None),
    ("GET /api/tenant", "GET", f"/api/tenant/{_NOBODY}", None),
)

# The rights for what the settings turn on.
OPTIONAL: tuple[tuple[str, str, Callable[[LoginSettings], bool]], ...] = (
    ("POST /api/passwordless/start", "/api/passwordless/start", lambda logins: logins.mail_codes),
    ("POST /api/webauthn/start", "/api/webauthn/start", lambda logins: logins.passkeys),
    ("POST /api/webauthn/register/start", "/api/webauthn/register/start", lambda logins: logins.passkeys),
    ("GET /api/webauthn", f"/api/webauthn?userId={_NOBODY}", lambda logins: logins.passkeys),
    ("DELETE /api/webauthn", f"/api/webauthn/{_NOBODY}", lambda logins: logins.passkeys),
)


class Api:
    """FusionAuth's API, called as the sites call it: the same tenant and timeouts, and the same key unless one is given."""

    def __init__(self, settings: Configuration, api_key: str = "") -> None:
        self._idp = settings.idp
        self._api_key = api_key or settings.idp.api_key
        self._http = outgoing_requests.sender()

    def get(self, path: str, *, key: bool = True) -> requests.Response:
        """Send a GET. Raises requests.RequestException when there is no response."""
        return self.call("GET", path, key=key)

    def call(self, method: str, path: str, body: Any = None, *, key: bool = True) -> requests.Response:
        """Send a request. Raises requests.RequestException when there is no response."""
        headers = {"Authorization": self._api_key} if key else {}
        if self._idp.tenant_id:
            headers["X-FusionAuth-TenantId"] = self._idp.tenant_id
        return self._send(method, path, headers=headers, json=body)

    def token(self, form: dict[str, str]) -> requests.Response:
        """Send a form to the token endpoint, which takes no API key. Raises requests.RequestException when there is no response."""
        return self._send("POST", "/oauth2/token", data=form)

    def _send(self, method: str, path: str, **content: Any) -> requests.Response:
        timeouts = self._idp.connect_timeout, self._idp.read_timeout
        with network_deadlines.ended_after(sum(timeouts)):
            return self._http.request(
                method, self._idp.url + path, timeout=timeouts, allow_redirects=False, **content
            )


def checks(sites: list[Configuration]) -> Iterator[Check]:
    """Check that FusionAuth is reachable, its clock is right, it accepts the API key, and each application is set up."""
    api = Api(sites[0])
    url = sites[0].idp.url
    try:
        asked = datetime.now(UTC)
        status = api.get("/api/status", key=False)
        if status.status_code != 200:
            yield Check("FusionAuth", problem=f"answers {status.status_code}", fix=f"see the log of {url}")
            return
        yield Check("FusionAuth", fine=f"answers at {url}")
        yield from _clock(status, asked)
        rights = _rights(api, sites)
        yield rights
        if rights.problem:
            return
        applications = {
            site.site.name: api.get(f"/api/application/{site.idp.application_id}") for site in sites
        }
        known = [
            answer.json().get("application", {})
            for answer in applications.values()
            if answer.status_code == 200
        ]
        tenant_id = sites[0].idp.tenant_id or next((str(one.get("tenantId")) for one in known), "")
        tenant = api.get(f"/api/tenant/{tenant_id}")
        if tenant.status_code != 200:
            yield Check(
                "tenant",
                problem=f"FusionAuth does not know {tenant_id}",
                fix="set idp.tenant_id to the tenant of these applications",
            )
            return
        found = tenant.json().get("tenant", {})
        for site in sites:
            yield _application(site, applications[site.site.name], found)
            yield from _client_secret(api, site)
        yield from _issuer(sites[0], found)
        yield from _passkeys(sites[0], found)
        listens = webhook_settings.parse(sites[-1].raw).algorithm is not None
        yield _tenant(sites[0], found, events=listens)
        if listens:
            yield _webhook(api, sites[-1], found)
    except requests.exceptions.SSLError as error:
        yield Check(
            "FusionAuth",
            problem=f"the certificate of {url} is not valid: {cause(error)}",
            fix="renew it, or set REQUESTS_CA_BUNDLE to its authority, for the sites as well",
        )
    except requests.RequestException as error:
        problem = f"no answer from {url} ({type(error).__name__})"
        yield Check("FusionAuth", problem=problem, fix="start it, or change idp.url")


def _clock(response: requests.Response, asked: datetime) -> Iterator[Check]:
    """Check FusionAuth's clock by the Date header, which has no fractions of a second."""
    if "Date" in response.headers:
        shown = parsedate_to_datetime(response.headers["Date"])
        yield clock("FusionAuth clock", shown, asked.replace(microsecond=0), datetime.now(UTC))


def _rights(api: Api, sites: list[Configuration]) -> Check:
    """Check that the key may do all that is needed, by calls that change nothing, and that it is no key to everything."""
    missing = [
        name for name, method, path, body in NEEDED if api.call(method, path, body).status_code in (401, 403)
    ]
    if webhook_settings.parse(sites[-1].raw).algorithm and api.get("/api/webhook").status_code in (401, 403):
        missing.append("GET /api/webhook")
    for name, path, on in OPTIONAL:
        if any(on(login_settings.parse(site.raw)) for site in sites) and api.call(
            name.partition(" ")[0], path, {}
        ).status_code in (401, 403):
            missing.append(name)
    if missing:
        rights = ", ".join(missing)
        known = len(missing) < len(NEEDED)
        fix = f"let the key {rights}" if known else f"set SHOPFORUM_IDP_API_KEY to a key that may {rights}"
        return Check(_KEY, problem="FusionAuth refuses it", fix=fix)
    # FusionAuth's own signing keys: no site has anything to do with them.
    if api.get("/api/key").status_code == 200:
        fix = f"limit the key to {', '.join(name for name, *_ in NEEDED)}, and GET /api/webhook"
        return Check(_KEY, problem="it may do everything at FusionAuth", fix=fix)
    return Check(_KEY, fine="FusionAuth accepts it")


def _application(settings: Configuration, answer: requests.Response, tenant: dict[str, Any]) -> Check:
    site = settings.site.name
    about = f"{site} application"
    if answer.status_code != 200:
        key = f"idp.{site}.application_id"
        return Check(about, problem=f"FusionAuth does not know it ({answer.status_code})", fix=f"set {key}")
    application = answer.json().get("application", {})
    if not same_id(application.get("tenantId"), str(tenant.get("id"))):
        return Check(about, problem="it belongs to another tenant", fix="set idp.tenant_id to its tenant")
    changes = said(application_changes(application, tenant, settings))
    changes += [f"add the role {role}" for role in missing_roles(application, site)]
    if changes:
        return Check(about, problem="is not set up", fix=f"in FusionAuth, set {', '.join(changes)}")
    fine = "is set up" if site == ADMIN else f"is set up; {tokens(application, tenant)}"
    kinds = lambdas(application)
    return Check(about, fine=fine + (f"; lambdas: {', '.join(kinds)}" if kinds else ""))


def _client_secret(api: Api, site: Configuration) -> Iterator[Check]:
    """Check an application's client secret by a refresh without a token, which FusionAuth refuses after it has checked the
    client.
    """
    name, secret = f"idp.{site.site.name}.client_secret", site.idp.client_secret
    if not secret:
        return
    form = {
        "grant_type": "refresh_token",
        "client_id": site.idp.application_id,
        "client_secret": secret,
    }
    if api.token(form).status_code == 401:
        yield Check(
            name,
            problem=f"it is not the client secret of application {site.idp.application_id}",
            fix=f"set {variable(name)} to that application's, or idp.{site.site.name}.application_id to the right one",
        )


def _issuer(site: Configuration, tenant: dict[str, Any]) -> Iterator[Check]:
    """Check the issuer that the settings name, if they name one."""
    issuer, named = str(tenant.get("issuer") or ""), site.idp.issuer
    if issuer and named and issuer.rstrip("/") != named.rstrip("/"):
        yield Check(
            "idp.issuer",
            problem=f"the tenant's issuer is {issuer}, not {named}",
            fix=f"set idp.issuer = {issuer}",
        )


def _passkeys(site: Configuration, tenant: dict[str, Any]) -> Iterator[Check]:
    """Check that the settings name the domain for which the tenant's passkeys are good, if it has one."""
    logins, found = login_settings.parse(site.raw), tenant.get("webAuthnConfiguration") or {}
    domain = found.get("relyingPartyId")
    if logins.passkeys and domain and not logins.passkey_domain:
        yield Check(
            "login.passkey_domain",
            problem=f"the tenant's passkeys are good for {domain} alone",
            fix=f"set login.passkey_domain = {domain}",
        )


def _tenant(site: Configuration, tenant: dict[str, Any], *, events: bool) -> Check:
    changes = said(tenant_changes(tenant, site, events=events))
    if changes:
        return Check("tenant", problem="is not set up", fix=f"in FusionAuth, set {', '.join(changes)}")
    return Check("tenant", fine="is set up")


def _webhook(api: Api, site: Configuration, tenant: dict[str, Any]) -> Check:
    """Check the webhook: FusionAuth sends nothing unless the tenant and the webhook enable an event and know each other."""
    url = webhook_url(site)
    found = [one for one in api.get("/api/webhook").json().get("webhooks") or [] if one.get("url") == url]
    if not found:
        return Check(
            "webhook", problem=f"FusionAuth sends nothing to {url}", fix="run `shopforum fusionauth setup`"
        )
    changes = said(webhook_changes(found[0], str(tenant.get("id"))))
    if changes:
        return Check("webhook", problem="is not set up", fix=f"in FusionAuth, set {', '.join(changes)}")
    return Check("webhook", fine=f"FusionAuth sends to {url}")
