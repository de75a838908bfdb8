"""What both sides of HTTP agree on."""

from __future__ import annotations

from penstock.backend.protocol import blobs_address


def test_blobs_have_an_address_where_there_is_a_server():
    assert blobs_address("https://s") == "https://s/api/v1/blobs"
    assert blobs_address("") == ""
