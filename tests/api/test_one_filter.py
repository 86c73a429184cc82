"""A filter is one field: the console's form, the API's document and the command line's options all have it."""

import click

from shopforum.admin.filter_forms import SessionFilterForm
from shopforum.api.openapi import PATHS
from shopforum.api.request_schemas import FILTERS
from shopforum.cli import selection
from shopforum.cli.sessions import command as sessions_command
from shopforum.operations.filters import SessionFilter
from shopforum.operations.session_queries import CONDITIONS


def test_every_criterion_has_a_condition():
    assert set(CONDITIONS) | {"state"} == set(SessionFilter.criteria())


def test_every_criterion_is_a_field_of_the_form():
    form = SessionFilterForm()
    for name, criterion in SessionFilter.criteria().items():
        assert form[name].label.text == criterion.label
        if criterion.choices:
            assert [choice.value for choice in form[name].choices[1:]] == [v for v, _ in criterion.choices]


def test_every_criterion_is_in_the_openapi_document():
    listed = {each["name"] for each in PATHS["/api/v1/sessions"]["get"]["parameters"]}
    assert listed == set(FILTERS) | {"cursor", "limit"}
    assert set(FILTERS) == set(SessionFilter.criteria())
    body = PATHS["/api/v1/revocations"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    by_filter = next(one for one in body["properties"]["scope"]["oneOf"] if "filter" in one["properties"])
    assert set(by_filter["properties"]["filter"]["properties"]) == set(SessionFilter.criteria())


def test_every_criterion_is_an_option_of_each_command():
    for name in ("list", "revoke", "quarantine", "release"):
        options = {option: each for each in sessions_command.commands[name].params for option in each.opts}
        for field, criterion in SessionFilter.criteria().items():
            option = options[selection.option_name(field)]
            assert option.name == field
            assert criterion.label in option.help
            if criterion.choices:
                assert isinstance(option.type, click.Choice)
                assert list(option.type.choices) == [value for value, _ in criterion.choices]
