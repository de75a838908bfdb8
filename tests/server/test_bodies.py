"""Bodies are read up to limits; what cannot be read is an error of the client's."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.backend.protocol import JSON, MSGPACK
from penstock.ops.tasks import GetTask, SetParameters
from penstock.server.answers import Refused
from penstock.server.bodies import DEEPEST, decode


def status_of(body, kind=GetTask, media=JSON):
    with pytest.raises(Refused) as refusal:
        decode(body, kind, media)
    return refusal.value.status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b'{"id": "\xff"}', 400),
        (b"{}", 422),
        (b"[]", 422),
        (b'{"id": 1}', 422),
        (b"[" * (DEEPEST + 1), 400),
        (b'{"a":' * 100_000, 400),
        (b'{"id": "x", "y": ' + b"[" * 70 + b"]" * 70 + b"}", 400),
    ],
)
def test_json_that_does_not_fit_is_refused(body, status):
    assert status_of(body) == status


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x81", b"\x91" * 5000 + b"\xc0", b"\x81\xa2id" * 5000 + b"\xc0"])
def test_messagepack_that_does_not_fit_is_refused(body):
    assert status_of(body, media=MSGPACK) in {400, 422}


def test_values_that_are_nested_without_end_are_refused():
    body = (
        b"\x82\xa4task\xa1x\xaaparameters\x91\x83\xa7section\xa1s\xa4name\xa1n\xa5value" + b"\x91" * 100_000 + b"\xc0"
    )
    assert status_of(body, SetParameters, MSGPACK) == 400


@pytest.mark.parametrize("media", ["", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])
def test_other_forms_are_not_read(media):
    assert status_of(b"{}", media=media) == 415


def test_brackets_in_texts_do_not_count():
    text = "[{" * 1000 + '\\"'
    assert decode(f'{{"id": "{text}"}}'.encode(), GetTask, JSON).id == text.replace('\\"', '"')


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(body):
    for media in (JSON, MSGPACK):
        with suppress(Refused):  # and nothing else
            decode(body, GetTask, media)
