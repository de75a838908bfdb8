"""A secret shows itself to nobody who did not ask for it."""

from __future__ import annotations

import io
import logging
import traceback

import msgspec
import pytest
from rich.console import Console
from rich.pretty import pretty_repr

from penstock.core.secret import MASK, Secret
from penstock.ops.access import AddUser, LogIn

PLANTED = "planted-7f3a"
SECRET = Secret(PLANTED)


def said_by_a_logger(value):
    stream = io.StringIO()
    logger = logging.getLogger("of this test")
    logger.addHandler(logging.StreamHandler(stream))
    logger.warning("called with %s and %r", value, value)
    return stream.getvalue()


def said_by_a_traceback(value):
    return "".join(traceback.format_exception(ValueError(value)))


def shown_by_rich(value):
    console = Console(file=io.StringIO(), width=200)
    console.print(value)
    return console.file.getvalue() + pretty_repr(value)


SHOWN = [repr, str, lambda one: f"{one} {one!r}", said_by_a_logger, said_by_a_traceback, shown_by_rich]


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize("value", [SECRET, [SECRET], {"x": SECRET}, LogIn(name="ada", password=SECRET)])
def test_whoever_shows_it_shows_a_mask(show, value):
    shown = show(value)
    assert PLANTED not in shown
    assert MASK in shown


def test_it_shows_a_mask_also_in_columns():
    assert f"{SECRET:>10}" == f"{MASK:>10}"


def test_it_travels_as_what_it_is():
    op = AddUser(name="ada", password=SECRET)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(op), type=AddUser).password.text == PLANTED


def test_an_error_about_a_message_does_not_quote_it():
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"name": 3, "password": {"text": "planted-7f3a"}}', type=LogIn)
    assert PLANTED not in str(caught.value)
