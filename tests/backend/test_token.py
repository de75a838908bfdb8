"""The token of a home: made once, for its owner alone, however many ask for it at once."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from penstock.backend.token import make_token, read_token, token_file
from penstock.core.errors import StoreError


def test_a_token_is_256_random_bits_that_only_the_owner_reads(tmp_path):
    home = tmp_path / "home"
    token = make_token(home)
    assert len(token) == 43
    assert stat.S_IMODE(token_file(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert make_token(tmp_path / "other") != token


def test_everybody_of_a_home_has_the_same(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        tokens = set(threads.map(lambda _: make_token(tmp_path), range(32)))
    assert tokens == {read_token(tmp_path)}
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_token_that_others_may_read_is_not_used(tmp_path, mode):
    make_token(tmp_path)
    token_file(tmp_path).chmod(mode)
    with pytest.raises(StoreError, match="open to others"):
        make_token(tmp_path)


@pytest.mark.parametrize("text", ["", "short\n", "é" * 43])
def test_what_is_no_token_is_not_used(tmp_path, text):
    token_file(tmp_path).write_text(text, "utf-8")
    token_file(tmp_path).chmod(0o600)
    with pytest.raises(StoreError, match=r"too short|cannot be used"):
        make_token(tmp_path)


def test_where_there_is_none_there_is_none(tmp_path):
    assert read_token(tmp_path / "nowhere") == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_token_of_somebody_else_is_not_used(tmp_path):
    make_token(tmp_path)
    os.chown(token_file(tmp_path), 12345, -1)
    with pytest.raises(StoreError, match="open to others"):
        make_token(tmp_path)
