"""From bytes that a process wrote to console lines: decoding, splitting, progress bars, and when to record them."""

from __future__ import annotations

import codecs
import time

from penstock.core.outputs import ConsoleLine, Stream

LONGEST_LINE = 64 * 1024  # characters; a longer line is cut into several
PAUSE = 0.2  # seconds that a line may wait to be recorded
MANY_LINES = 2000  # this many are recorded without waiting


class Console:
    """The lines of one process that are not recorded yet."""

    def __init__(self) -> None:
        self._decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace") for stream in Stream}
        self._partial = dict.fromkeys(Stream, "")
        self._lines: list[ConsoleLine] = []
        self._oldest = 0.0

    def feed(self, stream: Stream, data: bytes, at: float) -> list[str]:
        """Take bytes as they were read at a time; return the lines that they complete."""
        *complete, rest = (self._partial[stream] + self._decoders[stream].decode(data)).split("\n")
        if len(rest) > LONGEST_LINE:
            complete.append(rest)
            rest = ""
        self._partial[stream] = rest
        return [line for one in complete for line in self._add(stream, one, at)]

    def finish(self, at: float) -> list[str]:
        """Take what was left without a line break; return the lines that it makes."""
        texts = {
            stream: text + self._decoders[stream].decode(b"", final=True) for stream, text in self._partial.items()
        }
        left = [(stream, text) for stream, text in texts.items() if text]
        self._partial = dict.fromkeys(Stream, "")
        return [line for stream, text in left for line in self._add(stream, text, at)]

    @property
    def waiting(self) -> bool:
        """Whether there are lines to record."""
        return bool(self._lines)

    def due(self) -> bool:
        """Return whether lines should be recorded now."""
        return bool(self._lines) and (len(self._lines) >= MANY_LINES or time.monotonic() - self._oldest >= PAUSE)

    def take(self) -> tuple[ConsoleLine, ...]:
        """Return the lines to record and forget them."""
        lines, self._lines = self._lines, []
        return tuple(lines)

    def _add(self, stream: Stream, text: str, at: float) -> list[str]:
        """Add a line as a terminal would leave it: what a carriage return overwrote is gone."""
        shown = text.rstrip("\r").rpartition("\r")[2]
        pieces = [shown[start : start + LONGEST_LINE] for start in range(0, len(shown), LONGEST_LINE)] or [""]
        if not self._lines:
            self._oldest = time.monotonic()
        self._lines += [ConsoleLine(at, stream, piece) for piece in pieces]
        return pieces
