"""Secrets of tasks: what is recorded beside them is their seals. The same on every database."""

from __future__ import annotations

import pytest

from penstock.core.errors import BadParameter
from penstock.core.secret import MASK, SECRET, Secret, is_seal
from penstock.core.task import Parameter
from penstock.store.transaction import SqlTx


def secret(value: object, name: str = "password") -> Parameter:
    return Parameter(section="Args", name=name, value=value, type=SECRET)


def recorded(tx: SqlTx, task: str) -> dict[str, object]:
    return {one.name: one.value for one in tx.settings.parameters(task)}


def texts(found: dict[str, Secret]) -> list[str]:
    return sorted(one.text for one in found.values())


def test_of_a_secret_the_seal_is_recorded_by_which_its_value_is_found(tx: SqlTx) -> None:
    tx.settings.set_parameters("a", [secret("planted"), Parameter(section="Args", name="n", value=3)])
    made = recorded(tx, "a")["password"]
    assert is_seal(made)
    assert recorded(tx, "a")["n"] == 3
    assert tx.secrets.opened("a") == {made: Secret("planted")}
    rows = tx.settings._session.rows("SELECT * FROM parameters")
    assert "planted" not in repr(rows)


def test_equal_secrets_have_one_seal_and_others_another(tx: SqlTx) -> None:
    tx.settings.set_parameters("a", [secret("one"), secret("two", "other")])
    tx.settings.set_parameters("b", [secret("one", "named otherwise")])
    one, two = recorded(tx, "a").values()
    assert recorded(tx, "b") == {"named otherwise": one}
    assert one != two
    assert tx.secrets.seal("one") == one


def test_before_the_first_secret_a_seal_is_equal_to_none(tx: SqlTx) -> None:
    assert is_seal(early := tx.secrets.seal("one"))
    assert tx.secrets.seal("one") != early


@pytest.mark.parametrize("mask", ["bare", "seal"])
def test_a_mask_leaves_a_secret_as_it_is(tx: SqlTx, mask: str) -> None:
    tx.settings.set_parameters("a", [secret("planted")])
    made = recorded(tx, "a")["password"]
    tx.settings.set_parameters("a", [secret(MASK if mask == "bare" else made)])
    assert tx.secrets.opened("a") == {made: Secret("planted")}
    assert recorded(tx, "a") == {"password": made}


def test_a_mask_of_nothing_is_refused(tx: SqlTx) -> None:
    with pytest.raises(BadParameter, match="a mask was given for 'password', of which no secret is kept"):
        tx.settings.set_parameters("a", [secret(MASK)])


@pytest.mark.parametrize("nothing", [None, ""])
def test_who_takes_a_secret_away_leaves_nothing_of_it(tx: SqlTx, nothing: object) -> None:
    tx.settings.set_parameters("a", [secret("planted")])
    tx.settings.set_parameters("a", [secret(nothing)])
    assert (recorded(tx, "a"), tx.secrets.opened("a"), tx.secrets.has_any("a")) == ({"password": None}, {}, False)


def test_a_new_secret_takes_the_place_of_the_old_one(tx: SqlTx) -> None:
    for text in ("old", "new"):
        tx.settings.set_parameters("a", [secret(text)])
    assert texts(tx.secrets.opened("a")) == ["new"]


def test_secrets_go_with_their_parameters(tx: SqlTx) -> None:
    tx.settings.set_parameters("a", [secret("one"), secret("two", "other")])
    tx.settings.remove_parameters("a", [secret(None)])
    assert texts(tx.secrets.opened("a")) == ["two"]
    tx.settings.forget("a")
    assert not tx.secrets.has_any("a")


def test_a_copy_has_those_that_it_is_to_have(tx: SqlTx) -> None:
    tx.settings.set_parameters("a", [secret("one"), secret("two", "other")])
    made = str(recorded(tx, "a")["other"])
    tx.secrets.copy("a", "b", {made, "not there"})
    assert tx.secrets.opened("b") == {made: Secret("two")}
    assert tx.secrets.opened("a", [made]) == {made: Secret("two")}


def test_any_text_comes_back_as_it_was(tx: SqlTx) -> None:
    given = "\ud800 \x00 line\nline \N{SNOWMAN} '"
    tx.settings.set_parameters("a", [secret(given)])
    assert texts(tx.secrets.opened("a")) == [given]
