"""The table of API tokens, which name the admin who has made them."""

from ..core.personal import Fate, UserTable

TABLES = (UserTable("api_tokens", Fate.KEPT, why="the audit log names them; they end with the maker's role"),)
