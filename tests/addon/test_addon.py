"""shopforum.sessions in an application that is not shopforum."""

import ast
import re
import uuid
from pathlib import Path

import pytest
from addon.blog import blog
from device_client import DeviceClient
from http_helpers import give
from session_fixtures import SECRET, Provider
from sqlalchemy import text
from webtest import TestApp

import shopforum
import shopforum.sessions
from shopforum.core.engine import create_engine
from shopforum.sessions import EXTENSION_POINTS, Login


class Authority(Provider):
    """The tests' provider, with a login that believes the query string."""

    def login(self, request):
        user_id = uuid.uuid4()
        name = request.params["name"]
        return Login(user_id, name, "", ("author",), *self.issue(user_id), request.sessions.login_start())


@pytest.fixture
def client(clean, database_url):
    engine = create_engine(database_url, 5)
    environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "blog.test"}
    yield TestApp(blog(engine, Authority(), **{"sessions.secret": SECRET}), extra_environ=environ)
    engine.dispose()


def test_a_foreign_app_signs_people_in_and_out(client):
    client.get("/members", status=403)
    client.get("/login?name=Dora", status=302)
    page = client.get("/members").json
    assert page["hello"] == "Dora"
    cookies = dict(client.cookies)
    client.post("/logout", {"csrf_token": page["csrf_token"]}, status=303)
    client.get("/members", status=403)
    give(client, cookies).get("/members", status=403)


def test_it_refuses_forged_posts(client):
    client.get("/login?name=Dora", status=302)
    token = client.get("/members").json["csrf_token"]
    client.post("/logout", {}, status=400)
    client.post("/logout", {"csrf_token": token}, headers={"Origin": "https://evil.test"}, status=400)
    client.post("/logout", {"csrf_token": token}, headers={"Sec-Fetch-Site": "same-site"}, status=400)
    client.get("/members", status=200)


def test_a_foreign_app_s_sessions_are_bound_and_a_copied_jar_is_refused(client):
    """With no line of its own: the application sends the headers that `remember` returns, as it does anyway."""
    device = DeviceClient(client)
    device.register(client.get("/login?name=Dora", status=302))
    assert client.get("/members", status=200).json["hello"] == "Dora"
    thief = give(TestApp(client.app, extra_environ=client.extra_environ), dict(client.cookies))
    robber = DeviceClient(thief)
    thief.get("/members", status=200)
    second = robber.device.registration("c" * 43)
    robber.post("/dbsc/register", Secure_Session_Response=second, status=403)
    client.app.registry.sessions.db.all(text("UPDATE session_bound_cookies SET expires_at = now()"))
    thief.get("/members", status=403)
    robber.identifier = device.identifier
    assert robber.renew().status_int == 403
    assert device.renew().status_int == 200
    page = client.get("/members", status=200)
    thief.get("/members", status=403)
    client.post("/logout", {"csrf_token": page.json["csrf_token"]}, status=303)
    assert device.renew().json["continue"] is False


def test_it_needs_little():
    """The example stays an example: short, and with nothing of shopforum but the add-on."""
    source = Path(__file__).with_name("blog.py").read_text()
    function = next(
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name == "blog"
    )
    assert function.end_lineno - function.lineno < 20
    assert "shopforum" not in source.replace("shopforum.sessions", "")


def test_it_imports_nothing_of_the_rest():
    folder = Path(shopforum.sessions.__file__).parent
    for file in folder.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom):
                assert node.level <= 1 or node.module.startswith("core"), (file.name, node.module)
                assert not (node.module or "").startswith("shopforum"), (file.name, node.module)


def test_the_rest_imports_what_is_public():
    """Names in `__all__`, or the modules that docs/addon.md calls extension points; development alone may look inside."""
    public, root = set(shopforum.sessions.__all__) | EXTENSION_POINTS, Path(shopforum.__file__).parent
    inside = {}
    for file in root.rglob("*.py"):
        package = file.relative_to(root).parts[0]
        if package in ("sessions", "dev"):
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            parts = (node.module or "").removeprefix("shopforum.").split(".")
            if parts[0] != "sessions" or (node.level and node.level != len(file.relative_to(root).parts)):
                continue
            names = {alias.name for alias in node.names} if len(parts) == 1 else {parts[1]}
            if names - public:
                inside[str(file.relative_to(root))] = names - public
    assert inside == {}


def test_the_public_modules_are_there_and_documented():
    assert all(hasattr(shopforum.sessions, name) for name in shopforum.sessions.__all__)
    text = (Path(__file__).parents[2] / "docs" / "addon.md").read_text()
    table = text.partition("## Extension points")[2]
    assert set(re.findall(r"`(\w+)`(?=[,| ])", table.partition("| module | for |")[2])) == EXTENSION_POINTS
