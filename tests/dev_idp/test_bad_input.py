"""The response to any bad input is a 4xx that says why, and the provider stays up."""

import socket

import pytest
import requests

JSON = {"Content-Type": "application/json"}
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"7",
    b'"text"',
    b"\xff\xfe",
    b'{"loginId": "\\ud800", "password": "x"}',
    b'{"loginId": 7, "password": ["x"]}',
    b'{"loginId": {}, "password": null}',
    b'{"loginId": "x", "password": "y", "applicationId": {"a": 1}}',
    b'{"loginId": "x", "password": "y", "metaData": "laptop"}',
    b'{"loginId": "x", "password": "y", "metaData": {"device": {"name": 7}}}',
    b'{"loginId": "x", "password": "y", "loginIdTypes": "email"}',
    b'{"loginId": "x", "password": "y", "noJWT": "maybe"}',
    b'{"refreshToken": 7}',
    b'{"refreshToken": "x", "timeToLiveInSeconds": -1}',
    b'{"refreshToken": "x", "timeToLiveInSeconds": ' + b"9" * 5000 + b"}",
    b"[" * 100_000,
]
PATHS = [
    ("POST", "/api/login"),
    ("PUT", "/api/login"),
    ("POST", "/api/two-factor/login"),
    ("POST", "/api/jwt/refresh"),
    ("DELETE", "/api/jwt/refresh"),
    ("POST", "/api/user"),
    ("POST", "/api/user/registration"),
    ("POST", "/api/user/change-password"),
    ("POST", "/oauth2/token"),
    ("POST", "/hooks/fail"),
    ("POST", "/hooks/policy"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_bodies_that_cannot_be_right(world, method, path):
    with requests.Session() as session:
        for body in BODIES:
            headers = {"Authorization": world.api_key, **JSON}
            answer = session.request(method, world.url + path, data=body, headers=headers, timeout=30)
            assert 400 <= answer.status_code < 500, (body[:60], answer.text)
            if answer.status_code == 400:
                assert answer.json()


def test_odd_text_is_only_a_wrong_login(world):
    headers = {"Authorization": world.api_key}
    for login_id in ("\x00", "x" * 100_000, "' OR 1=1 --", "é\u202e", "%00"):
        body = {"loginId": login_id, "password": login_id}
        assert (
            requests.post(f"{world.url}/api/login", json=body, headers=headers, timeout=30).status_code == 404
        )


@pytest.mark.parametrize(
    "path",
    [
        "/api/user?email=%ff",
        "/api/user",
        "/api/user/%ff",
        "/api/user/x",
        "/api/jwt/refresh",
        "/api/jwt/refresh?userId=",
        "/api/jwt/refresh?userId=null",
        "/api/jwt/refresh/7c6f9a30",
        "/api/application/x",
        "/api/user/registration/x/y",
        "/hooks/tokens",
    ],
)
def test_odd_paths_and_parameters_are_a_400(world, path):
    answer = requests.get(world.url + path, headers={"Authorization": world.api_key}, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["generalErrors"] or answer.json()["fieldErrors"]


@pytest.mark.parametrize("path", ["/", "/api", "/hooks", "/api/nothing", "/%ff", "/../etc"])
def test_unknown_paths_are_empty_404s(world, path):
    answer = requests.get(world.url + path, timeout=30)
    assert answer.status_code in {400, 404}


def test_odd_credentials(world):
    url = f"{world.url}/oauth2/token"
    fields = {"grant_type": "refresh_token", "refresh_token": "x"}
    for basic in ("Basic", "Basic ", "Basic !!!", "Basic /w==", "Basic Og=="):
        answer = requests.post(url, data=fields, headers={"Authorization": basic}, timeout=30)
        assert answer.status_code in {400, 401}
        assert answer.json()["error"] in {"invalid_client", "invalid_request"}
    odd = {"Authorization": "Bearer \xff"}
    assert requests.get(f"{world.url}/api/jwt/validate", headers=odd, timeout=30).status_code == 401
    cookie = {"Cookie": "refresh_token=\xff\x01; access_token=\xff"}
    answer = requests.post(f"{world.url}/api/jwt/refresh", headers=cookie, timeout=30)
    assert answer.status_code == 400


def test_a_form_with_bad_bytes_or_too_many_fields(world):
    url, headers = f"{world.url}/oauth2/token", {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"a=%ff", b"\xff", b"&".join(b"a=1" for _ in range(200))):
        assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 400


def test_a_form_sent_to_a_json_endpoint_is_a_clear_400(world):
    answer = requests.post(f"{world.url}/api/login", data={"loginId": "x"}, timeout=30)
    assert answer.status_code == 400
    assert "application/json" in answer.text


def test_a_body_too_large_is_a_413(provider):
    with socket.create_connection(("127.0.0.1", provider.port), timeout=30) as connection:
        head = "POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Content-Length: {2 << 20}\r\n\r\n".encode())
        assert b" 413 " in connection.recv(1000)


def test_a_wrong_tenant_is_refused_and_the_right_one_accepted(client, world, person):
    client.set_tenant_id(world.tenant)
    assert client.retrieve_user(person.id).status == 200
    client.set_tenant_id(world.store)
    assert client.retrieve_user(person.id).status == 400
