"""The session core's tables with data about users."""

from ..core.personal import Fate, PersonalRows, UserTable

TABLES = (
    UserTable(
        "sessions",
        Fate.ANONYMISED,
        label="when and from where you were signed in, without your name",
        why="we need it for two months to find thefts of logins",
        erase=(
            """WITH m AS (
              SELECT s.id FROM sessions s WHERE s.user_id = :user_id AND (s.user_name, s.user_email) <> (:name, '')
              ORDER BY s.id FOR UPDATE)
            UPDATE sessions t SET user_name = :name, user_email = '' FROM m WHERE t.id = m.id""",
            # The hashes of cookies and the keys of devices: the sessions have ended, and none of them opens anything.
            *(
                f"DELETE FROM {table} c USING sessions s WHERE s.id = c.session_id AND s.user_id = :user_id"
                for table in ("session_credentials", "session_keys")
            ),
        ),
    ),
    UserTable(
        "session_acts",
        Fate.KEPT,
        why="it tells what a thief did with a login, and is deleted after a while; it has no name, and none of your texts",
        rows=PersonalRows(
            "acts",
            "what you did lately while you were signed in, and from where",
            """SELECT a.id, jsonb_build_object('at', a.at, 'site', a.site, 'kind', a.kind, 'reference', a.reference,
              'address', host(a.address), 'browser', a.agent, 'deleted_after', a.expires_at) AS data
            FROM session_acts a WHERE a.user_id = :user_id""",
            key="a.id",
        ),
    ),
    UserTable(
        "audit_log",
        Fate.KEPT,
        label="the security log",
        why="its rows are sealed, also those with your e-mail address, so that nobody can change them",
    ),
    UserTable("revocations", Fate.KEPT, why="deleted when no session is left that they could concern"),
    UserTable("revocation_outbox", Fate.KEPT, why="ids alone; deleted with the revocation"),
    UserTable("standing_rules", Fate.KEPT, why="an admin's act against a user"),
)
