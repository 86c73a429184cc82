"""The roles and permissions of all sites, in one table: which roles hold which permission on which site.

A user has a role at FusionAuth, for one application. A view of a site requires a permission. A role gives nothing on
another site, even where that site knows a role of the same name.
"""

from collections.abc import Mapping

from .sites import ADMIN, FORUMS, STORE

# The console's roles.
VIEWER, RESPONDER, OWNER = "viewer", "responder", "owner"
# The forums' role.
MODERATOR = "moderator"

# The console's permissions. Read every page.
READ = "console:read"
# End and quarantine sessions, add and lift deny rules, dismiss flags.
REVOKE = "sessions:revoke"
# The same without a limit, for whole sites, and for owners' sessions.
REVOKE_ALL = "everyone:revoke"
# Create and revoke API tokens.
TOKENS = "tokens:manage"
# Send the events of the audit log to a webhook endpoint again.
REDELIVER = "webhooks:redeliver"
# The forums' permission: pin, lock, move, hide, settle reports.
MODERATE = "forums:moderate"

ROLES: Mapping[str, Mapping[str, frozenset[str]]] = {
    STORE: {},
    FORUMS: {MODERATE: frozenset({MODERATOR})},
    ADMIN: {
        READ: frozenset({VIEWER, RESPONDER, OWNER}),
        REVOKE: frozenset({RESPONDER, OWNER}),
        REVOKE_ALL: frozenset({OWNER}),
        TOKENS: frozenset({OWNER}),
        REDELIVER: frozenset({OWNER}),
    },
}

# The roles that are asked for by name outside the views: who may log in at the console at all, whose sessions only
# owners may end, whose API tokens go on, who is shown as a moderator.
CONSOLE_ROLES = ROLES[ADMIN][READ]
OWNERS = ROLES[ADMIN][REVOKE_ALL]
TOKEN_MAKERS = ROLES[ADMIN][TOKENS]
MODERATORS = ROLES[FORUMS][MODERATE]
