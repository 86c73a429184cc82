"""One development identity provider over real HTTP, driven by FusionAuth's official client."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from fusionauth.fusionauth_client import FusionAuthClient

from shopforum.dev.idp.provision import provision
from shopforum.dev.idp.server import Running, serve_in_thread

API_KEY = "test-api-key"
TENANT = "7c6f9a30-0000-4000-8000-000000000001"
STORE = "7c6f9a30-0000-4000-8000-000000000002"
FORUMS = "7c6f9a30-0000-4000-8000-000000000003"
ADMIN = "7c6f9a30-0000-4000-8000-000000000004"


@dataclass(frozen=True)
class World:
    """The provider's address, and the applications and users that it was provisioned with."""

    url: str
    hooks: str
    api_key: str = API_KEY
    tenant: str = TENANT
    store: str = STORE
    forums: str = FORUMS
    admin: str = ADMIN
    secrets: dict[str, str] = field(
        default_factory=lambda: {STORE: "store-secret", FORUMS: "forums-secret", ADMIN: "admin-secret"}
    )


@dataclass(frozen=True)
class Person:
    """A fresh user, registered for the store and the forums, not for admin."""

    id: str
    email: str
    password: str = "correct horse"


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    database = tmp_path_factory.mktemp("devidp") / "idp.sqlite"
    secrets = World("", "").secrets
    provision(
        database,
        tenant_id=TENANT,
        applications={
            name: {"id": key, "client_secret": secrets[key]}
            for name, key in (("store", STORE), ("forums", FORUMS), ("admin", ADMIN))
        },
    )
    with serve_in_thread(database, API_KEY) as running:
        yield running


@pytest.fixture
def world(provider: Running) -> Iterator[World]:
    requests.post(f"{provider.hooks}/reset", timeout=30).raise_for_status()
    yield World(provider.url, provider.hooks)
    requests.post(f"{provider.hooks}/reset", timeout=30).raise_for_status()


@pytest.fixture
def client(world: World) -> FusionAuthClient:
    return FusionAuthClient(API_KEY, world.url)


@pytest.fixture
def hook(world: World) -> Callable[..., Any]:
    """Call a test hook: ``hook("lock", email=..., on=True)``; the answer's JSON, or None."""

    def call(name: str, **body: Any) -> Any:
        answer = requests.post(f"{world.hooks}/{name}", json=body, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    return call


@pytest.fixture
def person(client: FusionAuthClient) -> Person:
    made = Person(str(uuid.uuid4()), f"{uuid.uuid4().hex}@example.com")
    user = {"email": made.email, "password": made.password, "firstName": "Ada"}
    answer = client.register(
        {"user": user, "registration": {"applicationId": STORE, "roles": ["shopper"]}}, made.id
    )
    assert answer.status == 200, answer.error_response
    assert client.register({"registration": {"applicationId": FORUMS}}, made.id).status == 200
    return made


@pytest.fixture
def login(client: FusionAuthClient, person: Person) -> Callable[..., Any]:
    """Log the person in; the official client's response."""

    def call(**changes: Any) -> Any:
        body = {"loginId": person.email, "password": person.password, "applicationId": STORE} | changes
        return client.login({name: value for name, value in body.items() if value is not None})

    return call


@pytest.fixture
def refresh(client: FusionAuthClient) -> Callable[[str], Any]:
    """Exchange a refresh token; the official client's response."""

    def call(token: str) -> Any:
        return client.exchange_refresh_token_for_jwt({"refreshToken": token})

    return call
