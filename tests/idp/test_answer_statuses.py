"""The statuses in the answers of FusionAuth that mean something by themselves, whatever the body says."""

import uuid

import pytest

from shopforum.idp import LoginRefused, MailCode, enrolment_answers, login_answers
from shopforum.sessions import AuthorityMisconfigured

APPLICATION, USER = str(uuid.uuid4()), str(uuid.uuid4())
STATUSES = (200, 202, 203, 242, 400, 404)


def test_a_202_alone_names_a_user_who_is_not_registered():
    body = {"user": {"id": USER}}
    found = {status for status in STATUSES if login_answers.refused_user(status, body) == uuid.UUID(USER)}
    assert found == {202}


def test_a_203_alone_gives_the_right_to_set_a_new_password():
    body = {"changePasswordId": "right"}
    assert {status for status in STATUSES if login_answers.change_password_id(status, body)} == {203}


def test_a_code_by_mail_comes_with_a_200_alone():
    body = {"code": "login", "oneTimeCode": "123456"}
    assert login_answers.mail_code(200, body) == MailCode("login", "123456")
    with pytest.raises(AuthorityMisconfigured):
        login_answers.mail_code(203, body)


def test_a_400_about_the_code_is_a_wrong_code_of_the_authenticator():
    body = {"fieldErrors": {"code": [{"code": "[invalid]code", "message": "Invalid"}]}}
    with pytest.raises(LoginRefused) as refused:
        enrolment_answers.enrolled(400, body, uuid.UUID(USER))
    assert refused.value.kind == "code"
    with pytest.raises(AuthorityMisconfigured):
        enrolment_answers.enrolled(401, body, uuid.UUID(USER))


def test_a_refusal_has_the_status_of_the_answer_that_it_is_read_from():
    """The log and the audit log show it to the support."""
    with pytest.raises(LoginRefused) as unregistered:
        login_answers.login({"user": {"id": USER, "registrations": []}}, APPLICATION)
    with pytest.raises(LoginRefused) as without_factor:
        login_answers.two_factor({"methods": []})
    restricted = login_answers.bad_request({"generalErrors": [{"code": "[lambda]", "message": "Not today"}]})
    assert isinstance(restricted, LoginRefused)
    found = [(one.kind, one.status) for one in (unregistered.value, without_factor.value, restricted)]
    assert found == [("unregistered", 200), ("no_second_factor", 242), ("restricted", 400)]
