"""Requests that no browser of ours sends: hosts, bytes, sizes, methods, and what must never be kept by a cache."""

import pytest
from support import person
from webob import Request

SITES = ["store", "forums", "admin"]
WHO = {"store": "shopper", "forums": "member", "admin": "owner"}
HOME = {"store": "/shopping-cart", "forums": "/posts", "admin": "/sessions"}


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    "host",
    ["evil.test", "store.test.evil.test", "store.test:8080", "", "STORE.TEST@evil", "[::1]", "127.0.0.1"],
)
def test_another_host_is_misdirected(browser, site, host):
    answer = browser(site).get("/", extra_environ={"HTTP_HOST": host}, status="*")
    assert answer.status_int == 421
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-For",
        "Forwarded",
        "X-Original-URL",
        "X-HTTP-Method-Override",
    ],
)
def test_forwarded_headers_of_strangers_change_nothing(store, sql, header):
    store.log_in("shopper")
    answer = store.get("/shopping-cart", headers={header: "evil.test"}, status=200)
    assert "evil.test" not in answer.text
    assert {row["address"] for row in sql("SELECT host(last_address) AS address FROM sessions")} == {
        "127.0.0.1"
    }


PATHS = [
    "/%00",
    "/products/%00",
    "/products/" + "a" * 5000,
    "/topics/99999999999999999999-x",
    "/sessions/%0d%0a",
    "//evil.test",
    "/..%2f..%2fetc",
    "/static/../../setup.py",
    "/static/%2e%2e/%2e%2e/setup.py",
    "/orders/%F0%9F%98%80",
    "/posts/0",
    "/revocations/not-an-id",
    "/users/'",
    "/account/sessions/'/revoke",
]


@pytest.mark.parametrize("site", SITES)
def test_odd_paths_are_never_a_500(browser, site):
    client = browser(site)
    client.log_in(WHO[site])
    for path in PATHS:
        answer = client.get(path, status="*")
        assert answer.status_int in (301, 302, 303, 307, 308, 400, 403, 404, 405), path


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("path", ["/\xff", "/products/\xc3(", "/static/\xff", "/\x00"])
def test_paths_that_are_no_text_are_a_400(apps, site, path):
    request = Request.blank("/", environ={"HTTP_HOST": f"{site}.test", "wsgi.url_scheme": "https"})
    request.environ["PATH_INFO"] = path
    status, _, _ = request.call_application(apps[site])
    assert status.startswith("400 ")


QUERIES = [
    "cursor=x",
    "cursor=" + "A" * 3000,
    "after=%00",
    "q=%ff%fe",
    "q=" + "(" * 500,
    "q=%27%20OR%201=1--",
    "page=-1",
    "limit=999999999999",
    "user=%0a",
    "state=nope",
    "ip=300.1.2.3/99",
    "address=::ffff:0:0/0",
    "created_after=yesterday",
    "seen_before=99999-99-99",
    "next=//evil",
    "why=%3Cscript%3E",
    "notice=%3Cscript%3E",
    "quote=99999999999999999999999",
    "post=-1",
    "sort=DROP",
    "category=%F0%9F%98%80",
    "q=a&q=b&cursor=1&cursor=2",
]


@pytest.mark.parametrize("site", SITES)
def test_odd_queries_are_never_a_500_and_never_echoed_raw(browser, site):
    client = browser(site)
    client.log_in(WHO[site])
    paths = {
        "store": ["/", "/products", "/orders"],
        "forums": ["/", "/posts", "/search", "/categories/kitchen"],
        "admin": ["/", "/sessions", "/audit", "/revocations"],
    }
    for path in [*paths[site], "/login", "/account/sessions"]:
        for query in QUERIES:
            answer = client.get(f"{path}?{query}", status="*")
            assert answer.status_int in (200, 302, 303, 400, 404, 422), (path, query, answer.status)
            assert "<script>" not in answer.text


