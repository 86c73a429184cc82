"""The reasons why the forums refuse an act. Nothing has been changed when one of these is raised."""


class Missing(Exception):
    """The thing does not exist, or this person may not see it. The response does not tell which."""


class Locked(Exception):
    """The topic is locked: only moderators can change it."""


class Stale(Exception):
    """The text was edited after the form was made."""


class TooLate(Exception):
    """The time in which the post can be edited has passed."""


class TooSoon(Exception):
    """The person has written too recently. `wait` is in whole seconds, at least 1; a `newcomer` has to wait longer."""

    def __init__(self, wait: int, newcomer: bool = False) -> None:
        super().__init__(f"wait {wait} seconds")
        self.wait = wait
        self.newcomer = newcomer
