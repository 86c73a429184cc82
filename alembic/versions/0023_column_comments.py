"""Sessions: a comment on each column of sessions and of their pairs, for those who read the tables in the database.

Safe beside running processes: a comment stops neither a read nor a write.
"""

from alembic import op

revision = "0023_column_comments"
down_revision = "0022_break_glass"
branch_labels = None
depends_on = None

_COMMENTS = {
    "sessions": {
        "id": "Public handle; opens nothing.",
        "site": "The only site that serves the session.",
        "user_id": "The user, by the identity provider's id.",
        "user_name": "The user's name, as the provider last gave it.",
        "user_email": "The user's address, as the provider last gave it.",
        "roles": "The user's roles on the site, as the provider last gave them.",
        "refresh_token_id": "The provider's id of the refresh token. Not a secret: it revokes, it cannot refresh.",
        "created_at": "When the session was written.",
        "authenticated_at": "When the password was given. A refresh never moves it (NIST SP 800-63B-4, 5.2).",
        "code_given_at": "When a code of the admin's authenticator last stood in for a fresh password, on the console alone. It extends nothing.",
        "epoch": "The newest revocation that the session came after: gates with a larger number end it. Read before the password is checked; an excepted session gets the number of the revocation.",
        "absolute_end": "When the session is over, whatever its use.",
        "idle_end": "When the session idles out: dormant with a refresh token, expired without one. Each use moves it.",
        "last_seen_at": "The last use, written once a minute at most.",
        "address": "The client's address at the login.",
        "agent": "The user agent at the login.",
        "last_address": "The client's address at the last use.",
        "last_agent": "The user agent at the last use.",
        "head": "The number of the pair that holds now (rotation.py).",
        "head_parent": "The pair that the head was given for; 0 for the login's.",
        "head_since": "When the head took over.",
        "issued": "The number of the newest pair.",
        "unshown": "Successors issued since the head took over, none of them shown yet.",
        "due_at": "When the next successor may be issued.",
        "refreshed_at": "The last refresh at the provider.",
        "refresh_count": "The number of refreshes.",
        "lease": "The refresh in flight: its request asks the provider, the others wait.",
        "lease_until": "When the lease expires.",
        "roles_read_at": "When the provider was last asked for the roles (`sessions.roles_every`).",
        "login_form": "A keyed hash of what the browser held when it sent the login form: of several sent at once one leaves a session.",
        "new_sign_in": "A sign-in of the same user with a new browser that the owner has not been asked about yet.",
        "quarantined_at": "Since when nothing is served before the password is given again.",
        "quarantine_reason": "The code of the reason for the quarantine.",
        "bindable_until": "Until when the browser may bind the session to a key of its device; NULL where it was not asked to.",
        "bound_at": "Since when the session is bound. A bound session stays bound.",
        "ended_at": "When the session was ended; NULL for a live one, for one that only timed out, and for one behind a gate until the gate sweep.",
        "end_reason": "Why it was ended: `EndReason` in vocabulary.py.",
        "revocation_id": "The revocation that ended it.",
    },
    "session_credentials": {
        "session_hash": "Keyed hash of the session id.",
        "session_id": "The session.",
        "number": "The number of the pair within its session.",
        "parent": "The number of the pair that it was given for; 0 for the login's.",
        "refresh_hash": "Keyed hash of the refresh token.",
        "key_id": "The key that made both hashes (`Keyring.ids`). NULL in rows from before keys had ids.",
        "why": "Why the pair was issued: login, rotation or refresh.",
        "created_at": "When the pair was issued.",
        "seen_at": "When the pair was first shown.",
        "seen_address": "The client's address when it was first shown.",
        "seen_agent": "The user agent when it was first shown.",
        "asked_address": "The client's address of the request that got it.",
        "asked_agent": "The user agent of the request that got it.",
        "replaced_at": "When another pair took over from it.",
    },
}


def _comment(give: bool) -> None:
    for table, comments in _COMMENTS.items():
        for column, comment in comments.items():
            value = "'" + comment.replace("'", "''") + "'" if give else "NULL"
            op.execute(f"COMMENT ON COLUMN {table}.{column} IS {value}")


def upgrade() -> None:
    _comment(True)


def downgrade() -> None:
    _comment(False)
