"""Requests made up from the API's own description, wrong ones too: no crash, and answers as described."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.api.conftest import Served, serve

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def described(root: Path) -> Served:
    return serve(root, per_key="1000000/minute", per_address="1000000/minute", query_s=1.0, queries_at_once=8)


def test_made_up_requests_get_described_answers(described: Served) -> None:
    # Imported late, like the application: every worker of the suite collects this file.
    import schemathesis  # noqa: PLC0415
    from schemathesis import checks  # noqa: PLC0415
    from schemathesis.specs.openapi import checks as openapi  # noqa: PLC0415

    judges = [
        checks.not_a_server_error,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
        openapi.status_code_conformance,
    ]
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", described.app)
    headers = {"Authorization": f"Bearer {described.keys['admin']}"}
    count = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/events"):
            continue  # streams do not end

        @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @schemathesis_case(operation)
        def one(case: Any) -> None:  # noqa: ANN401
            case.call_and_validate(headers=headers, checks=judges)

        one()
        count += 1
    assert count > 20


def schemathesis_case(operation: Any) -> Any:  # noqa: ANN401
    from hypothesis import given  # noqa: PLC0415

    return given(case=operation.as_strategy())
