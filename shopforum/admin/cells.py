"""The cells of the console's tables, as functions: a page of a list has hundreds of them.

A macro takes several times as long. `parts.jinja2` gives these functions its own names, and says what each shows.
"""

from datetime import datetime
from functools import lru_cache
from urllib.parse import quote_plus
from uuid import UUID

from markupsafe import Markup, escape

from ..core import user_agents
from ..operations import labels
from ..operations.labels import Label
from ..operations.rows import SessionRow
from ..sessions.vocabulary import State
from ..web import templating
from ..web.templating import badge_element

_NEW_DEVICE = badge_element("new device", "info", "This browser had never logged in to this account before")
_UNKNOWN = Markup('<span class="muted">unknown</span>')


# A label stands for few badges: those of the states, the bindings and the flags.
@lru_cache
def _badge(shown: Label, sign: str = "") -> Markup:
    return badge_element(f"{sign}{shown.label}", shown.severity, shown.text)


@lru_cache
def _unbroken(shown: Label, sign: str = "") -> str:
    return f'<span class="nowrap">{_badge(shown, sign)}</span>'


def state(row: SessionRow) -> Markup:
    """Return the state of a session, explained in the title."""
    return _badge(labels.state(row.state))


def binding(row: SessionRow) -> Markup:
    """Return the badge of a session that was ever bound to its device; nothing for another one."""
    return _markup(_unbroken(labels.binding(row.binding)) if row.bound_at else "")


def flags(row: SessionRow) -> Markup:
    """Return a badge for quarantine, and one for each open flag of a session."""
    quarantine = _unbroken(labels.flag(labels.QUARANTINED)) if row.in_quarantine else ""
    return _markup(quarantine + "".join(_unbroken(labels.flag(kind), "⚑ ") for kind in sorted(row.flags)))


def person(user_id: UUID, name: str | None, email: str | None) -> Markup:
    """Return a user with a link to the user's page. An address may be broken before its @."""
    link = f'<a href="/users/{user_id}">{escape(name or email or user_id)}</a>'
    if not (email and name):
        return _markup(link)
    breakable = str(escape(email)).replace("@", "<wbr>@", 1)
    return _markup(f'{link} <span class="muted small">{breakable}</span>')


def short(shown: object, url: str | None = None) -> Markup:
    """Return the first 8 digits of an id, with a link to `url`."""
    code = f'<code title="{escape(shown)}">{escape(str(shown)[:8])}</code>'
    return _markup(f'<a href="{escape(url)}">{code}</a>' if url else code)


def browser(agent: str | None) -> Markup:
    """Return a browser by its name, with the user agent in the title."""
    if not agent:
        return _UNKNOWN
    return _markup(f'<span title="{escape(agent)}">{escape(user_agents.label(agent))}</span>')


def address(found: object) -> Markup:
    """Return an address with a link to all sessions that used it."""
    if not found:
        return _UNKNOWN
    query = quote_plus(str(found))
    return _markup(
        f'<a class="mono" href="/sessions?ip={query}" title="All sessions from here">{escape(found)}</a>'
    )


def when(at: datetime, title: str | None = None) -> Markup:
    """Return an instant as a short age, such as `5 min ago`. `title` explains it, otherwise the full instant."""
    exact = templating.utc(at)
    age = templating.ago(at).replace("minute", "min").replace("mins", "min")
    machine = f"{exact[:10]}T{exact[11:19]}Z"
    return _markup(f'<time datetime="{machine}" title="{escape(title or exact)}">{age}</time>')


def states(row: SessionRow) -> Markup:
    """Return the state, the binding and the flags of a session."""
    return _markup(f"{state(row)}{binding(row)}{flags(row)}")


def name(row: SessionRow) -> Markup:
    """Return the name of a session for the labels of its controls: `Ada Lovelace, Firefox 140 on Linux`."""
    return _markup(f"{escape(row.user_name)}, {escape(row.device)}")


def browsers(row: SessionRow, *, new: bool) -> Markup:
    """Return the browser that a session was used with last, that of the login where it is another one, and whether it was `new` to
    the user.
    """
    found = [browser(row.last_agent or row.agent)]
    if row.other_device:
        found.append(_markup(f'<span class="muted">login: {browser(row.agent)}</span>'))
    return Markup("<br>").join([*found, _NEW_DEVICE] if new else found)


def addresses(row: SessionRow) -> Markup:
    """Return the address that a session was used from last, the number of its other places, and the address of the login where it is
    another one.
    """
    shown = f"{address(row.last_address or row.address)}"
    if row.places > 1 or row.other_address:
        shown += "<br>"
    if row.places > 1:
        shown += (
            f'<span class="badge badge-warning" title="{row.places} places: used from several addresses or browsers">'
            f'+{row.places - 1}<span class="visually-hidden"> more: {row.places} places</span></span> '
        )
    if row.other_address:
        shown += f'<span class="muted">login: {escape(row.address or "unknown")}</span>'
    return _markup(shown)


def signed_in(row: SessionRow) -> Markup:
    """Return the time of the login, with the number of refreshes since."""
    if not row.refresh_count:
        return when(row.created_at)
    title = f"Refreshed {templating.plural(row.refresh_count, 'time')}"
    return _markup(
        f'{when(row.created_at)} <span class="muted" title="{title}">&times;{row.refresh_count}</span>'
    )


def ends(row: SessionRow) -> Markup:
    """Return when a session has ended; otherwise when it idles out, or until when a dormant one can be refreshed."""
    if row.ended_at:
        return when(row.ended_at)
    idle, absolute = templating.utc(row.idle_end), templating.utc(row.absolute_end)
    return when(
        row.absolute_end if row.state == State.DORMANT else row.idle_end,
        f"Idle timeout {idle}, absolute timeout {absolute}",
    )


def _markup(html: str) -> Markup:
    """Mark as HTML what is written here: all that comes from elsewhere is escaped."""
    return Markup(html)  # noqa: S704
