"""The canary's table, whose users are made up."""

from ..core.personal import Fate, UserTable

TABLES = (UserTable("canaries", Fate.KEPT, why="the id is nobody's"),)
