"""Addresses of databases: what is no URL is refused, and no password is ever shown."""

from __future__ import annotations

import pytest

from penstock.core.errors import Invalid
from penstock.store.postgres.address import read


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:s3cret@db.example:5433/lab", "postgresql://ada@db.example:5433/lab"),
        ("postgresql://ada:s3cr%40et@db.example/lab?sslmode=require", "postgresql://ada@db.example/lab"),
        ("postgresql:///lab?host=/run/pg&user=ada&password=s3cret", "postgresql://ada@/run/pg/lab"),
        ("postgres://ada:s3cret@one,two/lab", "postgresql://ada@one,two/lab"),
        ("postgresql://ada:s3cret@db", "postgresql://ada@db/ada"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    address = read(url)
    assert address.shown == shown
    assert "s3cr" not in repr(address)
    assert address.parameters["password"].startswith("s3cr")


@pytest.mark.parametrize("url", ["postgresql://ada:s3cret%@db/lab", "postgresql://ada:s3cret@db/lab?colour=red"])
def test_what_is_no_url_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(Invalid, match="no PostgreSQL URL") as caught:
        read(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_what_the_url_says_wins_over_our_defaults() -> None:
    assert read("postgresql://db/lab").parameters["connect_timeout"] == 10
    assert read("postgresql://db/lab?connect_timeout=3&application_name=x").parameters["connect_timeout"] == "3"
