"""HTTP to other servers: no cookies, no proxy of the environment, and a deadline for a whole call where one is set."""

from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import Retry

from . import network_deadlines


class _Watched(HTTPConnection):
    def _new_conn(self) -> Any:
        # Before TLS, whose handshake may drip in as well.
        connection = super()._new_conn()
        network_deadlines.watch(connection)
        return connection

    def getresponse(self) -> Any:
        # A connection out of the pool was named by another call.
        network_deadlines.watch(self.sock)
        response = super().getresponse()
        try:
            # Headers that end in the middle are whole to the client.
            network_deadlines.check()
        except TimeoutError:
            response.close()
            raise
        return response


class _WatchedTls(HTTPSConnection, _Watched):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


def sender(pool_size: int = 1) -> requests.Session:
    """Return a sender of requests, for calls within `network_deadlines.ended_after(seconds)`. Thread-safe up to `pool_size` calls at once.

    Only a request that never reached the server is sent again: few are repeatable.
    """
    http = requests.Session()
    http.trust_env = False
    # FusionAuth sets its own refresh_token cookie at every login, and on a refresh the cookie beats the body. In a shared jar
    # user A's cookie would answer user B's call.
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    retry = Retry(total=None, connect=1, read=0, redirect=0, status=0, other=0, backoff_factor=0)
    adapter = HTTPAdapter(pool_maxsize=pool_size, max_retries=retry)
    adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    http.mount("http://", adapter)
    http.mount("https://", adapter)
    return http
