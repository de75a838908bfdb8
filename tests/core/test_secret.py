"""A secret shows itself to nobody who did not ask for it."""

from __future__ import annotations

import io
import logging
import traceback

import msgspec
import pytest
from rich.console import Console
from rich.pretty import pretty_repr

from penstock.core.secret import MASK, SECRET, Secret, hidden, is_masked, is_seal, opened, seal, seals
from penstock.core.task import Parameter
from penstock.ops.access import AddUser, LogIn

PLANTED = "planted-7f3a"
SECRET_TEXT = Secret(PLANTED)


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


SEAL = seal(PLANTED, "key")
KNOWN = {SEAL: SECRET_TEXT}
SHOWN = [repr, str, lambda one: f"{one} {one!r}", said_by_a_logger, said_by_a_traceback, shown_by_rich]

GIVEN = [
    SECRET_TEXT,
    [SECRET_TEXT],
    {"x": SECRET_TEXT},
    LogIn(name="ada", password=SECRET_TEXT),
    Parameter(section="Args", name="x", value=PLANTED, type=SECRET),
]


@pytest.mark.parametrize("show", SHOWN)
@pytest.mark.parametrize("value", GIVEN)
def test_whoever_shows_it_shows_a_mask(show, value):
    shown = show(value)
    assert PLANTED not in shown
    assert MASK in shown


def test_it_shows_a_mask_also_in_columns():
    assert f"{SECRET_TEXT:>10}" == f"{MASK:>10}"


def test_it_travels_as_what_it_is():
    op = AddUser(name="ada", password=SECRET_TEXT)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(op), type=AddUser).password.text == PLANTED


def test_an_error_about_a_message_does_not_quote_it():
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(b'{"name": 3, "password": {"text": "planted-7f3a"}}', type=LogIn)
    assert PLANTED not in str(caught.value)


def test_a_seal_is_a_mask_that_is_the_same_for_the_same_secret_and_key():
    assert SEAL.startswith(MASK)
    assert PLANTED not in SEAL
    assert seal(PLANTED, "key") == SEAL
    assert len({SEAL, seal(PLANTED, "other key"), seal("another", "key")}) == 3
    assert is_seal(SEAL)
    assert is_masked(SEAL)
    assert is_masked(MASK)
    assert not any(map(is_seal, (MASK, f"{SEAL} ", PLANTED, 3, None)))


@pytest.mark.parametrize(
    ("shut", "open_"),
    [
        (SEAL, PLANTED),
        (f"pg://ada:{SEAL}@host", f"pg://ada:{PLANTED}@host"),
        (f"{SEAL}{SEAL}abc", f"{PLANTED}{PLANTED}abc"),
        ([1, {"a": [SEAL]}, (SEAL,)], [1, {"a": [PLANTED]}, (PLANTED,)]),
        ({SEAL: None}, {PLANTED: None}),
        (seal("unknown", "key"), seal("unknown", "key")),
        (b"bytes", b"bytes"),
    ],
)
def test_whoever_has_the_secret_opens_its_seal_however_deep_it_is(shut, open_):
    assert opened(shut, KNOWN) == open_
    assert opened(shut, {}) == shut


def test_a_secret_that_looks_like_a_seal_is_not_opened_again():
    assert opened(SEAL, {SEAL: Secret(f"x{SEAL}")}) == f"x{SEAL}"


def test_the_seals_in_a_value_are_found():
    other = seal("other", "key")
    assert seals({"a": [f"{SEAL} and {other}"], SEAL: 1, "b": None}) == {SEAL, other}
    assert seals([1, MASK, "no"]) == set()
    assert seals([2**70, float("nan"), "half \ud800", object(), {(1, 2): SEAL}, (SEAL,)]) == {SEAL}


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (f"with {PLANTED}, twice {PLANTED}", f"with {MASK}, twice {MASK}"),
        ("nothing here", "nothing here"),
        ("ab is short", "ab is short"),
        ("-----BEGIN\nsecond line", f"{MASK}\n{MASK}"),
    ],
)
def test_what_was_printed_of_a_secret_is_hidden_line_by_line_unless_it_may_be_any_word(printed, shown):
    known = {**KNOWN, "short": Secret("ab"), "long": Secret("-----BEGIN\nsecond line\n\n")}
    assert hidden(printed, known) == shown
