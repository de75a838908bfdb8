"""What steers a terminal: colours, moves of the cursor, titles, links. It must never know what a text is shown on."""

from __future__ import annotations

import re
from typing import Final

# CSI sequences, OSC and other strings up to their end, and the short escapes.
_STEERING: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    # What a string may hold leaves out what begins one: a text of many beginnings is read once, not from each anew.
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*+(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
_BEGINS: Final = re.compile(r"[\x1b\x90\x98\x9b\x9d-\x9f]")


def unsteered(text: str) -> str:
    """Return a text without what it tells a terminal to do."""
    return _STEERING.sub("", text) if _BEGINS.search(text) else text
