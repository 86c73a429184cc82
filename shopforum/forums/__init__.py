"""The forums: categories, topics and posts in Markdown, search, read markers, an inbox, and moderation.

A signed-in person may write. A person with the role `moderator` may also pin, lock, hide and move topics, and settle
reports. Everybody can read everything that is not removed or hidden. The views are in views/. The rules and the SQL are
in the modules beside it, which know nothing of requests.
"""

from ..core.permissions import MODERATORS
from ..core.sites import STORE
from ..web.contributions import Act, NavItem, Notice, SearchBox
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import avatars, links, settings, topics
from .views import REPORTS, UNREAD

_NOTICES = {
    "saved": Notice("success", "Your changes are saved."),
    "restored": Notice("success", "Your post is back."),
    "flagged": Notice("success", "Thank you. A moderator will look at your report."),
    "read": Notice("success", "Everything in this category is marked as read."),
    "renamed": Notice("success", "The category is renamed."),
    "one-read": Notice("success", "The message is marked as read."),
    "all-read": Notice("success", "Everything is marked as read."),
    "following": Notice("success", "You follow this topic. Your inbox has a message when somebody replies."),
    "not-following": Notice("success", "You do not follow the topic any more."),
    "follows-too-many": Notice(
        "error", "You follow as many topics as possible. Stop following another one first."
    ),
    "letters": Notice("success", "We write to you about new messages in your inbox."),
    "no-letters": Notice("success", "We send you no letters about your inbox."),
    "moderated": Notice("success", "Done. The public log shows it with your reason."),
}

_ACTS = {
    "forums_new_topic": Act("Open a topic"),
    "forums_reply": Act("Post reply"),
    "forums_post": Act("Change a post"),
    "forums_flag": Act("Report a post"),
    "forums_restore": Act("Restore a post"),
    "forums_delete": Act("Delete a post", page="/posts"),
    "forums_mark_read": Act("Mark a category as read"),
    "forums_read": Act("Mark as read"),
    "forums_read_all": Act("Mark everything as read"),
    "forums_follow": Act("Follow a topic"),
    "forums_unfollow": Act("Stop following a topic"),
    "forums_notifications": Act("Change the notifications"),
    "forums_categories": Act("Add a category"),
    "forums_rename": Act("Rename a category"),
    "forums_moderate_post": Act("Moderate a post", asks=True),
    "forums_flags": Act("Settle reports", asks=True),
    "forums_moderate_topic": Act("Moderate a topic", asks=True),
    "forums_moderate_edit": Act("Moderate an edit", asks=True),
}


def includeme(config: SiteConfigurator) -> None:
    """Add the forums' pages."""
    config.add_service(settings.parse(config.registry.settings))
    config.set_navigation(_nav)
    config.set_search_box(SearchBox("/search", "Search the forums"))
    shop = config.services.site.urls[STORE]
    config.set_footer_links(("Contact", f"{shop}/contact"), ("Privacy", f"{shop}/privacy"))
    config.set_sitemap(lambda request: ["/", *topics.paths(request.site_db)])
    config.add_notices(_NOTICES)
    config.add_acts(_ACTS)
    config.add_repeatable_field("post")
    config.add_template_names({"links": links, "avatar": avatars.svg})
    config.include(".routes")


def _nav(request: Request) -> list[NavItem]:
    route = request.route_name
    items = [NavItem("Categories", "/", route == "forums_home")]
    if request.identity is not None:
        items.append(NavItem("Your posts", "/posts", route == "forums_posts"))
        # The count comes with the page's own statements. A page without statements shows the link without it.
        items.append(NavItem("Inbox", "/inbox", route == "forums_inbox", request.environ.get(UNREAD)))
    if request.identity is not None and request.identity.roles & MODERATORS:
        items.append(
            NavItem("Reports", "/moderation/flags", route == "forums_flags", request.environ.get(REPORTS))
        )
    return items
