"""The forums' routes: the address, the view, the template and the permission of each page.

Ids have at most 18 digits, because a longer number may be no bigint.
"""

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED

from ..core.permissions import MODERATE
from ..sessions import SIGNED_IN
from .refusals import Locked, Missing, TooLate
from .views import inbox as inbox_views
from .views import locked, missing, notifications, too_late
from .views.feed import feed
from .views.lists import category, home, mark_read, new_topic, own_posts, start_topic
from .views.member import show as member
from .views.moderate import (
    add_category,
    categories_page,
    category_page,
    log,
    moderate_edit,
    moderate_post,
    moderate_topic,
    post_page,
    queue,
    rename_category,
    settle,
    topic_page,
)
from .views.moderate import edit_page as moderate_edit_page
from .views.post import edit, edit_page, history, remove, report, report_page, restore
from .views.search import results
from .views.topic import reply, show

_CATEGORY = r"/categories/{slug:[a-z0-9-]{1,60}}"
_TOPIC = r"/topics/{id:\d{1,18}}"
_POST = r"/posts/{id:\d{1,18}}"

_ROUTES = {
    "home": "/",
    "feed": "/feed.atom",
    "category_feed": f"{_CATEGORY}/feed.atom",
    "category": _CATEGORY,
    "new_topic": f"{_CATEGORY}/topics",
    "mark_read": f"{_CATEGORY}/read",
    "topic": _TOPIC + "-{slug:[^/]*}",
    "topic_by_id": _TOPIC,
    "reply": f"{_TOPIC}/posts",
    "moderate_topic": f"{_TOPIC}/moderate",
    "follow": f"{_TOPIC}/follow",
    "unfollow": f"{_TOPIC}/unfollow",
    "notifications": "/account/notifications",
    "unsubscribe": "/unsubscribe",
    "posts": "/posts",
    "post": _POST,
    "history": f"{_POST}/history",
    "delete": f"{_POST}/delete",
    "restore": f"{_POST}/restore",
    "flag": f"{_POST}/flag",
    "moderate_post": f"{_POST}/moderate",
    "moderate_edit": _POST + r"/history/{edit:\d{1,18}}",
    "member": "/members/{handle:[a-z0-9-]{1,60}}",
    "inbox": "/inbox",
    "read_all": "/inbox/read",
    "read": r"/inbox/{id:\d{1,18}}/read",
    "search": "/search",
    "log": "/moderation",
    "flags": "/moderation/flags",
    "categories": "/moderation/categories",
    "rename": r"/moderation/categories/{slug:[a-z0-9-]{1,60}}",
}

_PAGES = (
    ("home", "GET", home, "home", NO_PERMISSION_REQUIRED),
    ("category", "GET", category, "category", NO_PERMISSION_REQUIRED),
    ("topic", "GET", show, "topic", NO_PERMISSION_REQUIRED),
    ("topic_by_id", "GET", show, "topic", NO_PERMISSION_REQUIRED),
    ("member", "GET", member, "member", NO_PERMISSION_REQUIRED),
    ("history", "GET", history, "history", NO_PERMISSION_REQUIRED),
    ("search", "GET", results, "search", NO_PERMISSION_REQUIRED),
    ("log", "GET", log, "log", NO_PERMISSION_REQUIRED),
    ("posts", "GET", own_posts, "posts", SIGNED_IN),
    ("new_topic", "GET", new_topic, "new_topic", SIGNED_IN),
    ("new_topic", "POST", start_topic, "new_topic", SIGNED_IN),
    ("reply", "POST", reply, "topic", SIGNED_IN),
    ("post", "GET", edit_page, "edit", SIGNED_IN),
    ("post", "POST", edit, "edit", SIGNED_IN),
    ("flag", "GET", report_page, "report", SIGNED_IN),
    ("flag", "POST", report, "report", SIGNED_IN),
    ("delete", "POST", remove, None, SIGNED_IN),
    ("restore", "POST", restore, None, SIGNED_IN),
    ("mark_read", "POST", mark_read, None, SIGNED_IN),
    ("inbox", "GET", inbox_views.show, "inbox", SIGNED_IN),
    ("read_all", "POST", inbox_views.read_all, None, SIGNED_IN),
    ("read", "POST", inbox_views.read, None, SIGNED_IN),
    ("follow", "POST", notifications.follow, None, SIGNED_IN),
    ("unfollow", "POST", notifications.stop_following, None, SIGNED_IN),
    ("notifications", "GET", notifications.show, "notifications", SIGNED_IN),
    ("notifications", "POST", notifications.save, "notifications", SIGNED_IN),
    ("unsubscribe", "GET", notifications.unsubscribe_page, "unsubscribe", NO_PERMISSION_REQUIRED),
    ("flags", "GET", queue, "reports", MODERATE),
    ("flags", "POST", settle, "reports", MODERATE),
    ("categories", "GET", categories_page, "categories", MODERATE),
    ("categories", "POST", add_category, "categories", MODERATE),
    ("rename", "GET", category_page, "category_edit", MODERATE),
    ("rename", "POST", rename_category, "category_edit", MODERATE),
    ("moderate_edit", "GET", moderate_edit_page, "moderate_edit", MODERATE),
    ("moderate_edit", "POST", moderate_edit, "moderate_edit", MODERATE),
    ("moderate_topic", "GET", topic_page, "moderate_topic", MODERATE),
    ("moderate_topic", "POST", moderate_topic, "moderate_topic", MODERATE),
    ("moderate_post", "GET", post_page, "moderate_post", MODERATE),
    ("moderate_post", "POST", moderate_post, "moderate_post", MODERATE),
)


def includeme(config: Configurator) -> None:
    """Add the routes, the views, and the pages for refused acts."""
    for name, pattern in _ROUTES.items():
        config.add_route(f"forums_{name}", pattern)
    for name, method, view, template, permission in _PAGES:
        config.add_view(
            view,
            route_name=f"forums_{name}",
            request_method=method,
            renderer=template and f"shopforum:forums/templates/{template}.jinja2",
            permission=permission,
        )
    for name in ("feed", "category_feed"):
        config.add_view(
            feed, route_name=f"forums_{name}", request_method="GET", permission=NO_PERMISSION_REQUIRED
        )
    # The signed token in the address stands for a form's token: a mail program posts without ever seeing a page.
    config.add_view(
        notifications.unsubscribe,
        route_name="forums_unsubscribe",
        request_method="POST",
        renderer="shopforum:forums/templates/unsubscribe.jinja2",
        permission=NO_PERMISSION_REQUIRED,
        require_csrf=False,
    )
    config.add_exception_view(missing, context=Missing)
    config.add_exception_view(locked, context=Locked)
    config.add_exception_view(too_late, context=TooLate)
