"""Letters about the inbox: at most one an hour or a day, to those who have asked for them.

A letter lists what came since the last one and is still unread; a person who has read everything gets none. Each letter has
an address that stops the letters, also in its header for one click (RFC 8058). That address needs no login: a signature
over the person's id proves it. It does nothing else, and it does not act when it is only opened, as mail scanners do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from markupsafe import Markup
from sqlalchemy import text

from ..core.database import Database, ResultRow, once_more
from ..core.ids import parse_uuid
from ..core.rows import build
from ..core.sites import FORUMS, TITLES
from ..mail import html, outgoing
from ..mail.outgoing import Letter
from ..sessions.keyring import Keyring
from ..web.templating import plural
from . import links
from .inbox import ACTS
from .person import Person

# How often letters may come, and the words for it.
PERIODS = {"day": "At most once a day", "hour": "At most once an hour"}
# A letter names no more messages than this; the inbox has the rest.
MOST = 20
_PURPOSE = "stop forum letters"

# Ids rise in the order of the INSERTs, not of the COMMITs. No transaction is as old as this, so none can still bring a message
# with a smaller id than those that a letter goes by.
_SETTLED = "created_at < now() - interval '30 seconds'"

_SET = text("""
    INSERT INTO forum_letters AS l (user_id, email, every, next_at, last_id)
    SELECT :user_id, :email, CAST(:every AS text), clock_timestamp() + CAST('1 ' || :every AS interval),
      (SELECT coalesce(max(id), 0) FROM forum_inbox)
    ON CONFLICT (user_id) DO UPDATE SET email = excluded.email, every = excluded.every, next_at = excluded.next_at
    """)
_STOP = text("DELETE FROM forum_letters WHERE user_id = :user_id")
_OF = text("SELECT email, every FROM forum_letters WHERE user_id = :user_id")

# One snapshot for all of it: `due` has the id up to which the last letter told, although `moved` has changed it.
_DUE = text(f"""
    WITH due AS MATERIALIZED (
      SELECT user_id, email, every, last_id FROM forum_letters WHERE next_at <= now()
      ORDER BY next_at LIMIT :step FOR UPDATE SKIP LOCKED
    ), moved AS (
      UPDATE forum_letters l SET next_at = clock_timestamp() + CAST('1 ' || l.every AS interval),
        last_id = coalesce((SELECT id FROM forum_inbox i WHERE i.user_id = l.user_id AND {_SETTLED}
          ORDER BY id DESC LIMIT 1), l.last_id)
      FROM due WHERE l.user_id = due.user_id)
    SELECT due.user_id, due.email, due.every, n.*
    FROM due LEFT JOIN LATERAL (
      SELECT i.id, i.kind, i.actor_name, i.act, i.topic_id, i.post_id, t.title AS topic_title, t.hidden,
        t.author_id = i.user_id AS own
      FROM forum_inbox i JOIN forum_topics t ON t.id = i.topic_id LEFT JOIN forum_posts p ON p.id = i.post_id
      WHERE i.user_id = due.user_id AND i.id > due.last_id AND i.read_at IS NULL AND i.{_SETTLED}
        AND (i.kind = 'moderation' OR (p.removed_at IS NULL AND NOT t.hidden))
      ORDER BY i.id LIMIT {MOST + 1}) n ON true
    ORDER BY due.user_id, n.id
    """)

_PLAIN = """Hello,

this is new in your inbox at {site}:

{news}

Your inbox: {inbox}

You asked for such letters, {often}. To stop them:

  {stop}
"""
_BODY = Markup(
    """<p>Hello,</p>
<p>this is new in your inbox at <strong>{site}</strong>:</p>
<ul>{news}</ul>
<p><a href="{inbox}">Your inbox</a></p>
<p>You asked for such letters, {often}. <a href="{stop}">Stop them</a></p>"""
)


@dataclass(frozen=True)
class LetterChoice:
    """A person's wish for letters. `every` is a key of PERIODS; `email` is where they are sent."""

    email: str
    every: str


