"""Caches keep public pages, text is compressed, and well-known addresses exist."""

import gzip
import re
from datetime import UTC, datetime, timedelta

import pytest
from product_fixtures import put
from webob import Request

SITES = ("store", "forums", "admin")
PUBLIC = [
    "/",
    "/products",
    "/products?q=mug",
    "/help",
    "/help/shipping",
    "/help/returns",
    "/contact",
    "/privacy",
]
ZIPPED = {"Accept-Encoding": "br, gzip"}


def raw(store, path, headers):
    """The answer to a visitor as it is on the wire: WebTest would unpack it."""
    own = {"Host": "store.test", "Cookie": "__Host-csrf=" + "A" * 43}
    return Request.blank(path, base_url="https://store.test", headers=own | headers).get_response(store.app)


@pytest.mark.parametrize("path", PUBLIC)
def test_a_guest_who_has_a_public_page_is_sent_304(store, stocked, path):
    page = store.get(path)
    assert page.headers["Cache-Control"] == "public, no-cache"
    assert "Cookie" in page.headers["Vary"]
    again = store.get(path, headers={"If-None-Match": page.headers["ETag"]}, status=304)
    assert again.body == b""
    assert again.headers["ETag"] == page.headers["ETag"]
    assert "Set-Cookie" not in page.headers


def test_a_page_that_has_changed_is_sent_whole(store, stocked):
    tag = store.get("/products").headers["ETag"]
    stocked.set("stoneware-mug", price_minor=1700)
    assert "€17.00" in store.get("/products", headers={"If-None-Match": tag}, status=200).text


@pytest.mark.parametrize("path", PUBLIC)
def test_nothing_of_a_session_is_kept(store, stocked, path):
    tag = store.get(path).headers["ETag"]
    store.log_in("shopper")
    page = store.get(path, headers={"If-None-Match": tag}, status=200)
    assert page.headers["Cache-Control"] == "no-store"
    assert "ETag" not in page.headers
    assert "Cookie" in page.headers["Vary"]


def test_nothing_with_a_form_token_a_notice_or_a_cart_is_kept(store, stocked):
    for path in ("/products/stoneware-mug", "/login"):
        assert store.get(path).headers["Cache-Control"] == "no-store", path
    cart = put(store, "stoneware-mug").follow()
    assert cart.headers["Cache-Control"] == "no-store"
    # A guest's cart leaves no trace on the pages that all guests share.
    assert store.get("/products").html.select(".site-nav .count") == []


@pytest.mark.parametrize("name", ["__Host-session", "__Host-refresh", "__Host-bound", "__Host-note"])
def test_half_a_session_is_enough_to_keep_nothing(store, stocked, name):
    store.set_cookie(name, "A" * 43)
    assert store.get("/").headers["Cache-Control"] == "no-store"


def test_a_static_file_is_kept_for_ever_under_its_hash_alone(store):
    address = store.get("/").html.select_one("link[rel=stylesheet]")["href"]
    kept = "public, max-age=31536000, immutable"
    assert store.get(address).headers["Cache-Control"] == kept
    assert store.get(address + "0").headers["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize(
    "path", ["/products", "/login", "/static/app.css", "/static/products/stoneware-mug.svg"]
)
def test_text_is_compressed_for_those_who_take_it(store, stocked, path):
    plain, zipped = raw(store, path, {}), raw(store, path, ZIPPED)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    for answer in (plain, zipped):
        assert "Accept-Encoding" in answer.headers["Vary"]
    tokens = re.compile(rb'name="csrf_token" value="[^"]+"')
    assert tokens.sub(b"", gzip.decompress(zipped.body)) == tokens.sub(b"", plain.body)
    assert int(zipped.headers["Content-Length"]) == len(zipped.body) < len(plain.body) * 0.7


@pytest.mark.parametrize("taken", ["", "identity", "br", "gzip;q=0", "deflate, gzip; q=0.0, br", "notgzip"])
def test_nothing_is_compressed_for_others(store, stocked, taken):
    assert "Content-Encoding" not in raw(store, "/products", {"Accept-Encoding": taken}).headers


def test_the_length_of_a_page_tells_nothing_of_its_token(store, stocked):
    lengths = {len(raw(store, "/products/stoneware-mug", ZIPPED).body) for _ in range(12)}
    assert len(lengths) > 4


def test_small_answers_and_pictures_are_left_alone(store):
    for path in ("/healthz", "/favicon.ico"):
        assert "Content-Encoding" not in raw(store, path, ZIPPED).headers


@pytest.mark.parametrize("site", SITES)
def test_the_addresses_that_are_known_without_a_link(browser, site, count_sql):
    client = browser(site)
    with count_sql(client) as statements:
        robots = client.get("/robots.txt").text
        assert ("Disallow: /\n" in robots) == (site == "admin")
        assert client.get("/favicon.ico").content_type == "image/x-icon"
        assert client.get("/apple-touch-icon.png").body.startswith(b"\x89PNG")
        said = dict(line.split(": ", 1) for line in client.get("/.well-known/security.txt").text.splitlines())
        assert client.get("/.well-known/change-password", status=302).location
    assert statements == []
    assert said["Contact"] == "https://store.test/contact"
    ends = datetime.fromisoformat(said["Expires"])
    assert timedelta(days=90) < ends - datetime.now(UTC) < timedelta(days=365)


def test_the_page_of_the_components_is_in_development_alone(store):
    store.get("/design", status=404)


def test_the_sitemap_lists_what_is_sold(store, stocked):
    stocked.set("wool-blanket", stock=0, withdrawn=True)
    listed = re.findall("<loc>https://store.test(.*?)</loc>", store.get("/sitemap.xml").text)
    assert "/products/stoneware-mug" in listed
    assert "/products?category=desk" in listed
    assert "/products/wool-blanket" not in listed
    for path in listed:
        assert "noindex" not in store.get(path, status=200).text
    assert "Sitemap: https://store.test/sitemap.xml" in store.get("/robots.txt").text


@pytest.mark.parametrize("path", [*PUBLIC, "/products/stoneware-mug"])
def test_a_public_page_describes_itself(store, stocked, path):
    html = store.get(path).html
    assert html.select_one("link[rel=canonical]")["href"] == f"https://store.test{path.partition('?')[0]}"
    assert len(html.select_one("meta[name=description]")["content"]) > 30
    image = html.select_one("meta[property='og:image']")["content"]
    assert store.get(image.removeprefix("https://store.test")).content_type == "image/png"


def test_every_page_leads_to_help_and_contact(store, forums, stocked):
    for client, prefix in ((store, ""), (forums, "https://store.test")):
        links = [link["href"] for link in client.get("/").html.select("footer a")]
        assert {f"{prefix}/contact", f"{prefix}/privacy"} <= set(links)
    assert "/help/returns" in [
        link["href"] for link in store.get("/nothing", status=404).html.select("footer a")
    ]


def test_the_typeface_is_loaded_ahead_and_kept_for_ever(store):
    html = store.get("/").html
    preload = html.select_one("link[rel=preload][as=font]")["href"]
    style = store.get(html.select_one("link[rel=stylesheet]")["href"]).text
    # Another address than the style's would be loaded twice, and kept for minutes.
    assert re.findall(r'url\("([^"]*)"\)', style) == [preload.removeprefix("/static/")]
    answer = store.get(preload)
    assert (answer.content_type, len(answer.body) < 35_000) == ("font/woff2", True)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert store.get("/static/figtree-OFL.txt").text.startswith("Copyright 2022 The Figtree Project Authors")
