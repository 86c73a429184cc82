"""The session core's tables with data about users."""

from ..core.personal import Fate, UserTable

TABLES = (
    UserTable(
        "sessions",
        Fate.ANONYMISED,
        label="when and from where you were signed in",
        why="thefts are found by it; without your name, and for two months at most",
        erase=(
            """WITH m AS (
              SELECT s.id FROM sessions s WHERE s.user_id = :user_id AND (s.user_name, s.user_email) <> (:name, '')
              ORDER BY s.id FOR UPDATE)
            UPDATE sessions t SET user_name = :name, user_email = '' FROM m WHERE t.id = m.id""",
        ),
    ),
    UserTable(
        "audit_log",
        Fate.KEPT,
        label="the security log",
        why="it is sealed: a row that could be changed would prove nothing",
    ),
    UserTable("revocations", Fate.KEPT, why="deleted when no session is left that they could concern"),
    UserTable("revocation_outbox", Fate.KEPT, why="ids alone; deleted with the revocation"),
    UserTable("standing_rules", Fate.KEPT, why="an admin's act against a user"),
)
