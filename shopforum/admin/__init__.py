"""The security admins' console: see every session of every site, explain it, and end it.

The console is pages and forms only. The queries, the plans and the judgement of reach are in `operations`, which the API
and the command line share. `forms.py` and `filter_forms.py` check input, `lists.py` pages lists, `chart.py` and `pair_tree.py`
draw, `views/` has the pages.
"""

from uuid import UUID

from pyramid.events import BeforeRender

from ..core import addresses, user_agents
from ..core.permissions import READ, REVOKE_ALL
from ..mail import outgoing
from ..operations import approvals, audit_queries, break_glass, commands, deny_rules, labels
from ..operations.approval_requests import TwoPeople
from ..web.contributions import Act, NavItem, Notice, SearchBox
from ..web.request import Request
from ..web.site_config import SiteConfigurator
from . import cells
from .shortcuts import key
from .views.break_glass import code_page
from .views.denied import denied

_ROUTES = (
    ("admin_dashboard", "/"),
    ("admin_search", "/search"),
    ("admin_help", "/help"),
    ("admin_sessions", "/sessions"),
    ("admin_revoke", "/sessions/revoke"),
    ("admin_quarantine", "/sessions/quarantine"),
    ("admin_release", "/sessions/release"),
    ("admin_sessions_export", "/sessions/export"),
    ("admin_news", "/sessions/news"),
    ("admin_select", "/sessions/select"),
    ("admin_dismiss", "/sessions/dismiss"),
    ("admin_session", "/sessions/{id}"),
    ("admin_session_acts", "/sessions/{id}/acts"),
    ("admin_views", "/views"),
    ("admin_view", "/views/{id}"),
    ("admin_view_delete", "/views/{id}/delete"),
    ("admin_flag", "/sessions/{id}/flags/{kind}"),
    ("admin_user", "/users/{id}"),
    ("admin_user_select", "/users/{id}/select"),
    ("admin_user_tokens", "/users/{id}/tokens/revoke"),
    ("admin_everyone", "/revoke-everyone"),
    ("admin_revocations", "/revocations"),
    ("admin_revocation", "/revocations/{id}"),
    ("admin_explain", "/explain"),
    ("admin_incidents", "/incidents"),
    ("admin_incident", "/incidents/{id}"),
    ("admin_incident_contain", "/incidents/{id}/contain"),
    ("admin_incident_filters", "/incidents/{id}/filters"),
    ("admin_incident_filter_remove", "/incidents/{id}/filters/remove"),
    ("admin_incident_notes", "/incidents/{id}/notes"),
    ("admin_incident_close", "/incidents/{id}/close"),
    ("admin_incident_report", "/incidents/{id}/report"),
    ("admin_incident_people", "/incidents/{id}/people"),
    ("admin_incident_acts", "/incidents/{id}/acts"),
    ("admin_revocation_export", "/revocations/{id}/export"),
    ("admin_revocation_people", "/revocations/{id}/people"),
    ("admin_approvals", "/approvals"),
    ("admin_approval", "/approvals/{id}"),
    ("admin_drift", "/drift"),
    ("admin_honey", "/honey"),
    ("admin_honey_retire", "/honey/{id}/retire"),
    ("admin_rules", "/rules"),
    ("admin_rule_lift", "/rules/{id}/lift"),
    ("admin_audit", "/audit"),
    ("admin_audit_export", "/audit/export"),
    ("admin_tokens", "/tokens"),
    ("admin_token_revoke", "/tokens/{id}/revoke"),
    ("admin_authenticator", "/authenticator"),
    ("admin_authenticator_confirm", "/authenticator/confirm"),
    ("admin_authenticator_remove", "/authenticator/remove"),
    ("admin_break_glass", "/break-glass"),
    ("admin_webhooks", "/webhooks"),
    ("admin_redeliver", "/webhooks/{name}/redeliver"),
)
_VIEWS = (
    *("dashboard", "sessions", "users", "revoke", "everyone", "quarantine", "rules", "flags", "dismiss"),
    *(
        "revocations",
        "audit",
        "explain",
        "export",
        "incidents",
        "acts",
        "live",
        "help",
        "search",
        "select",
        "tokens",
        "webhooks",
        "authenticator",
        "break_glass",
        "approvals",
        "drift",
        "honey",
        "saved_views",
    ),
)

