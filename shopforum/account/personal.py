"""The account's tables with data about users."""

from ..core.personal import Fate, UserTable

TABLES = (
    UserTable("new_sign_ins", Fate.DELETED, erase=("DELETE FROM new_sign_ins WHERE user_id = :user_id",)),
    UserTable(
        "account_deletions",
        Fate.ANONYMISED,
        why="the console says for 90 days when an account was deleted; name and address go with the last step",
    ),
)
