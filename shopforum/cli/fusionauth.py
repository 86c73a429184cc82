"""`shopforum fusionauth setup INI`: make or fix what FusionAuth needs, as often as you like."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import requests

from shopforum import configuration
from shopforum.configuration import Configuration
from shopforum.core.ini_files import section
from shopforum.core.sites import ADMIN, SITES
from shopforum.webhooks import settings as webhook_settings

from .check_fusionauth import Api
from .fusionauth_settings import (
    DEFAULT_ROLES,
    Patch,
    application_changes,
    missing_roles,
    said,
    tenant_changes,
    webhook_changes,
    webhook_url,
)

_KEY = "SHOPFORUM_FUSIONAUTH_SETUP_KEY"


@dataclass(frozen=True)
class Change:
    """A call that changes something at FusionAuth, and what it is about."""

    about: str
    method: str
    path: str
    body: Patch


@click.group
def command() -> None:
    """Set up FusionAuth for the sites."""


@command.command
@click.argument("ini", type=click.Path(exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Say what would be changed, and change nothing.")
@click.option("--signing-key", default="", help="The id of FusionAuth's key that signs webhooks.")
def setup(ini: str, dry_run: bool, signing_key: str) -> None:
    """Make or fix the applications, the tenant's policies and the webhook. A second run changes nothing.

    Needs a key that may also POST and PATCH them, in SHOPFORUM_FUSIONAUTH_SETUP_KEY. The sites' own key needs none of these
    rights.
    """
    try:
        sites = [configuration.load(section(ini, site)) for site in SITES]
        made = 0
        for change in changes(sites, signing_key):
            made += 1
            click.echo(
                f"{'would change' if dry_run else 'changed'} {change.about}: {', '.join(said(_shown(change.body)))}"
            )
            if not dry_run:
                _call(_api(sites), change.method, change.path, change.body)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    except requests.RequestException as error:
        raise click.ClickException(f"no answer from {sites[0].idp.url} ({type(error).__name__})") from None
    click.echo(
        "Nothing to do." if not made else "Nothing was changed." if dry_run else "FusionAuth is set up."
    )


def changes(sites: list[Configuration], signing_key: str) -> Iterator[Change]:
    """Yield the changes to make. Each is to be made before the next is asked for: an application has its tenant by then.

    Raises ValueError where FusionAuth refuses a call, or a signing key is needed; requests.RequestException.
    """
    api = _api(sites)
    tenants = [sites[0].idp.tenant_id] if sites[0].idp.tenant_id else []
    tenants = tenants or [one["id"] for one in _call(api, "GET", "/api/tenant")["tenants"]]
    if len(tenants) != 1:
        raise ValueError("FusionAuth has several tenants: set idp.tenant_id")
    tenant = _call(api, "GET", f"/api/tenant/{tenants[0]}")["tenant"]
    listens = webhook_settings.parse(sites[-1].raw).algorithm is not None
    if patch := tenant_changes(tenant, sites[0], events=listens):
        yield Change("the tenant", "PATCH", f"/api/tenant/{tenants[0]}", {"tenant": patch})
    for site in sites:
        yield from _of_application(api, site, tenant)
    if listens:
        yield from _of_webhook(api, sites[-1], str(tenants[0]), signing_key)


def _of_application(api: Api, site: Configuration, tenant: dict[str, Any]) -> Iterator[Change]:
    name, path = site.site.name, f"/api/application/{site.idp.application_id}"
    answer = api.call("GET", path)
    about = f"the application {name}"
    application: dict[str, Any] = {} if answer.status_code == 404 else _read(answer)["application"]
    patch = application_changes(application, tenant, site)
    if not application:
        secret = {"clientSecret": site.idp.client_secret} if site.idp.client_secret else {}
        oauth = patch.pop("oauthConfiguration", {}) | secret
        body = (
            patch
            | {"name": name, "tenantId": tenant["id"]}
            | ({"oauthConfiguration": oauth} if oauth else {})
        )
        if name != ADMIN:
            body["data"] = {"passwordResetUrl": f"{site.site.urls[name]}/password/reset"}
        yield Change(about, "POST", path, {"application": body})
    elif patch:
        yield Change(about, "PATCH", path, {"application": patch})
    for role in missing_roles(application, name):
        body = {"name": role, "isDefault": role == DEFAULT_ROLES.get(name)}
        yield Change(about, "POST", f"{path}/role", {"role": body})


def _of_webhook(api: Api, site: Configuration, tenant_id: str, signing_key: str) -> Iterator[Change]:
    url = webhook_url(site)
    known = [one for one in _call(api, "GET", "/api/webhook").get("webhooks") or [] if one.get("url") == url]
    patch = webhook_changes(known[0] if known else {}, tenant_id)
    if not patch:
        return
    if "signatureConfiguration" in patch:
        if not signing_key:
            raise ValueError(
                "give --signing-key: the id of the key that signs webhooks, from FusionAuth's Key Master"
            )
        patch["signatureConfiguration"]["signingKeyId"] = signing_key
    if known:
        yield Change("the webhook", "PATCH", f"/api/webhook/{known[0]['id']}", {"webhook": patch})
    else:
        yield Change(
            "the webhook", "POST", "/api/webhook", {"webhook": patch | {"url": url, "global": False}}
        )


def _api(sites: list[Configuration]) -> Api:
    return Api(sites[0], os.environ.get(_KEY, ""))


def _call(api: Api, method: str, path: str, body: Any = None) -> dict[str, Any]:
    return _read(api.call(method, path, body))


def _read(answer: requests.Response) -> dict[str, Any]:
    """Return an answer's JSON. Raises ValueError for any but a 200."""
    about = f"{answer.request.method} {answer.request.path_url}"
    if answer.status_code in (401, 403):
        raise ValueError(f"the key may not {about}: put one that may into {_KEY}")
    if answer.status_code != 200:
        raise ValueError(f"FusionAuth answered {answer.status_code} to {about}: {answer.text[:300]}")
    body: dict[str, Any] = answer.json()
    return body


def _shown(body: Patch) -> Patch:
    """Return a patch without its secret and without the name of the object around it."""
    [inner] = body.values()
    oauth = inner.get("oauthConfiguration")
    hidden: Patch = {}
    if isinstance(oauth, dict) and "clientSecret" in oauth:
        hidden = {"oauthConfiguration": oauth | {"clientSecret": "…"}}
    return {**inner, **hidden}
