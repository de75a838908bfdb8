"""Which names look like those of secrets, so that their values are never recorded.

It looks at names, never at values: a secret under an innocent name is recorded. A number or a switch is no secret when
its name says `token`, which in machine learning is mostly a piece of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from penstock.core.flat import is_dict, is_items

MASK = "********"

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


def masked(value: object, path: tuple[str, ...] = ()) -> object:
    """Return a nested value with its secrets masked; lists and dicts are copied."""
    if is_dict(value):
        return {key: masked(one, (*path, str(key))) for key, one in value.items()}
    if is_items(value) and not is_secret(path, value):
        return [masked(one, path) for one in value]
    return MASK if is_secret(path, value) else value


def unmasked(value: object, own: object) -> object:
    """Return a nested value with what this process has in the place of masks."""
    if is_dict(value):
        mine = own if is_dict(own) else {}
        kept = {key: one for key, one in value.items() if one != MASK or key in mine}
        return {key: unmasked(one, mine.get(key)) for key, one in kept.items()}
    if is_items(value) and type(value) in (list, tuple):
        others = own if is_items(own) else ()
        items = [unmasked(one, others[at] if at < len(others) else None) for at, one in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    return own if value == MASK else value


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
