"""The refresh of a bound session, by both endpoints of FusionAuth and with both policies of refresh tokens."""

import pytest
from device_client import DeviceClient
from http_helpers import paths


@pytest.mark.parametrize("usage", ["Reusable", "OneTimeUse"])
def test_a_bound_session_is_refreshed_with_its_key_and_never_without(refreshing, idp, sql, later, usage):
    browser, call = refreshing
    idp.hook("policy", usage=usage)
    client = DeviceClient(browser)
    client.log_in("shopper")
    later(1801)
    idp.forget_calls()
    assert "why=without_key" in browser.get("/orders", status=302).location
    assert idp.calls() == []
    assert client.renew().status_int == 200
    before = dict(browser.cookies)
    browser.get("/orders", status=200)
    assert paths(idp).count(call) == 1
    assert (browser.cookies["__Host-refresh"] != before["__Host-refresh"]) == (usage == "OneTimeUse")
    assert browser.cookies["__Host-bound"] == before["__Host-bound"]
    assert len(sql("SELECT 1 FROM sessions WHERE ended_at IS NULL")) == 1
