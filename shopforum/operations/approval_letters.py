"""The letters to the other owners about acts that take two people. They have no link to a login: phishing mails do."""

from collections.abc import Sequence

from markupsafe import Markup

_ASKED = (
    "Hello {name},",
    "{actor}, from the address {address}, asks for a second owner's approval: {what}. The request expires in an hour.",
    "Ask {actor} whether it was them, by another way than mail. Then type {console}/approvals into your browser, and approve or refuse it there.",
    "We never ask for a password or a code in a message.",
)
_ALONE = (
    "Hello {name},",
    "{actor} has acted without a second owner, by {way}, from the address {address}: {what}.",
    "Ask {actor} whether it was them, by another way than mail. If it was not, end their sessions, and look for what else they did: {console}/audit",
    "We never ask for a password or a code in a message.",
)


def asked(what: str, name: str, actor: str, address: str, console: str) -> tuple[str, str, str]:
    """Return subject, text and HTML of the letter about a request for approval."""
    values = {"what": what, "name": name, "actor": actor, "address": address, "console": console}
    return _written("An act at the console waits for your approval", _ASKED, values)


def alone(what: str, way: str, name: str, actor: str, address: str, console: str) -> tuple[str, str, str]:
    """Return subject, text and HTML of the letter about an act without a second owner. `way` names the emergency way."""
    values = {"what": what, "way": way, "name": name, "actor": actor, "address": address, "console": console}
    return _written("Somebody has acted without a second owner", _ALONE, values)


def _written(subject: str, lines: Sequence[str], values: dict[str, str]) -> tuple[str, str, str]:
    plain = "\n\n".join(line.format(**values) for line in lines) + "\n"
    paragraphs = Markup("\n").join(Markup("<p>{}</p>").format(line.format(**values)) for line in lines)
    html = Markup(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{}</title></head>\n<body>\n{}\n</body></html>\n'
    ).format(subject, paragraphs)
    return subject, plain, html
