"""A FusionAuth that answers a byte at a time: no single read times out, and the call ends all the same."""

import uuid

import pytest
from dripping import dripping
from support import person

from shopforum import configuration
from shopforum.idp import FusionAuth, breaker
from shopforum.sessions import AuthorityUnavailable
from shopforum.sessions.audit import Client

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        HEAD + b"Content-Length: 9000\r\n\r\n",
        HEAD + b"Connection: close\r\n\r\n",
    ],
    ids=["status", "headers", "body", "body without an end"],
)
def test_an_answer_that_drips_in_ends_in_time(settings, idp, begin):
    """Sooner than the lease of a refresh, or a second request would ask for the same token."""
    with dripping(begin) as server:
        slow = {
            "idp.url": f"http://{server.address}",
            "idp.connect_timeout": "0.2",
            "idp.read_timeout": "0.3",
        }
        client = FusionAuth(configuration.load({**settings("store"), **slow}).idp)
        with pytest.raises(AuthorityUnavailable):
            client.refresh("a-refresh-token", uuid.uuid4())
        # Five in the half of a second that the call has; fifty in the five seconds of the lease.
        assert server.drops < 50


def test_a_refresh_takes_no_longer_for_asking_twice(settings, idp):
    """It asks for the user, then for a token; each is slow, and both together end before the lease does."""
    slow = {"idp.connect_timeout": "0.2", "idp.read_timeout": "1.6"}
    client = FusionAuth(configuration.load({**settings("store"), **slow}).idp)
    login = client.login(person("shopper").email, person("shopper").password, Client(), "")
    for path in ("/api/user", "/api/jwt/refresh"):
        idp.hook("fail", path=path, times=1, delay_seconds=1.5)
    # Either alone would be in time.
    with pytest.raises(AuthorityUnavailable):
        client.refresh(login.refresh_token, login.user_id)
    assert [call["path"].rpartition("/")[0] for call in idp.calls("/api/")][1:] == ["/api/user", "/api/jwt"]


def test_the_defaults_leave_a_refresh_time_to_be_written(settings):
    """A request that waits for a place, connects and reads is done before another request can take the lease."""
    parsed = configuration.load(settings("store")).idp
    assert breaker.PATIENCE + parsed.connect_timeout + parsed.read_timeout < 5
