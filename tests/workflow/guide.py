"""FusionAuth set up as its secure deployment guide advises, and people with a second factor in browsers that they trust.

The guide (FusionAuth's documentation, "Secure deployment"): one-time refresh tokens in a sliding window with a maximum, JWTs of a few
minutes, a required second factor, and lambdas that leave no claim in a token that nobody needs.
"""

import base64
import json
from collections.abc import Callable

import pyotp
import requests
from http_helpers import give
from support import APPLICATIONS, TENANT, Browser, Idp
from webtest import TestResponse

from shopforum.dev.sample import LOGINS, Login
from shopforum.sessions import Sessions

_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_TOKENS = {
    "timeToLiveInSeconds": 300,
    "refreshTokenTimeToLiveInMinutes": 1440,
    "refreshTokenUsagePolicy": "OneTimeUse",
    "refreshTokenExpirationPolicy": "SlidingWindowWithMaximumLifetime",
    "refreshTokenSlidingWindowConfiguration": {"maximumTimeToLiveInMinutes": 43_200},
    "refreshTokenRevocationPolicy": {"onOneTimeTokenReuse": True},
}
# All that a lambda may remove (FusionAuth reserves the others).
_CLAIMS = ["applicationId", "roles", "email", "email_verified", "preferred_username", "jti", "sid", "scope"]


def follow(idp: Idp) -> None:
    """Change the provider's settings to the guide's, and give each demo login an authenticator."""
    headers = {"Authorization": idp.api_key}
    tenant = {"tenant": {"jwtConfiguration": _TOKENS}}
    requests.patch(
        f"{idp.url}/api/tenant/{TENANT}", json=tenant, headers=headers, timeout=60
    ).raise_for_status()
    for login in LOGINS:
        enable = {
            "method": "authenticator",
            "secretBase32Encoded": _SECRET,
            "code": pyotp.TOTP(_SECRET).now(),
        }
        url = f"{idp.url}/api/user/two-factor/{login.id}"
        requests.post(url, json=enable, headers=headers, timeout=60).raise_for_status()
        idp.hook("user", email=login.email, twoFactorRequired=True)
    idp.hook("lambda", remove=_CLAIMS)


def log_in(client: Browser, idp: Idp, login: Login, send: Callable[[], TestResponse]) -> TestResponse:
    """Log in by `send` in a browser that its owner trusts; the console trusts none, and gets a code."""
    site = client.extra_environ["HTTP_HOST"].partition(".")[0]
    if site != "admin" and "__Host-trust" not in client.cookies:
        give(client, {"__Host-trust": _trust(site, client.app.services.sessions, idp, login)})
    answer = send()
    if not (answer.location or "").startswith("/login/two-factor"):
        return answer
    form = next(form for form in answer.follow().forms.values() if "code" in form.fields)
    form["code"] = pyotp.TOTP(_SECRET).now()
    return form.submit()


def _trust(site: str, sessions: Sessions, idp: Idp, login: Login) -> str:
    """Return the cookie of a browser whose owner has entered a code and ticked the box."""
    about = {
        "applicationId": APPLICATIONS[site],
        "loginId": login.email,
        "password": login.password,
        "noJWT": True,
    }
    headers, start = {"Authorization": idp.api_key}, sessions.login_start()
    due = requests.post(f"{idp.url}/api/login", json=about, headers=headers, timeout=60)
    assert due.status_code == 242
    code = {
        "twoFactorId": due.json()["twoFactorId"],
        "code": pyotp.TOTP(_SECRET).now(),
        "trustComputer": True,
    }
    done = requests.post(f"{idp.url}/api/two-factor/login", json=code, timeout=60).json()
    idp.forget_calls()
    kept = [done["twoFactorTrustId"], login.id, start.at.isoformat(), start.epoch]
    keys = sessions.config.secrets
    value = keys.encrypt("trusted browser", site, json.dumps(kept).encode())
    return f"{keys.id}.{base64.urlsafe_b64encode(value).decode()}"
