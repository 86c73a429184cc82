"""Links to the console from another site, such as a chat: the browser does not send the session's cookie along.

The cookie is SameSite=Strict, so a signed-in admin who follows a link from elsewhere arrives signed out. The page here loads
the same address once more: that request comes from the console itself, and brings the cookie. It leads nowhere else, and
acts on a GET alone. A browser says where a request comes from (Fetch Metadata), and says "same-origin" for the second one,
so there is no loop; an old browser that says nothing gets the login page at once.
"""

from pyramid.renderers import render_to_response
from pyramid.response import Response

from ...sessions import cookies
from ...web import safe_redirect
from ...web.request import Request

_FOLLOWED_LINK = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}


def from_elsewhere(request: Request) -> bool:
    """Return whether a visitor without a session's cookie has followed a link from another site to a page of the console."""
    return (
        request.method == "GET"
        and cookies.SESSION not in request.cookies
        and all(request.headers.get(name) == value for name, value in _FOLLOWED_LINK.items())
        and safe_redirect.page(request, request.path_qs) is not None
    )


def again(request: Request) -> Response:
    """Return the page that loads its own address once more."""
    request.environ["shopforum.plain"] = True
    values = {"address": request.path_qs}
    return render_to_response("shopforum:admin/templates/external_link.jinja2", values, request=request)
