"""Secrets that nobody can guess, and passwords that are expensive to guess."""

from __future__ import annotations

import re
import sys

import pytest

from penstock.backend.secrets import SystemSecrets
from penstock.core.access import KEY, read_text, text_of
from penstock.core.errors import PenstockError

QUICK = SystemSecrets(rounds=1, memory=64)


def test_ids_and_tokens_make_texts_that_are_read_back_and_come_once():
    secrets = SystemSecrets()
    texts = {text_of(KEY, secrets.id(), secrets.token()) for _ in range(200)}
    assert len(texts) == 200
    assert all(read_text(text) for text in texts)


def test_a_password_is_kept_as_an_argon2id_hash_with_the_memory_that_is_recommended():
    hash = SystemSecrets().hashed("correct horse")
    assert re.match(r"\$argon2id\$v=19\$m=65536,t=3,p=4\$", hash)
    assert "correct" not in hash


def test_a_password_has_another_hash_every_time_and_fits_each():
    first, second = QUICK.hashed("correct horse"), QUICK.hashed("correct horse")
    assert first != second
    assert QUICK.fits(first, "correct horse")
    assert QUICK.fits(second, "correct horse")
    assert not QUICK.fits(first, "correct horse ")


@pytest.mark.parametrize("password", ["", "ä€😀", "\ud800", "x" * 1024, "a\0b"])
def test_any_text_can_be_a_password(password):
    hash = QUICK.hashed(password)
    assert QUICK.fits(hash, password)
    assert not QUICK.fits(hash, password + "x")


def test_without_a_hash_a_password_of_the_same_cost_is_verified_and_nothing_fits(monkeypatch):
    verified = []
    secrets = SystemSecrets(rounds=1, memory=64)
    hasher, _ = secrets._hasher()
    verify = type(hasher).verify

    def noting(self, hash, password):
        verified.append(hash)
        return verify(self, hash, password)

    monkeypatch.setattr(type(hasher), "verify", noting)
    assert not secrets.fits(None, "anything")
    assert not secrets.fits(secrets.hashed("right"), "wrong")
    (decoy, real) = (hash.rsplit("$", 2)[0] for hash in verified)
    assert decoy == real


def test_where_argon2_is_missing_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "argon2", None)
    with pytest.raises(PenstockError, match="argon2-cffi") as caught:
        SystemSecrets().hashed("x")
    assert "penstock[server]" in caught.value.hint
    assert SystemSecrets().token()


def test_opening_a_home_does_not_import_argon2(tmp_path):
    import subprocess

    code = (
        "import sys; from penstock.backend import connect; from penstock.settings import Settings; "
        f"from pathlib import Path; connect(Settings(home=Path({str(tmp_path / 'home')!r}), workers=1)).close(); "
        "print('argon2' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
