"""What goes over the channel: both sides read what the other wrote."""

from __future__ import annotations

import msgspec
import pytest

from penstock.core.pipeline import Argument
from penstock.core.task import EndReason, Parameter, Script, Status, Task
from penstock.run.attempt import (
    LONGEST_MESSAGE,
    AttemptSpec,
    Outcome,
    Reply,
    Request,
    Resolved,
    decode_from_step,
    decode_reply,
    decode_spec,
    encode,
    printable,
)

SPEC = AttemptSpec(
    task=Task(id="a" * 32, name="s", project="P", script=Script(source="def f(): pass", entry_point="f")),
    file="/tmp/f.py",
    arguments={"x": Argument(value=["${a.b}", None, 0.5]), "y": Argument(artifact="s.y", references=("${a.c}",))},
    inputs={},
    references={"${a.b}": Resolved(value={"k": [1]}, text="t")},
    returns=("r",),
    home="/h",
    blobs="/h/b",
    scratch="/h/s",
    serializer=Script(source="def d(x): ...", entry_point="d"),
)
OUTCOME = Outcome(
    status=Status.FAILED,
    reason=EndReason.EXCEPTION,
    message="\u00e9",
    parameters=(Parameter(section="return", name="r", value=None),),
)


def test_what_a_process_is_told_comes_back_as_it_was():
    assert decode_spec(encode(SPEC)) == SPEC


def test_what_a_process_says_is_told_apart():
    assert decode_from_step(encode(OUTCOME)) == OUTCOME
    request = Request(number=1, op="GetTask", body=msgspec.Raw(encode({"id": "x"})))
    heard = decode_from_step(encode(request))
    assert isinstance(heard, Request)
    assert msgspec.msgpack.decode(heard.body) == {"id": "x"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(number=1, code="not_found", message="there is none", hint="look"),
        Reply(number=2, code="invalid", message=""),
        Reply(number=3, body=msgspec.Raw(encode([1, None]))),
    ],
)
def test_a_reply_comes_back_as_it_was_with_or_without_a_result(reply):
    heard = decode_reply(encode(reply))
    assert (heard.number, heard.code, heard.message, heard.hint) == (
        reply.number,
        reply.code,
        reply.message,
        reply.hint,
    )
    assert msgspec.msgpack.decode(heard.body) == msgspec.msgpack.decode(reply.body)


@pytest.mark.parametrize(
    ("message", "shown"),
    [("plain \u00e9", "plain \u00e9"), ("half \udcff", "half \\udcff"), ("", ""), ("two\nlines", "two\nlines")],
)
def test_every_message_can_be_sent(message, shown):
    assert printable(message) == shown
    assert decode_from_step(encode(Outcome(status=Status.FAILED, message=printable(message)))).message == shown


def test_of_an_endless_message_the_beginning_and_the_end_are_kept():
    found = printable("begin" + "x" * 1_000_000 + "end")
    assert found.startswith("begin")
    assert found.endswith("end")
    assert len(found) < LONGEST_MESSAGE + 10
