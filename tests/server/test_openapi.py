"""The description is made of the same structs as the routes, and what it says is what the server does."""

from __future__ import annotations

import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from penstock.backend.protocol import API
from penstock.ops.base import REGISTRY
from penstock.server import openapi
from penstock.server.access import scope_of

SLOW_OR_ENDLESS = {"stream"}
NO_ROOM = 507

schema = schemathesis.openapi.from_dict(openapi.document("0")).exclude(operation_id=list(SLOW_OR_ENDLESS))
OPERATIONS = {f"{one.ok().method} {one.ok().path}": one.ok() for one in schema.get_all_operations()}
CASES = -(-int(os.environ.get("PENSTOCK_FUZZ_CASES", "0")) // len(OPERATIONS)) or 6  # for each; see `make fuzz`


def test_every_operation_is_described_with_what_it_takes_returns_and_needs():
    described = openapi.document("1.2.3")
    assert (described["openapi"], described["info"]["version"]) == ("3.1.0", "1.2.3")
    for name, operation in REGISTRY.items():
        post = described["paths"][f"{API}/{name}"]["post"]
        assert post["requestBody"]["content"]["application/json"]["schema"] == {"$ref": f"#/components/schemas/{name}"}
        assert "200" in post["responses"]
        assert post["summary"]
        assert post["x-scope"] == str(scope_of(operation))


def test_every_reference_leads_somewhere():
    described = openapi.document("0")

    def references(value):
        if isinstance(value, dict):
            for name, inner in value.items():
                if name == "$ref":
                    yield inner
                yield from references(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from references(inner)

    names = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) <= names


def test_what_people_write_is_text_on_the_page_and_nothing_else(monkeypatch):
    class Evil(REGISTRY["GetTask"], frozen=True):
        """<script>alert(1)</script> & more"""

    del REGISTRY["Evil"]
    monkeypatch.setitem(REGISTRY, "<b>", Evil)
    page = openapi.page("<i>")
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "<i>" not in page


@pytest.fixture
def base(site):
    return site.url, {"Authorization": f"Bearer {site.token}"}


# Names of our own: schemathesis gives all of its tests the same one, and pytest-xdist then runs only one of them.
@pytest.mark.parametrize("name", OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_described(name, base):
    """No error of the server's, no status and no body that the description does not know."""
    url, headers = base

    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize="PENSTOCK_FUZZ_CASES" not in os.environ,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[name].as_strategy())
    def check(case):
        if isinstance(case.body, dict) and "wait" in case.body:
            case.body["wait"] = 0.0
        response = case.call(base_url=url, headers=headers)
        has_no_room = name.startswith("put ") and response.status_code == NO_ROOM  # some blobs are larger than any disk
        case.validate_response(response, checks=AS_DESCRIBED if has_no_room else [NO_ERROR, *AS_DESCRIBED])

    check()


NO_ERROR = schemathesis.checks.not_a_server_error
AS_DESCRIBED = [
    schemathesis.specs.openapi.checks.status_code_conformance,
    schemathesis.specs.openapi.checks.content_type_conformance,
    schemathesis.specs.openapi.checks.response_schema_conformance,
]
