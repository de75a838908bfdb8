"""From bytes that a process wrote to console lines: decoding, splitting, progress bars, and when to record them."""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator

from penstock.core.outputs import ConsoleLine, Stream
from penstock.core.secret import Secrets, hidden

LONGEST_LINE = 64 * 1024  # characters; a longer line is cut into several
PAUSE = 0.2  # seconds that a line may wait to be recorded
MANY_LINES = 2000  # this many are recorded without waiting
MANY_CHARACTERS = 1 << 20  # and so many characters, so that one transaction stays short


class Console:
    """The lines of one process that are not recorded yet.

    Args:
        secrets: What the process was given of these: a mask stands for them in its lines.
    """

    def __init__(self, secrets: Secrets | None = None) -> None:
        self._secrets = secrets or {}
        self._halves = {stream: _Half() for stream in Stream}
        self._blocks: list[ConsoleLine] = []
        self._count = 0
        self._size = 0
        self._oldest = 0.0

    def feed(self, stream: Stream, data: bytes, at: float, encoding: str = "utf-8") -> list[str]:
        """Take bytes as they were read at a time; return the lines that they complete."""
        block = self.feed_block(stream, data, at, encoding)
        return [] if block is None else block.split("\n")

    def feed_block(self, stream: Stream, data: bytes, at: float, encoding: str = "utf-8") -> str | None:
        """Take bytes as they were read at a time; return the lines that they complete in one text, or None.

        Nothing is done for each line, unless it is long or has a carriage return.
        """
        block = self._halves[stream].complete(data, encoding)
        if block is None:
            return None
        return self._add(stream, block, at)

    def finish(self, at: float) -> list[str]:
        """Take what was left without a line break; return the lines that it makes."""
        left = [(stream, half.finish()) for stream, half in self._halves.items()]
        return [line for stream, text in left if text for line in self._add(stream, text, at).split("\n")]

    @property
    def waiting(self) -> bool:
        """Whether there are lines to record."""
        return bool(self._blocks)

    def due(self) -> bool:
        """Return whether lines should be recorded now."""
        many = self._count >= MANY_LINES or self._size >= MANY_CHARACTERS
        return bool(self._blocks) and (many or time.monotonic() - self._oldest >= PAUSE)

    def take(self) -> tuple[ConsoleLine, ...]:
        """Return the lines to record and forget them."""
        return tuple(
            ConsoleLine(block.at, block.stream, text) for block in self.take_blocks() for text in block.text.split("\n")
        )

    def take_blocks(self) -> tuple[ConsoleLine, ...]:
        """Do the same; lines that were read at once stay together, with line breaks between them."""
        blocks, self._blocks = self._blocks, []
        self._count = self._size = 0
        return tuple(blocks)

    def _add(self, stream: Stream, block: str, at: float) -> str:
        """Add lines as a terminal would leave them."""
        if "\r" in block or (len(block) > LONGEST_LINE and max(map(len, block.split("\n"))) > LONGEST_LINE):
            block = "\n".join(piece for line in block.split("\n") for piece in _pieces(_left(line)))
        block = hidden(block, self._secrets)
        if not self._blocks:
            self._oldest = time.monotonic()
        self._blocks.append(ConsoleLine(at, stream, block))
        self._count += block.count("\n") + 1
        self._size += len(block)
        return block


class _Half:
    """What one stream has said since its last line break."""

    def __init__(self) -> None:
        self._encoding = ""
        self._decoder = _decoder("utf-8")
        self._pieces: list[str] = []
        self._length = 0

    def complete(self, data: bytes, encoding: str) -> str | None:
        """Take bytes; return the lines that they complete, without the last line break, or None."""
        if encoding != self._encoding:
            self._encoding, self._decoder = encoding, _decoder(encoding)
        head, found, rest = self._decoder.decode(data).rpartition("\n")
        block = "".join([*self._pieces, head]) if found else None
        if found:
            self._pieces, self._length = [], 0
        if rest:
            self._pieces.append(rest)
            self._length += len(rest)
        if self._length > LONGEST_LINE:
            long = self._cut()
            block = long if block is None else block if long is None else f"{block}\n{long}"
        return block

    def finish(self) -> str:
        """Return what is left."""
        text = "".join([*self._pieces, self._decoder.decode(b"", final=True)])
        self._pieces, self._length = [], 0
        return text

    def _cut(self) -> str | None:
        """Keep what a line without end still shows; return what is too long of it, or None."""
        text = "".join(self._pieces)
        if "\r" in text:
            text = _left(text) + "\r" * text.endswith("\r")
        cut = (len(text) - 1) // LONGEST_LINE * LONGEST_LINE
        self._pieces, self._length = [text[cut:]], len(text) - cut
        return "\n".join(_pieces(text[:cut])) if cut else None


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(encoding)("replace")


def _left(line: str) -> str:
    """Return what a terminal leaves of a line: what a carriage return overwrote is gone."""
    return line.rstrip("\r").rpartition("\r")[2]


def _pieces(line: str) -> Iterator[str]:
    for start in range(0, len(line) or 1, LONGEST_LINE):
        yield line[start : start + LONGEST_LINE]
