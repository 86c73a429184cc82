"""Schemathesis reads the document and calls as it allows, and as it does not: no fault of ours, no answer beside it."""

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
)

from shopforum.api.openapi import PATHS

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
    use_after_free,
]
# The document itself has no parameter that could be wrong.
NAMES = [
    item[method]["operationId"]
    for item in PATHS.values()
    for method in ("get", "post", "delete")
    if method in item and item[method]["security"]
]


@pytest.fixture(scope="module")
def schema(_apps):
    """The document, read once."""

    def app(environ, start_response):
        here = {"HTTP_HOST": "admin.test", "REMOTE_ADDR": "198.51.100.9"}
        return _apps["admin"](environ | here, start_response)

    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("name", NAMES)
def test_schemathesis_finds_nothing(schema, call, started, sql, name, mode):
    started()
    operation = schema.find_operation_by_id(name)

    @settings(
        max_examples=15,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def try_it(case):
        sql("DELETE FROM api_rates")
        case.call_and_validate(
            checks=CHECKS, headers={"Authorization": f"Bearer {call.token}", "Accept-Encoding": "identity"}
        )

    try_it()