@pytest.mark.parametrize("site", SITES)
def test_a_body_that_is_too_large_or_cannot_be_read_changes_nothing(browser, site):
    client = browser(site)
    token = client.get("/login").html.select_one("input[name=csrf_token]")["value"]
    form = "application/x-www-form-urlencoded"

    def post(body, content_type=form, **headers):
        return client.post("/login", body, content_type=content_type, headers=headers, status="*").status_int

    assert post(b"email=" + b"a" * 1_100_000) == 413
    assert post(f"csrf_token={token}&email=%ff%fe&password=x".encode()) == 400
    assert post(f"csrf_token={token}&email=a%00b&password=x".encode()) == 400
    assert post(f"csrf_token={token}&email=a&email=b&password=x".encode()) == 400
    assert post(f"csrf_token={token}&csrf_token={token}&email=a&password=x".encode()) == 400
    assert post("&".join(f"f{i}=1" for i in range(1500)).encode()) == 400
    assert post(
        b'--x\r\nContent-Disposition: form-data; name="email"\r\n\r\nbroken',
        "multipart/form-data; boundary=x",
    ) in (400, 403)
    assert post(b"{}", "application/json") in (400, 403)
    assert post(b"", "multipart/form-data") in (400, 403)
    assert (
        client.post(
            "/login", {"csrf_token": token}, upload_files=[("email", "a.txt", b"x")], status="*"
        ).status_int
        == 400
    )


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
@pytest.mark.parametrize(("path", "taken"), [("/login", "GET, HEAD, POST"), ("/logout", "POST")])
def test_methods_that_nobody_uses_are_refused(browser, site, method, path, taken):
    answer = getattr(browser(site), method)(path, status=405)
    assert answer.headers["Allow"] == taken


@pytest.mark.parametrize("site", SITES)
def test_pages_are_kept_by_no_cache_and_static_files_set_no_cookie(browser, site):
    client = browser(site)
    client.log_in(WHO[site])
    page = client.get(HOME[site], status=200)
    assert page.headers["Cache-Control"] == "no-store"
    assert "Cookie" in page.headers["Vary"]
    stylesheet = client.get(page.html.select_one("link[rel=stylesheet]")["href"], status=200)
    assert "max-age=31536000" in stylesheet.headers["Cache-Control"]
    assert "Set-Cookie" not in stylesheet.headers
    # Web cache deception: a page must not answer under a static file's name.
    for suffix in ("/x.css", ".css", "/..;/app.css"):
        assert client.get(HOME[site] + suffix, status="*").status_int == 404


STATIC = [
    "nothing.css",
    "products/",
    "products",
    "app.css/x",
    "%2e%2e/app.css",
    "app.css?v=0",
    "x?notice=placed",
    "",
]


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("method", ["get", "head", "post", "put"])
def test_nothing_below_static_asks_who_it_is(browser, site, method, count_sql, sql):
    """A proxy that keeps /static/ for everybody must not get somebody's name, form token or new session id."""
    client = browser(site)
    client.log_in(WHO[site])
    sql("UPDATE sessions SET due_at = now()")
    for name in STATIC:
        with count_sql(client) as statements:
            answer = getattr(client, method)(f"/static/{name}", status="*")
        assert statements == [], name
        assert "Set-Cookie" not in answer.headers
        assert person(WHO[site]).first_name not in answer.text
        if answer.status_int == 200:
            # The address has no hash of the content, so another version may come next.
            assert answer.headers["Cache-Control"] == "public, max-age=300"
        else:
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Cookie" in answer.headers["Vary"]
            assert "csrf_token" not in answer.text
    # The rotation was due all the time, and comes with the next page.
    assert "Set-Cookie" in client.get(HOME[site], status=200).headers


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("path", ["/", "/login", "/nothing", "/healthz", "/static/app.css"])
def test_security_headers_are_on_every_answer(browser, site, path):
    headers = browser(site).get(path, status="*").headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Strict-Transport-Security"].startswith("max-age=63072000")


@pytest.mark.parametrize("site", SITES)
def test_logout_takes_a_post_clears_and_leaves_nothing_to_replay(browser, site, idp):
    client = browser(site)
    client.log_in(WHO[site])
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    client.get("/logout", status=405)
    client.get(HOME[site], status=200)
    form = client.get(HOME[site]).forms
    answer = next(f for f in form.values() if f.action == "/logout").submit(status=303)
    assert '"cache"' in answer.headers["Clear-Site-Data"]
    idp.forget_calls()
    replay = browser(site).get(HOME[site], headers={"Cookie": cookies}, status=302)
    assert "/login" in replay.headers["Location"]
    assert idp.calls() == []
