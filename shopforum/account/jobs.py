"""The account's purges and its backlog. Deletions that are due are carried out by `deletion.run_once`."""

from ..core.backlog import Backlog
from ..core.purge import Purge

PURGES = (
    # The session of such a question has ended long ago.
    Purge("new_sign_ins", "created_at < now() - interval '60 days'", order="created_at"),
    Purge("account_deletions", "done_at < now() - interval '90 days'", order="done_at"),
)

BACKLOGS = (
    # Deletions that are due.
    Backlog(
        "account_deletions",
        "account_deletions",
        since="due_at",
        order="next_try_at",
        pending="done_at IS NULL AND due_at <= now()",
    ),
)
