"""The calls of FusionAuth that the sites make: log in, refresh, revoke, read roles, sign up, set a password, delete a user."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote
from uuid import UUID

from ..core import user_agents
from ..sessions import AuthorityMisconfigured, AuthorityUnavailable, Refreshed, RefreshRefused
from ..sessions.audit import Client
from . import (
    enrolment_answers,
    login_answers,
    passkey_answers,
    signup_answers,
    token_answers,
    user_answers,
)
from .answer_fields import read_uuid, unknown, wrong_field
from .breaker import Unreachable
from .enrolment_answers import Enrolled
from .login_answers import REFUSALS, LoginAnswer, LoginRefused, MailCode
from .passkeys import Passkeys, RelyingParty
from .settings import IdpSettings
from .signup_answers import AddressTaken, InputRefused
from .token_answers import IssuedTokens
from .transport import AccountFault, Transport
from .user_answers import Account

# Statuses of a gateway that has no answer of the server behind it (RFC 9110, 15.6.3 to 15.6.5).
_GATEWAY = frozenset({502, 503, 504})


class FusionAuth:
    """One site's application at FusionAuth. Thread-safe; implements `shopforum.sessions.Authority`."""

    def __init__(self, settings: IdpSettings, pool_size: int = 20) -> None:
        self._settings = settings
        self._transport = Transport(settings, pool_size)
        self.breaker = self._transport.breaker
        self.passkeys = Passkeys(settings, self._transport)

    def login(
        self, email: str, password: str, client: Client, device: str, trust_id: str | None = None
    ) -> LoginAnswer:
        """Check an e-mail address and a password, both exactly as typed.

        `device` labels the refresh token in FusionAuth's own list. `trust_id` is that of a browser that needs no second
        factor. Raises LoginRefused, TwoFactorRequired, AuthorityUnavailable.
        """
        # By the address alone: a user name would be a second name for the account, with its own count of attempts.
        proof = {"loginId": email, "loginIdTypes": ["email"], "password": password}
        return self._logged_in(*self._first_step("/api/login", proof, client, device, trust_id, key=True))

    def two_factor(
        self, two_factor_id: str, code: str, client: Client, device: str, *, trust: bool = False
    ) -> LoginAnswer:
        """Answer a challenge with a code. With `trust` the answer has the id of a trust in this browser.

        Raises LoginRefused (`code`, `challenge`), AuthorityUnavailable.
        """
        status, body = self._transport.call(
            self.breaker.login,
            "POST",
            "/api/two-factor/login",
            key=False,
            json=self._about(client, device)
            | {"twoFactorId": two_factor_id, "code": code}
            | ({"trustComputer": True} if trust else {}),
        )
        if status == 421 or (status == 400 and wrong_field(body, "code")):
            raise LoginRefused("code", status)
        if unknown(status, body):
            raise LoginRefused("challenge", status)
        return self._logged_in(status, body)

    def send_code(self, two_factor_id: str, method_id: str) -> None:
        """Have a code sent by a method of the challenge. Raises LoginRefused (`challenge`), AuthorityUnavailable."""
        path = f"/api/two-factor/send/{quote(two_factor_id, safe='')}"
        status, body = self._transport.call(
            self.breaker.login, "POST", path, key=False, json={"methodId": method_id}
        )
        if unknown(status, body):
            raise LoginRefused("challenge", status)
        if status != 200:
            raise AuthorityMisconfigured(f"FusionAuth answered with {status} when a code was to be sent")

    def send_mail_code(self, email: str) -> MailCode | None:
        """Have FusionAuth mail a code that logs in; None where nobody has the address. Raises AuthorityUnavailable."""
        start = {
            "applicationId": self._settings.application_id,
            "loginId": email,
            "loginIdTypes": ["email"],
            "loginStrategy": "FormField",
        }
        with self._transport.turn(self.breaker.login) as ask:
            status, body = ask("POST", "/api/passwordless/start", key=True, json=start)
            found = login_answers.mail_code(status, body)
            if found is None:
                return None
            status, _ = ask("POST", "/api/passwordless/send", key=False, json={"code": found.login_id})
        if status != 200:
            raise AuthorityMisconfigured(f"FusionAuth answered with {status} when a code was to be mailed")
        return found

    def mail_code_login(
        self, mail_code: MailCode, client: Client, device: str, trust_id: str | None = None
    ) -> LoginAnswer:
        """Log in by a mailed code. Raises LoginRefused (`challenge` where it is too old), TwoFactorRequired, AuthorityUnavailable."""
        proof = {"code": mail_code.login_id, "oneTimeCode": mail_code.code}
        status, body = self._first_step("/api/passwordless/login", proof, client, device, trust_id)
        spent = status == 400 and any(wrong_field(body, name) for name in ("code", "oneTimeCode"))
        if spent or unknown(status, body):
            raise LoginRefused("challenge", status)
        return self._logged_in(status, body)

    def passkey_login(
        self,
        credential: Mapping[str, Any],
        party: RelyingParty,
        client: Client,
        device: str,
        trust_id: str | None = None,
    ) -> LoginAnswer:
        """Log in by what a passkey has signed. Raises LoginRefused (`passkey`), TwoFactorRequired, AuthorityUnavailable."""
        proof = {"credential": credential, "origin": party.origin, "rpId": party.id}
        status, body = self._first_step("/api/webauthn/login", proof, client, device, trust_id)
        if passkey_answers.refused(status, body):
            raise LoginRefused("passkey", status)
        return self._logged_in(status, body)

    def set_up_authenticator(
        self, two_factor_id: str, email: str, secret: str, code: str, client: Client
    ) -> Enrolled:
        """Set up an authenticator with this secret (base32) for the user of a challenge, who has proven the password and has no
        second factor yet. `code` is one that the app has made.

        Raises LoginRefused (`code`, `challenge`), AuthorityUnavailable.
        """
        with self._transport.turn(self.breaker.login) as ask:
            status, body = ask("GET", "/api/user", key=True, params={"email": email})
            user_id = enrolment_answers.without_methods(status, body)
            json = {
                "applicationId": self._settings.application_id,
                "method": "authenticator",
                "secretBase32Encoded": secret,
                "code": code,
                "twoFactorId": two_factor_id,
                "eventInfo": _event_info(client, user_agents.label(client.agent)),
            }
            status, body = ask("POST", f"/api/user/two-factor/{user_id}", key=True, json=json)
        return enrolment_answers.enrolled(status, body, user_id)

    def refresh(self, refresh_token: str, user_id: UUID, client: Client | None = None) -> Refreshed:
        """Exchange a refresh token, at the endpoint that the settings name. See Authority.refresh.

        Registration, roles, name and address are read from the user, as at a login: FusionAuth refreshes the token of a
        user who has been deregistered, and a customer's lambda may change the token's claims. The user is read first, so
        that a one-time token is not spent when reading the user fails.
        """
        with self._transport.turn(self.breaker.refresh) as ask:
            account = self._account(ask, user_id)
            if account is None:
                raise RefreshRefused
            if self._settings.refresh_endpoint == "oauth2":
                status, body = ask("POST", "/oauth2/token", key=False, data=self._grant(refresh_token))
                names = ("refresh_token", "refresh_token_id", "access_token")
            else:
                json: dict[str, Any] = {"refreshToken": refresh_token}
                if client is not None:
                    json["eventInfo"] = _event_info(client, user_agents.label(client.agent))
                status, body = ask("POST", "/api/jwt/refresh", key=False, json=json)
                names = ("refreshToken", "refreshTokenId", "token")
            if token_answers.refresh_token_dead(status, body):
                raise RefreshRefused
            if status != 200 or not isinstance(body, dict):
                raise AuthorityMisconfigured(f"FusionAuth answered a refresh with {status}")
            return _refreshed(refresh_token, *(body.get(name) for name in names), account=account)

    def revoke(self, site: str, *, refresh_token_id: UUID | None, user_id: UUID | None) -> None:
        """Revoke at FusionAuth. See Authority.revoke.

        The token is named by its id, never by its value, which would end up in access logs (ASVS 5.0 14.2.1).
        """
        path, params = "/api/jwt/refresh", {}
        if refresh_token_id is not None:
            path += f"/{refresh_token_id}"
        else:
            params["applicationId"] = self._settings.applications[site]
            if user_id is not None:
                params["userId"] = str(user_id)
        status, body = self._transport.call(self.breaker.revoke, "DELETE", path, key=True, params=params)
        # An unknown token, or one that has expired and was deleted: either way there is nothing left to revoke.
        if status != 200 and not unknown(status, body):
            raise AuthorityMisconfigured(f"FusionAuth answered a revocation with {status}")

    def roles(self, user_id: UUID) -> tuple[str, ...] | None:
        """Return the user's roles in this site's application. See Authority.roles."""
        with self._transport.turn(self.breaker.refresh) as ask:
            account = self._account(ask, user_id)
        return None if account is None else account.roles

    def roles_on(self, site: str, user_id: UUID) -> tuple[str, ...]:
        """Return the user's roles in any site's application; none for a user who is not registered there. Raises
        AuthorityUnavailable.
        """
        with self._transport.turn(self.breaker.refresh) as ask:
            account = self._account(ask, user_id, self._settings.applications[site])
        return () if account is None else account.roles

    def delete_user(self, user_id: UUID) -> None:
        """Delete a user at FusionAuth for good. A user whom FusionAuth does not know is deleted already.

        Raises AuthorityUnavailable.
        """
        status, body = self._transport.call(
            self.breaker.revoke, "DELETE", f"/api/user/{user_id}", key=True, params={"hardDelete": "true"}
        )
        if status != 200 and not unknown(status, body):
            raise AuthorityMisconfigured(f"FusionAuth answered the deletion of a user with {status}")

    def refresh_tokens(self, user_id: UUID) -> IssuedTokens:
        """Return the user's refresh tokens at FusionAuth, expired ones that it still has included. The values, which the answer holds,
        are dropped here. Raises AuthorityUnavailable.
        """
        status, body = self._transport.call(
            self.breaker.refresh, "GET", "/api/jwt/refresh", key=True, params={"userId": str(user_id)}
        )
        return token_answers.issued_tokens(status, body)

    def site_of(self, application_id: str) -> str | None:
        """Return the site of an application at FusionAuth, or None."""
        found = (site for site, known in self._settings.applications.items() if known == application_id)
        return next(found, None)

    def is_away(self, user_id: UUID) -> bool:
        """Ask FusionAuth for a user, past the breakers; return whether no answer came.

        A gateway before FusionAuth (502, 503, 504) does not count as an answer. Any other response does, a refusal of our API key or an
        error about the account too, and so is a call that was not made because too many are under way.
        """
        try:
            self._transport.call(self.breaker.probe, "GET", f"/api/user/{user_id}", key=True)
        except Unreachable:
            return True
        except AccountFault as error:
            return error.status in _GATEWAY
        except AuthorityUnavailable:
            return False
        return False

    def sign_up(self, email: str, password: str, name: str, client: Client) -> None:
        """Create a user who is registered for this site, with the application's default roles. FusionAuth sends the mail that
        verifies the address, if the tenant wants it.

        Raises AddressTaken, InputRefused, AuthorityUnavailable.
        """
        user = {"email": email, "password": password} | ({"fullName": name} if name else {})
        json = {"user": user, "registration": {"applicationId": self._settings.application_id}}
        self._register("/api/user/registration", json, client)

    def join(self, user_id: UUID, client: Client) -> None:
        """Register a user of another site for this one. Raises AuthorityUnavailable."""
        json = {"registration": {"applicationId": self._settings.application_id}}
        self._register(f"/api/user/registration/{user_id}", json, client)

    def _register(self, path: str, json: dict[str, Any], client: Client) -> None:
        json["eventInfo"] = _event_info(client, user_agents.label(client.agent))
        status, body = self._transport.call(self.breaker.login, "POST", path, key=True, json=json)
        if status == 400:
            raise signup_answers.refused_input(body)
        if status != 200:
            raise AuthorityUnavailable(f"FusionAuth answered a registration with {status}")

    def send_password_mail(self, email: str, client: Client) -> None:
        """Have FusionAuth send a mail with a link to set a new password. An unknown address gets none, and is no error.

        Raises AuthorityUnavailable.
        """
        json = {
            "loginId": email,
            "loginIdTypes": ["email"],
            "applicationId": self._settings.application_id,
            "sendForgotPasswordEmail": True,
            "eventInfo": _event_info(client, user_agents.label(client.agent)),
        }
        path = "/api/user/forgot-password"
        status, body = self._transport.call(self.breaker.login, "POST", path, key=True, json=json)
        # The other statuses: no mail can be sent, because the tenant has no template for it or has it turned off.
        if status != 200 and not unknown(status, body):
            raise AuthorityMisconfigured(f"FusionAuth answered a forgotten password with {status}")

    def change_password(self, change_password_id: str, password: str, client: Client) -> UUID:
        """Set a new password, by the right to do so that a mail or a login has brought. Returns the user's id.

        Raises LoginRefused (`challenge`) where the right is spent or too old, InputRefused, AuthorityUnavailable.
        """
        with self._transport.turn(self.breaker.login) as ask:
            # The right is good for one change, so it is worth nothing in FusionAuth's access log a moment later.
            status, body = ask("GET", "/api/user", key=True, params={"changePasswordId": change_password_id})
            user_id = signup_answers.user_id(status, body)
            json = {
                "changePasswordId": change_password_id,
                "password": password,
                "applicationId": self._settings.application_id,
                "eventInfo": _event_info(client, user_agents.label(client.agent)),
            }
            status, body = ask("POST", "/api/user/change-password", key=False, json=json)
        if status == 400:
            refused = signup_answers.refused_input(body)
            raise refused if not isinstance(refused, AddressTaken) else InputRefused({})
        if unknown(status, body):
            raise LoginRefused("challenge", status)
        if status != 200:
            raise AuthorityUnavailable(f"FusionAuth answered a change of a password with {status}")
        return user_id

    def _account(
        self, ask: Callable[..., tuple[int, Any]], user_id: UUID, application_id: str | None = None
    ) -> Account | None:
        """Return a user as registered for this site's application, or another one."""
        status, body = ask("GET", f"/api/user/{user_id}", key=True)
        if unknown(status, body):
            return None
        if status != 200:
            raise AuthorityMisconfigured(f"FusionAuth answered a request for a user with {status}")
        account = user_answers.account(body, application_id or self._settings.application_id)
        if account is not None and account.user_id != user_id:
            raise AuthorityUnavailable("FusionAuth answered with another user")
        return account

    def _first_step(
        self,
        path: str,
        proof: dict[str, Any],
        client: Client,
        device: str,
        trust_id: str | None,
        *,
        key: bool = False,
    ) -> tuple[int, Any]:
        """Send what proves who it is, and return status and body. Raises TwoFactorRequired, AuthorityUnavailable."""
        json = self._about(client, device) | proof | ({"twoFactorTrustId": trust_id} if trust_id else {})
        status, body = self._transport.call(self.breaker.login, "POST", path, key=key, json=json)
        if status == 242:
            raise login_answers.two_factor(body)
        return status, body

    def _logged_in(self, status: int, body: Any) -> LoginAnswer:
        if status == 200:
            return login_answers.login(body, self._settings.application_id)
        if status == 400:
            raise login_answers.bad_request(body)
        if status == 404 and not unknown(status, body):
            raise AuthorityUnavailable("a gateway answered a login with 404")
        if status in REFUSALS:
            raise LoginRefused(
                REFUSALS[status],
                status,
                change_password_id=login_answers.change_password_id(status, body),
                user_id=login_answers.refused_user(status, body),
            )
        raise AuthorityUnavailable(f"FusionAuth answered a login with {status}")

    def _about(self, client: Client, device: str) -> dict[str, Any]:
        """Return the fields of every login call about the application and the browser.

        Without them FusionAuth would record this server's address for every user, and its threat detection would look at
        this server's requests instead of the user's.
        """
        about: dict[str, Any] = {
            "applicationId": self._settings.application_id,
            "eventInfo": _event_info(client, device),
            "metaData": {"device": {"name": device, "type": "BROWSER", "description": client.agent}},
        }
        if client.address:
            about["ipAddress"] = client.address
        return about

    def _grant(self, refresh_token: str) -> dict[str, str]:
        grant = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self._settings.application_id,
        }
        if self._settings.client_secret:
            grant["client_secret"] = self._settings.client_secret
        return grant


def _event_info(client: Client, device: str) -> dict[str, str]:
    """Return what FusionAuth's threat detection, mails and webhooks are told of the browser (`EventInfo`)."""
    info = {
        "deviceName": device,
        "deviceType": "BROWSER",
        "deviceDescription": client.agent,
        "userAgent": client.agent,
    }
    return info | ({"ipAddress": client.address} if client.address else {})


def _refreshed(presented: str, token: Any, token_id: Any, jwt: Any, *, account: Account) -> Refreshed:
    """Read a 200 of a refresh. Of the JWT only `sub` is read, which no lambda can change."""
    if not isinstance(jwt, str) or not isinstance(token, str | None):
        raise AuthorityUnavailable("FusionAuth's answer to a refresh is not complete")
    return Refreshed(
        refresh_token=token or presented,
        refresh_token_id=read_uuid(token_id) if token_id else None,
        user_id=read_uuid(token_answers.claims(jwt).get("sub")),
        roles=account.roles,
        name=account.name,
        email=account.email,
    )
