"""The refusals of a form: a code, what was expected and what was received. Neither of the two ever holds a secret."""

from pyramid.exceptions import BadCSRFOrigin, BadCSRFToken


class FormRefused(BadCSRFToken):
    """The form was not made for its sender.

    `why` is one of these codes:

    - `no_token`: the token is missing, or this site has not made it
    - `no_cookie`: the browser has sent no cookie that the form could belong to
    - `other_visitor`: the form was made for another visitor
    - `signed_in`: a visitor's form, and somebody has logged in since
    - `other_session`: the form was made for another session
    """

    def __init__(self, why: str, expected: str, received: str) -> None:
        super().__init__(f"{why}: expected {expected}, received {received}")
        self.why, self.expected, self.received = why, expected, received


class ForeignForm(FormRefused, BadCSRFOrigin):
    """The browser states that another origin's page has sent the form.

    `why` is one of these codes:

    - `foreign_origin`: another host
    - `null_origin`: the browser hides the origin
    - `scheme`: this host, with http in place of https or the other way round; a proxy does not pass the scheme on
    """
