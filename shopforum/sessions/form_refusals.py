"""Why a form is refused: a code, what was expected and what came. Neither of the two is ever a secret."""

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken


class FormRefused(BadCSRFToken):
    """The form was not made for whoever sends it. `why` is one of `no_token` (none, or none of ours), `no_cookie` (the
    browser has sent no cookie that it could belong to), `other_visitor`, `signed_in` (a visitor's form, and somebody
    has logged in since) and `other_session`.
    """

    def __init__(self, why: str, expected: str, received: str) -> None:
        super().__init__(f"{why}: expected {expected}, received {received}")
        self.why, self.expected, self.received = why, expected, received


class ForeignForm(FormRefused, BadCSRFOrigin):
    """Another origin's page has sent the form, as the browser says. `why` is one of `foreign_origin`, `null_origin` (the
    browser was kept from saying which) and `scheme` (this host, by http in place of https or the other way round: a
    proxy that does not pass it on).
    """
