"""Password hashes."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# Real argon2id, but a few milliseconds instead of the half second that a production provider would spend: nothing here is
# worth guessing, and each login of the tests waits for it.
_HASHER = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
SHORTEST, LONGEST = 8, 256


class Passwords:
    """Hashing and checking; passwords are exact, nothing is trimmed or folded."""

    def __init__(self) -> None:
        self._decoy = _HASHER.hash("no user has this password")

    def hash(self, password: str) -> str:
        """A salted argon2id hash, a few milliseconds."""
        return _HASHER.hash(password)

    def matches(self, stored: str | None, password: str) -> bool:
        """Return whether the password fits. Without a user the same time is spent, so that time tells nothing."""
        try:
            return _HASHER.verify(stored or self._decoy, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False
