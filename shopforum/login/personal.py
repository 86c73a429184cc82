"""The login's tables with data about users."""

from ..core.personal import Fate, UserTable

TABLES = (
    UserTable(
        "login_devices",
        Fate.DELETED,
        label="the devices that we know",
        erase=("DELETE FROM login_devices WHERE account = ANY (:accounts)",),
    ),
    UserTable(
        "kept_forms",
        Fate.DELETED,
        label="forms that wait for you",
        erase=("DELETE FROM kept_forms WHERE user_id = :user_id",),
    ),
    UserTable("login_failures", Fate.KEPT, why="digests that say nothing without the address; for two days"),
)