@dataclass(frozen=True)
class News:
    """A message that a letter tells of. `own`: the topic is the recipient's."""

    kind: str
    actor_name: str
    act: str
    topic_id: int
    post_id: int | None
    topic_title: str
    hidden: bool
    own: bool

    @property
    def text(self) -> str:
        """The message in a line."""
        if self.kind == "moderation":
            return f"{self.actor_name} {ACTS[self.act]} “{self.topic_title}”"
        if self.kind == "mention":
            return f"{self.actor_name} mentioned you in “{self.topic_title}”"
        return f"{self.actor_name} replied in {'your topic ' if self.own else ''}“{self.topic_title}”"

    @property
    def path(self) -> str:
        """The page to read on at: the inbox, if the topic is hidden."""
        if self.hidden:
            return "/inbox"
        if self.post_id is None:
            return links.topic(self.topic_id, self.topic_title)
        return links.post(self.topic_id, self.topic_title, self.post_id)


@dataclass(frozen=True)
class InboxLetters:
    """Writes the letters of the forums at `url`. The keyring signs the addresses that stop them."""

    url: str
    keyring: Keyring

    def stop_url(self, user_id: UUID) -> str:
        """Return the address that stops a person's letters."""
        return f"{self.url}/unsubscribe?token={self.keyring.form_token(_PURPOSE, str(user_id))}"

    def write(self, user_id: UUID, choice: LetterChoice, news: Sequence[News]) -> Letter:
        """Return the letter about messages, at least one. Its subject has no words that somebody else has written."""
        more = len(news) > MOST
        site, shown = TITLES[FORUMS], news[:MOST]
        lines = [f"- {one.text}\n  {self.url}{one.path}" for one in shown] + ["- and more"] * more
        items = [
            Markup('<li><a href="{}">{}</a></li>').format(self.url + one.path, one.text) for one in shown
        ]
        values = {
            "site": site,
            "inbox": f"{self.url}/inbox",
            "often": PERIODS[choice.every].lower(),
            "stop": self.stop_url(user_id),
        }
        subject = (
            f"{f'More than {MOST} new messages' if more else plural(len(news), 'new message')} at {site}"
        )
        plain = _PLAIN.format(news="\n".join(lines), **values)
        body = _BODY.format(news=Markup().join([*items, *[Markup("<li>and more</li>")] * more]), **values)
        return Letter(
            choice.email,
            subject,
            plain,
            html.page(subject, body),
            FORUMS,
            user_id,
            unsubscribe=values["stop"],
        )


def owner_of(keyring: Keyring, token: str) -> UUID | None:
    """Return the person whose letters the token of an address stops, or None for a token that is not ours."""
    return parse_uuid(keyring.form_subject(_PURPOSE, token))


def choice_of(db: Database, person: Person) -> LetterChoice | None:
    """Return a person's wish, or None for a person who gets no letters."""
    row = db.one(_OF, user_id=person.id)
    return build(LetterChoice, row) if row else None


@once_more
def choose(db: Database, person: Person, choice: LetterChoice) -> None:
    """Send a person letters from now on, about what comes from now on. The first can come after one period."""
    with db.transaction() as connection:
        connection.execute(_SET, {"user_id": person.id, **vars(choice)})


@once_more
def stop(db: Database, user_id: UUID) -> None:
    """Send a person no more letters, and forget the address."""
    with db.transaction() as connection:
        connection.execute(_STOP, {"user_id": user_id})


@once_more
def run_once(db: Database, letters: InboxLetters, step: int = 20) -> int:
    """Queue the letters that are due, for at most `step` people; return for how many people it looked.

    Safe to run in several processes. The queue is written in the transaction that moves the person on, so no letter comes
    twice.
    """
    with db.transaction() as connection:
        rows = connection.execute(_DUE, {"step": step}).mappings().all()
        people = 0
        for user_id, found in groupby(rows, key=lambda row: row["user_id"]):
            people += 1
            messages: list[ResultRow] = list(found)
            if messages[0]["id"] is not None:
                choice = build(LetterChoice, messages[0])
                news = [build(News, row) for row in messages]
                outgoing.queue(connection, letters.write(user_id, choice, news))
        return people