# Acts of the console reach far: no form is submitted again from another page than its own.
_ACTS = {
    "admin_revoke": Act("End sessions", asks=True),
    "admin_quarantine": Act("Quarantine sessions", asks=True),
    "admin_release": Act("Release sessions", asks=True),
    "admin_everyone": Act("End everyone's sessions", asks=True),
    "admin_rules": Act("Add a rule", asks=True),
    "admin_approval": Act("Decide on a request", page="/approvals"),
    "admin_drift": Act("Compare with FusionAuth", page="/drift"),
    "admin_honey": Act("Make a honey token", asks=True),
    "admin_honey_retire": Act("Retire a honey token", page="/honey"),
    "admin_views": Act("Save a view", asks=True),
    "admin_view": Act("Rename a view", page="/views"),
    "admin_view_delete": Act("Delete a view", page="/views"),
    "admin_incidents": Act("Open an incident", asks=True),
    "admin_incident_contain": Act("Contain an incident", asks=True),
    "admin_incident_filters": Act("Add a filter", page="/incidents"),
    "admin_incident_filter_remove": Act("Remove a filter", page="/incidents"),
    "admin_incident_notes": Act("Add a note"),
    "admin_incident_close": Act("Close an incident", page="/incidents"),
    "admin_tokens": Act("Create a token", asks=True),
    "admin_rule_lift": Act("Lift a rule", page="/rules"),
    "admin_token_revoke": Act("Revoke a token", page="/tokens"),
    "admin_authenticator": Act("Set up an authenticator", asks=True),
    "admin_authenticator_confirm": Act("Confirm an authenticator", page="/authenticator"),
    "admin_authenticator_remove": Act("Remove an authenticator", page="/authenticator"),
    "admin_break_glass": Act("Use a code in place of the password", asks=True),
    "admin_redeliver": Act("Send webhooks again", page="/webhooks"),
    "admin_flag": Act("Dismiss a flag"),
    "admin_dismiss": Act("Dismiss flags", asks=True),
    "admin_select": Act("Show another page", page="/sessions"),
    "admin_user_select": Act("Show another page", page="/sessions"),
}


_AWAY = (
    "FusionAuth does not answer, so no password can be checked. An admin who is signed in can go on, but for acts that take a "
    "password of the last five minutes: those on more than a hundred sessions or people, on a whole site or everyone, on console "
    "sessions, and tokens. Where an authenticator was set up, its code stands in for the password. Nobody can sign in here, or leave quarantine by the password. The command line needs no password "
    "and no FusionAuth. Run this on a server that has the ini file; it asks before it acts, and the audit log names you:"
)


def includeme(config: SiteConfigurator) -> None:
    """Add the console's routes, views and navigation."""
    config.add_repeatable_field("session")
    config.set_navigation(_nav)
    config.set_search_box(SearchBox("/search", "Search", signed_in=True, key=key("search")))
    config.set_footer_links(
        ("Keyboard", "/help"),
        ("Drift", "/drift"),
        ("Honey tokens", "/honey"),
        ("Authenticator", "/authenticator"),
    )
    config.add_acts(_ACTS)
    config.set_away_help(_AWAY, commands.for_page, code_page)
    config.add_login_hook(_note_login)
    config.add_service(outgoing.parse(config.registry.settings))
    config.set_unknown_act(Act("Submit a form", page="/"))
    config.add_notices(
        {"already_ended": Notice("info", "The chosen sessions had ended already. Nothing was changed.")}
    )
    config.add_template_names(
        {
            "labels": labels,
            "cells": cells,
            "key": key,
            "approval_in_words": approvals.summary,
            "device": user_agents.label,
            "other_browser": user_agents.other_browser,
            "refusal_in_words": deny_rules.in_words,
            "network": lambda address: addresses.household(address and str(address)),
        }
    )
    config.add_subscriber(_add_seal, BeforeRender)
    for name, path in _ROUTES:
        config.add_route(name, path)
    for module in _VIEWS:
        config.include(f".views.{module}")
    # The shared views are registered by now; the console's forbidden view replaces the shared one.
    config.commit()
    config.add_forbidden_view(denied)


def _note_login(request: Request, user_id: UUID, target: str) -> None:
    break_glass.note_login(request.db, request.sessions.config.secrets, request.me)


def _add_seal(event: BeforeRender) -> None:
    request: Request | None = event.get("request")
    if request is not None and not request.environ.get("shopforum.plain"):
        event["sealed"] = lambda: audit_queries.sealed(request.db)


def _nav(request: Request) -> list[NavItem]:
    if request.identity is None or not request.has_permission(READ):
        return []
    items = [
        ("Dashboard", "/", key("dashboard")),
        ("Sessions", "/sessions", key("sessions")),
        ("Revocations", "/revocations", key("revocations")),
        ("Rules", "/rules", key("rules")),
        ("Incidents", "/incidents", key("incidents")),
        ("Explain", "/explain", key("explain")),
        ("Audit", "/audit", key("audit")),
    ]
    if request.services.get(TwoPeople).required:
        items.append(("Approvals", "/approvals", ""))
    if request.has_permission(REVOKE_ALL):
        items.append(("Tokens", "/tokens", ""))
    return [NavItem(label, url, _current(request.path_info, url), key=key) for label, url, key in items]


def _current(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(f"{url}/"))
