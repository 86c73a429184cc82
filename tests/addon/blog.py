"""A foreign application that takes shopforum.sessions as an add-on. It needs an engine and an authority, no more."""

from pyramid.config import Configurator
from pyramid.csrf import get_csrf_token
from pyramid.httpexceptions import HTTPFound, HTTPSeeOther
from pyramid.security import NO_PERMISSION_REQUIRED, forget, remember


def blog(engine, authority, **settings):
    with Configurator(settings={"sessions.site": "blog", **settings}) as config:
        config.include("shopforum.sessions")
        config.set_session_engine(engine)
        config.set_session_authority(authority)
        config.set_default_permission("signed-in")
        for name in ("login", "members", "logout"):
            config.add_route(name, f"/{name}")
        config.add_view(login, route_name="login", permission=NO_PERMISSION_REQUIRED, require_csrf=False)
        config.add_view(members, route_name="members", renderer="json")
        config.add_view(logout, route_name="logout", request_method="POST")
        return config.make_wsgi_app()


def login(request):
    return HTTPFound("/members", headers=remember(request, request.sessions.authority.login(request)))


def members(request):
    return {"hello": request.identity.user_name, "csrf_token": get_csrf_token(request)}


def logout(request):
    return HTTPSeeOther("/", headers=forget(request))
