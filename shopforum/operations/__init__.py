"""The operators' work with sessions: find, count, plan, explain, end and export them, and read the audit log.

The console, the API and the command line stand side by side on this package; none of them has SQL of its own over the
session core's tables. `filters` reads a filter, `session_queries` and `counts` find the sessions that match, `plans`
looks up the reach of an act before it acts, `limits` says who may carry it out. `audit_queries`, `timeline` and
`overview` read what was done; `export` and `json_documents` write it out. Rows are frozen dataclasses (`rows.py`);
`labels` has their names for people. Every act that ends a session goes through `sessions.Sessions.revoke`.
"""

from ..web.site_config import SiteConfigurator


def includeme(config: SiteConfigurator) -> None:
    """Add what the acts of the console and the API go by. Raises SettingsError."""
    from . import approval_requests

    config.add_service(approval_requests.two_people(config.services.settings, config.services.site.url))
