"""Errors become statuses, and nothing that a client should not see is in them."""

from __future__ import annotations

import logging

import msgspec
import pytest

from penstock.backend.protocol import JSON, MSGPACK, Problem
from penstock.core.errors import BY_CODE, Conflict, LeaseLost, NotFound, StoreBusy
from penstock.server.answers import STATUSES, answer, problem, refuse


@pytest.mark.parametrize("kind", BY_CODE.values(), ids=lambda kind: kind.code)
def test_every_error_travels_with_its_code_and_a_status(kind):
    response = problem(kind("é happened", hint="do è"), MSGPACK)
    told = Problem(code=kind.code, message="é happened", hint="do è")
    assert msgspec.msgpack.decode(response.body, type=Problem) == told
    expected = next((status for one, status in STATUSES if issubclass(kind, one)), 500)
    assert response.status_code == expected


def test_the_classes_of_errors_have_the_statuses_that_people_know():
    found = {kind: problem(kind("x")).status_code for kind in (NotFound, Conflict, LeaseLost, StoreBusy)}
    assert found == {NotFound: 404, Conflict: 409, LeaseLost: 409, StoreBusy: 503}
    assert problem(StoreBusy("x")).headers["Retry-After"] == "1"


def test_what_nobody_expected_is_logged_and_told_by_its_number_alone(caplog):
    with caplog.at_level(logging.ERROR, "penstock.server"):
        logging.getLogger("penstock.server").propagate = True
        response = problem(ZeroDivisionError("the secret is 42"))
    assert response.status_code == 500
    assert b"secret" not in response.body
    number = msgspec.json.decode(response.body, type=Problem).message.split()[-1]
    assert number in caplog.text
    assert "the secret is 42" in caplog.text


def test_half_a_character_in_a_message_does_not_keep_it_from_being_sent():
    assert b"\\\\ud800" in problem(NotFound("no \ud800", hint="\udcff")).body


def test_who_reads_messagepack_gets_it_and_everybody_else_json():
    assert answer({"a": 1}, accept=MSGPACK).media_type == MSGPACK
    assert answer({"a": 1}, accept="*/*").body == b'{"a":1}'
    assert answer(None).media_type == JSON


def test_a_refusal_brings_its_headers():
    response = problem(refuse(429, "unauthenticated", "slower", Retry_After="7"))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")
