"""Patches as git writes and reads them: taken apart by file, made for new files, kept below a limit, kept as text.

It works on bytes and texts alone; it must never know where they come from or what they are applied to.
"""

from __future__ import annotations

import re
import zlib
from base64 import b85encode
from collections.abc import Sequence
from hashlib import sha1, sha256
from itertools import pairwise

LIMIT = 10 << 20  # characters of a patch that is recorded
NOTE = "# not in this diff: "  # begins a line for people; git passes over what stands before the first file

_HEADER = re.compile(rb"^diff --git ", re.MULTILINE)
_UNMERGED = re.compile(rb"^\* Unmerged path .*\n", re.MULTILINE)
_PLAIN = re.compile(rb"[A-Za-z0-9._/+-]+")
_ESCAPES = {b'"': '\\"', b"\\": "\\\\"}
_PIECE = 52  # bytes on a line of a binary patch
_SHA1_DIGITS = 40


def sections(patch: bytes) -> list[bytes]:
    """Return the parts of a patch, one a file."""
    patch = _UNMERGED.sub(b"", patch)
    starts = [found.start() for found in _HEADER.finditer(patch)]
    return [patch[start:end] for start, end in pairwise([*starts, len(patch)])]


def is_text(data: bytes) -> bool:
    """Return whether bytes can be kept as they are in a record of texts."""
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def joined(parts: Sequence[bytes], left_out: Sequence[str], limit: int = LIMIT) -> str:
    """Return one patch, with a note on what is not in it.

    Args:
        parts: As from `sections`.
        left_out: What is not among them, each with its reason.
        limit: Characters that the patch may have; beyond it the largest parts are left out.
    """
    kept, notes, total = set[int](), list(left_out), 0
    for number in sorted(range(len(parts)), key=lambda one: len(parts[one])):
        part = parts[number]
        if not is_text(part):
            notes.append(f"{_title(part)} (neither text nor written as binary)")
        elif total + len(part) > limit:
            notes.append(f"{_title(part)} ({len(part):,} bytes of changes; all may have {limit:,})")
        else:
            kept.add(number)
            total += len(part)
    head = "".join(f"{NOTE}{_one_line(note)}\n" for note in notes)
    return head + b"".join(parts[number] for number in sorted(kept)).decode("utf-8")


def notes(patch: str) -> tuple[str, ...]:
    """Return what a patch says is not in it."""
    head = patch.partition("\ndiff --git ")[0] if not patch.startswith("diff --git ") else ""
    return tuple(line.removeprefix(NOTE) for line in head.split("\n") if line.startswith(NOTE))


def is_empty(patch: str) -> bool:
    """Return whether a patch changes nothing."""
    return not _HEADER.search(patch.encode("utf-8", "replace"))


def new_file(path: bytes, content: bytes, mode: str, *, like: str) -> bytes:
    """Return the part of a patch that makes a file.

    Args:
        path: From the root of the repository, with `/`.
        content: Its bytes; of a link, where it leads.
        mode: `100644`, `100755` for what can be run, `120000` for a link.
        like: A hash of the same repository: that of the file is made in the same way.
    """
    algorithm = sha1 if len(like) == _SHA1_DIGITS else sha256
    name = algorithm(b"blob %d\0" % len(content) + content).hexdigest()
    old, new = _quoted(b"a/" + path), _quoted(b"b/" + path)
    head = f"diff --git {old} {new}\nnew file mode {mode}\nindex {'0' * len(name)}..{name}\n".encode()
    if not content:
        return head
    if not is_text(content):
        return head + b"GIT binary patch\n" + _binary(content) + _binary(b"")
    lines = content.split(b"\n")
    last = lines.pop()
    body = b"".join(b"+" + line + b"\n" for line in lines)
    if last:
        body += b"+" + last + b"\n\\ No newline at end of file\n"
    count = len(lines) + bool(last)
    span = "+1" if count == 1 else f"+1,{count}"
    return head + f"--- /dev/null\n+++ {new}\n@@ -0,0 {span} @@\n".encode() + body


def _binary(content: bytes) -> bytes:
    packed = zlib.compress(content)
    pieces = [packed[start : start + _PIECE] for start in range(0, len(packed), _PIECE)]
    lines = [_length(len(piece)) + b85encode(piece, pad=True) + b"\n" for piece in pieces]
    return b"literal %d\n" % len(content) + b"".join(lines) + b"\n"


def _length(size: int) -> bytes:
    """Return the letter that stands for the size of a line: A to Z for 1 to 26, a to z for 27 to 52."""
    return bytes([size + (ord("A") - 1 if size <= 26 else ord("a") - 27)])  # noqa: PLR2004 - letters of the alphabet


def _quoted(path: bytes) -> str:
    if _PLAIN.fullmatch(path):
        return path.decode("ascii")
    marks = [bytes([one]) for one in path]
    shown = [_ESCAPES.get(one) or (one.decode() if b" " <= one <= b"~" else f"\\{one[0]:03o}") for one in marks]
    return f'"{"".join(shown)}"'


def _title(part: bytes) -> str:
    """Return the names in the first line of a part, for people."""
    return part.partition(b"\n")[0].removeprefix(b"diff --git ").decode("utf-8", "replace")


def _one_line(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)
