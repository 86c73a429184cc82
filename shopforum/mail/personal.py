"""The mail's table with data about users."""

from ..core.personal import Fate, UserTable

TABLES = (
    UserTable("outgoing_mail", Fate.KEPT, why="a letter is deleted when it is sent, or after two days"),
)
