"""What the code of a function is, as data; `codekey` makes it. Apart from it, because every command reads it."""

from __future__ import annotations

from msgspec import Struct

MAIN = "__main__"  # the name of the module that holds the function


class Code(Struct, frozen=True):
    """The code that a function uses.

    Args:
        digest: Of all of it: 64 hexadecimal digits.
        parts: For each definition in it, under `name` or `module.name`: what it is (`function`, `class`, `constant` or
            `block`), a colon and the digest of its own text. A short number stands there itself, after `=`. What
            importing a module does is the part `module NAME`.
    """

    digest: str
    parts: dict[str, str]
