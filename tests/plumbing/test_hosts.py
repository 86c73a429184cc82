"""Three sites in one process, each on its own host and nowhere else."""

import pytest
from support import Browser, url_of
from webtest import TestApp

from shopforum.core.sites import SITES
from shopforum.hosts import Sites


@pytest.fixture
def everything(apps):
    return Sites(list(apps.values()))


@pytest.mark.parametrize("site", SITES)
def test_each_host_is_its_own_site(everything, site):
    page = Browser(everything, url_of(site)).get("/login")
    assert page.html.html["data-site"] == site


@pytest.mark.parametrize("host", ["evil.test", "store.test:8080", "store.test.", "127.0.0.1", ""])
def test_any_other_host_is_misdirected(everything, host):
    client = TestApp(everything, extra_environ={"HTTP_HOST": host, "wsgi.url_scheme": "https"})
    assert client.get("/", status=421).status == "421 Misdirected Request"


def test_a_host_is_not_case_sensitive(everything):
    TestApp(everything, extra_environ={"HTTP_HOST": "STORE.test", "wsgi.url_scheme": "https"}).get("/healthz")


@pytest.mark.parametrize(
    ("site", "path"), [("store", "/sessions"), ("store", "/posts"), ("forums", "/audit")]
)
def test_no_page_of_another_site_can_be_reached(browser, site, path):
    browser(site).get(path, status=404)
