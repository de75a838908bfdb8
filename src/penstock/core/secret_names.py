"""Which names look like those of secrets, so that their values are never recorded or shown.

It looks at names, never at values: a secret under an innocent name is none here. A number or a switch is no secret when
its name says `token`, which in machine learning is mostly a piece of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from penstock.core.secret import MASK

_SECRET = {"password", "passwords", "passwd", "passphrase", "pwd", "secret", "secrets", "credential", "credentials",
           "apikey", "accesskey", "privatekey"}  # fmt: skip
_KEYS = {"access", "account", "api", "auth", "encryption", "license", "private", "secret", "signing", "ssh"}
_OF_TEXT = {"bos", "class", "cls", "end", "eos", "image", "mask", "new", "next", "pad", "prefix", "sep", "special",
            "start", "stop", "suffix", "trigger", "unk"}  # fmt: skip


def is_secret(path: Iterable[str], value: object) -> bool:
    """Return whether a value under this name must not be recorded.

    Args:
        path: The keys of the name, from outside in.
        value: What is to be recorded; nothing, a switch and an empty text tell nobody anything.
    """
    if value is None or value is MASK or isinstance(value, bool) or (isinstance(value, str | bytes) and not value):
        return False
    if type(value).__name__ in {"SecretStr", "SecretBytes"}:
        return True
    return any(_is_secret_word(_words(key), is_number=isinstance(value, int | float)) for key in path)


def _words(key: str) -> list[str]:
    """Return the words of a name in lower case: `dbPassword` and `DB_PASSWORD` are `db password`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", key)
    return re.findall(r"[a-z0-9]+", spaced.lower())


def _is_secret_word(words: list[str], *, is_number: bool) -> bool:
    for before, word in zip(["", *words], words, strict=False):
        if word in _SECRET or (word == "key" and before in _KEYS):
            return True
    # `hf_token`, `token`; not `pad_token`, `max_tokens`, `token_type`, `n_token = 3`
    return bool(words) and words[-1] == "token" and not is_number and not (_OF_TEXT & set(words))
