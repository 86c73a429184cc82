"""The operators' tables with data about users: of admins, who lose their roles before their accounts can be deleted."""

from ..core.personal import Fate, UserTable

TABLES = (
    UserTable(
        "console_authenticators",
        Fate.DELETED,
        erase=("DELETE FROM console_authenticators WHERE user_id = :user_id",),
    ),
    UserTable("saved_views", Fate.DELETED, erase=("DELETE FROM saved_views WHERE user_id = :user_id",)),
    UserTable("approvals", Fate.KEPT, why="who has asked for an act; deleted after a while by the worker"),
    UserTable("drift_checks", Fate.KEPT, why="ids alone; deleted after a while by the worker"),
)
