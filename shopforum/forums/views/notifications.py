"""Following a topic, the page of a person's notifications, and the address in a letter that stops such letters."""

from typing import Any

from pyramid.httpexceptions import HTTPSeeOther

from ...mail import outgoing
from ...mail.outgoing import MailSettings
from ...web import notes
from ...web.errors import page
from ...web.request import Request
from ...web.safe_redirect import with_notice
from .. import follows, letters, links, topics
from ..forms import NotificationsForm
from ..letters import LetterChoice
from . import id_of, person


def show(request: Request) -> dict[str, Any]:
    """Show which letters the person gets, and the topics that the person follows."""
    choice = letters.choice_of(request.site_db, person(request))
    return _page(request, NotificationsForm(every=choice.every if choice else "never"), choice)


def save(request: Request) -> Any:
    """Save how often letters may come. They are sent to the address of the person's account."""
    me, form = person(request), NotificationsForm(request.POST)
    email = outgoing.address(request.me.user_email)
    if form.validate():
        if form.every.data == "never":
            letters.stop(request.site_db, me.id)
            return notes.see_other(request, "/account/notifications?notice=no-letters")
        if email is not None:
            letters.choose(request.site_db, me, LetterChoice(email, form.every.data))
            return notes.see_other(request, "/account/notifications?notice=letters")
        form.form_errors.append("Your account has no e-mail address that we can write to.")
    request.response.status_int = 422
    return _page(request, form, letters.choice_of(request.site_db, me))


def follow(request: Request) -> HTTPSeeOther:
    """Follow a topic that the person can see. Raises Missing."""
    me = person(request)
    topic = topics.topic(request.site_db, id_of(request), me)
    notice = "following" if follows.follow(request.site_db, me, topic.id) else "follows-too-many"
    return notes.see_other(request, with_notice(links.topic(topic.id, topic.title), notice))


def stop_following(request: Request) -> HTTPSeeOther:
    """Follow a topic no longer, and go back to the topic, or to the list with the field `list`. Raises Missing."""
    me = person(request)
    topic = topics.topic(request.site_db, id_of(request), me)
    follows.stop(request.site_db, me, topic.id)
    path = "/account/notifications" if "list" in request.POST else links.topic(topic.id, topic.title)
    return notes.see_other(request, with_notice(path, "not-following"))


def unsubscribe_page(request: Request) -> Any:
    """Ask before stopping the letters: mail scanners open each address of a letter."""
    return _unsubscribe(request, done=False)


def unsubscribe(request: Request) -> Any:
    """Stop the letters, by a button of the page or by one click in the mail program (RFC 8058). Needs no login."""
    return _unsubscribe(request, done=True)


def _unsubscribe(request: Request, *, done: bool) -> Any:
    owner = letters.owner_of(request.sessions.config.secrets, request.GET.get("token", ""))
    if owner is None:
        text = "The link of the letter has not arrived whole, or is too old. Log in to stop the letters."
        back = ("/account/notifications", "Your notifications")
        return page(request, 403, "This link does not stop letters", text, back=back, keep=False)
    if done:
        letters.stop(request.site_db, owner)
    return {"done": done}


def _page(request: Request, form: NotificationsForm, choice: LetterChoice | None) -> dict[str, Any]:
    return {
        "form": form,
        "choice": choice,
        "email": request.me.user_email,
        "mail_on": request.services.get(MailSettings).on,
        "followed": follows.followed(request.site_db, person(request)),
    }
