"""SHA-256 of a stream: the same however it is cut, in this thread or beside it."""

from __future__ import annotations

from hashlib import sha256

import pytest

from penstock.blobs.digest import Digest


@pytest.mark.parametrize(
    "sizes", [[], [0], [1], [10, 20], [1 << 20], [5, 1 << 20, 7], [(1 << 20) - 1, 3 << 20, 1, 2 << 20]]
)
def test_pieces_of_any_size_make_the_digest_of_the_whole(sizes):
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    digest = Digest()
    for piece in pieces:
        digest.update(memoryview(piece))
    assert digest.finish() == digest.finish() == sha256(b"".join(pieces)).hexdigest()
