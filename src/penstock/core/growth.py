"""Whether a call in a run that goes on is the one that the run knows under this name, or another one.

It compares definitions; what stored values hold must be compared by who has them.
"""

from __future__ import annotations

import msgspec

from penstock.core.pipeline import Step


def what_differs(former: Step, step: Step) -> str:
    """Say in what a call is another one than it was; empty when it is the same.

    What decides how it is carried out, and not what it makes, such as its queue or its retries, does not count.
    """
    if former.code != step.code:
        return "its code changed"
    for name in dict.fromkeys((*step.arguments, *former.arguments)):
        if name not in step.arguments or name not in former.arguments:
            return f"argument {name!r} was {'added' if name in step.arguments else 'removed'}"
        if _text(former.arguments[name]) != _text(step.arguments[name]):
            return f"argument {name!r} changed"
    return "what it returns changed" if former.returns != step.returns else ""


def _text(value: object) -> bytes:
    """Return a text for a value that tells 1, 1.0 and True apart, which are equal in Python."""
    return msgspec.json.encode(value)
