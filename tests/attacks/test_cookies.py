"""Cookies as an attacker would send them: planted, doubled, malformed, oversized, under another name."""

import pytest
from http_helpers import REFRESH, SESSION, credentials, set_cookies

CART = "/shopping-cart"


def send(client, header, path=CART):
    """A request with exactly this Cookie header, from a client with no cookies of its own."""
    return client.get(path, headers={"Cookie": header}, status="*")


@pytest.fixture
def pair(store, browser):
    """The values of a good pair, and a client that holds none."""
    store.log_in("shopper")
    held = credentials(store)
    return held[SESSION], held[REFRESH], browser("store")


def test_the_pair_is_good_as_it_is(pair):
    session, refresh, stranger = pair
    assert send(stranger, f"{SESSION}={session}; {REFRESH}={refresh}").status_int == 200


@pytest.mark.parametrize(
    "header",
    [
        "{S}={s}; {S}={s}; {R}={r}",
        "{S}={s}; {R}={r}; {R}={r}",
        "{S}=" + "A" * 43 + "; {S}={s}; {R}={r}",
        "{S}={s}; {R}={r}; {S}=",
        "__HOST-session={s}; __HOST-refresh={r}",
        "__host-session={s}; {R}={r}",
        "{S}={s}x; {R}={r}",
        "{S}={s}%00; {R}={r}",
        '{S}="{s}"; {R}="{r}"',
        "{S}={s}, {R}={r}",
        "{R}={s}; {S}={r}",
        "{S}=; {R}=",
        "{S}; {R}",
        "{S}={s}\xff; {R}={r}",
        "\x85{S}={s}; \x85{R}={r}",
        "\xa0{S}={s}; \xa0{R}={r}",
        "{S}={s}; {R}=" + "x" * 5000,
        ";" * 3000,
        "=" * 3000,
    ],
)
def test_anything_but_one_well_formed_pair_is_ignored(pair, idp, header):
    session, refresh, stranger = pair
    idp.forget_calls()
    answer = send(stranger, header.format(S=SESSION, R=REFRESH, s=session, r=refresh))
    assert answer.status_int == 302
    assert "/login" in answer.headers["Location"]
    assert not {SESSION, REFRESH} & set_cookies(answer).keys()
    assert idp.calls() == []


def test_cookies_that_come_twice_are_noted_once_a_network(pair, sql, admin):
    session, refresh, stranger = pair
    double = f"{SESSION}={session}; {SESSION}={session}; {REFRESH}={refresh}; __Host-cart=a; __Host-cart=b; x=1; x=2"
    # The sender chooses the names: a row holds the beginnings of ten.
    double += f"; __Host-{'z' * 500}=1" * 2
    for _ in range(3):
        send(stranger, double)
    # A made-up id is another event, which does not hide this one.
    send(stranger, f"{SESSION}={'A' * 43}")
    rows = sql(
        "SELECT event, detail, session_id, host(address) AS address FROM audit_log "
        "WHERE event IN ('cookie_duplicate', 'strict_session_violation') ORDER BY id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("cookie_duplicate", {"cookies": ["__Host-cart", SESSION, f"__Host-{'z' * 53}"]}, None, "127.0.0.1"),
        ("strict_session_violation", {}, None, "127.0.0.1"),
    ]
    admin.log_in("owner")
    [row] = admin.get("/audit?event=cookie_duplicate").html.select("tbody tr")
    assert row.select_one(".badge").text == "Cookie came twice"
    assert f"cookies: __Host-cart, {SESSION}" in row.text


@pytest.mark.parametrize(
    "header",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "Prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
    ],
    ids=str,
)
def test_a_prefetch_neither_extends_nor_rotates_a_session(store, sql, header, later):
    store.log_in("shopper")
    later(11 * 60)
    before = sql("SELECT last_seen_at, idle_end, issued, head FROM sessions")
    answer = store.get(CART, headers=header, status=200)
    assert set_cookies(answer).keys().isdisjoint({SESSION, REFRESH})
    assert sql("SELECT last_seen_at, idle_end, issued, head FROM sessions") == before
    assert SESSION in set_cookies(store.get(CART, status=200))


def test_cookies_of_a_wrong_shape_cost_no_statement(browser, count_sql):
    client = browser("store")
    with count_sql(client) as statements:
        assert send(client, f"{SESSION}={'x' * 42}!; {REFRESH}=y").status_int == 302
    assert statements == []


@pytest.mark.parametrize("how", ["query", "header", "body"])
def test_a_session_id_is_read_from_nowhere_but_the_cookie(pair, how):
    session, refresh, stranger = pair
    if how == "query":
        answer = stranger.get(f"{CART}?{SESSION}={session}&{REFRESH}={refresh}&sid={session}", status="*")
    elif how == "header":
        answer = stranger.get(
            CART, headers={"X-Session-Id": session, "Authorization": f"Bearer {refresh}"}, status="*"
        )
    else:
        answer = stranger.post(CART, {SESSION: session, REFRESH: refresh}, status="*")
    assert answer.status_int in (302, 403, 404, 405)
    assert SESSION not in set_cookies(answer)


def test_an_owner_s_session_survives_everything_a_sibling_can_plant(store):
    """A Domain cookie of a sibling cannot have a `__Host-` name; under any other name it changes nothing."""
    store.log_in("shopper")
    names = ["session", "__Secure-session", "__Host-Session", "refresh", "csrf_token", "auth_tkt"]
    # To a browser these have no `__Host-` prefix; Python's strip() would give them one.
    names += [f"{space}{name}" for space in "\x85\xa0\x1f" for name in (SESSION, REFRESH, "__Host-csrf")]
    for name in names:
        store.get(
            CART,
            headers={"Cookie": f"{name}=planted; " + "; ".join(f"{k}={v}" for k, v in store.cookies.items())},
            status=200,
        )


def test_an_oversized_refresh_token_from_the_provider_fails_the_login(store, idp, sql):
    """A cookie that browsers drop without a word would be a login loop: it is refused instead."""
    user_id = sql("SELECT gen_random_uuid() AS id")[0]["id"]
    body = {
        "refreshToken": "x" * 5000,
        "refreshTokenId": str(user_id),
        "token": "x.y.z",
        "user": {
            "id": str(user_id),
            "email": "shopper@harbour.example",
            "registrations": [
                {"applicationId": "7d5f7b1c-7f5e-4b56-9a53-0a2f4a3c1d01", "roles": ["shopper"]}
            ],
        },
    }
    idp.hook("fail", path="/api/login", times=1, status=200, body=body)
    answer = store.log_in("shopper", status=503)
    assert SESSION not in set_cookies(answer)
    assert sql("SELECT 1 FROM sessions") == []
