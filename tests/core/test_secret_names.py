"""Which names look like those of secrets."""

from __future__ import annotations

import pytest

from penstock.core.secret_names import is_secret


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "DB_PASSWORD", "dbPassword", "token", "hf_token", "HF-TOKEN", "api_key", "apiKey",
     "openai.api_key", "secret", "client_secret", "aws_secret_access_key", "private_key", "credentials", "passwd"],
)  # fmt: skip
def test_a_name_of_a_secret_is_seen(name):
    assert is_secret((name,), "hunter2")
    assert is_secret(("database", name, "value"), "hunter2")


@pytest.mark.parametrize(
    "name",
    ["pad_token", "eos_token", "max_tokens", "tokens", "tokenizer", "token_type_ids", "key", "monkey", "keyboard",
     "primary_key", "secretary", "passage", "compass"],
)  # fmt: skip
def test_a_name_that_only_resembles_one_is_not(name):
    assert not is_secret((name,), "<pad>")


def test_numbers_and_switches_and_nothing_are_no_secrets_where_they_cannot_be():
    assert not is_secret(("n_token",), 3)
    assert not is_secret(("use_token",), value=True)
    assert not is_secret(("password",), None)
    assert not is_secret(("password",), "")
    assert is_secret(("password",), 1234)
