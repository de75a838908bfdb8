"""The state of the store itself."""

from __future__ import annotations

from penstock.core.errors import StoreError
from penstock.ops.health import CheckHealth


def test_a_new_store_is_whole_and_knows_its_version(desk):
    health = desk.backend.call(CheckHealth())
    assert health.version >= 1
    assert health.problems == ()


def test_a_damaged_file_is_told(desk, settings):
    for _ in range(50):
        desk.run("a", "b")
    desk.backend.close()
    raw = bytearray(settings.database.read_bytes())
    raw[3 * 4096 : 6 * 4096] = b"\xff" * (3 * 4096)
    settings.database.write_bytes(raw)
    try:
        problems = desk.backend.call(CheckHealth()).problems
    except StoreError as error:
        problems = (error.message,)
    assert problems
