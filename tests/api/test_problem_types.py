"""Every error of the API has a stable type, whose page says what it means and what to do."""

import re
from http import HTTPStatus
from pathlib import Path

import pytest

from shopforum import api
from shopforum.api import problem_types
from shopforum.operations import labels


def test_each_type_has_a_page_that_needs_no_token(browser):
    client = browser("admin")
    index = client.get(problem_types.PATH)
    for name, known in problem_types.TYPES.items():
        page = index.click(href=f"{problem_types.PATH}/{name}$")
        assert page.content_type == "text/html"
        assert page.html.h1.string == known.title
        assert known.remedy in page.html.text
        assert page.html.find("html")["lang"] == "en"
    client.get(f"{problem_types.PATH}/nothing", status=404)
    client.post(f"{problem_types.PATH}/internal", status=405)


def test_every_status_that_the_api_answers_has_a_type():
    source = "".join(path.read_text() for path in Path(api.__file__).parent.glob("*.py"))
    raised = {int(status) for status in re.findall(r"(?:Problem|answer)\((\d{3})", source)}
    assert raised > {400, 404, 422}
    for status in raised | {421}:
        url, known = problem_types.named(status)
        assert url.startswith("/api/v1/problems/")
        assert known.status == status
    assert problem_types.named(418) == (
        "about:blank",
        problem_types.ProblemType(418, HTTPStatus(418).phrase, ""),
    )


@pytest.mark.parametrize(
    ("path", "status", "name"),
    [
        ("/sessions?ip=x", 422, "invalid-fields"),
        ("/nothing", 404, "not-found"),
        ("/events?after=999999999", 409, "cursor-ahead"),
        ("/sessions?a=1&a=2", 400, "malformed"),
    ],
)
def test_an_error_names_its_type(call, path, status, name):
    found = call("GET", path, status=status).json
    assert found["type"] == f"/api/v1/problems/{name}"
    assert found["title"] == problem_types.TYPES[name].title


def test_unknown_event_names_are_refused_with_the_known_ones(call):
    [error] = call("GET", "/events?types=session_created,sesion_created", status=422).json["errors"]
    assert error["field"] == "types"
    assert error["detail"].startswith("sesion_created: unknown.")
    assert all(name in error["detail"] for name in labels.EVENTS)
    call("GET", f"/events?types={','.join(list(labels.EVENTS)[:50])}", status=200)
