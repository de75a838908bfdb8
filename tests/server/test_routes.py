"""Paths are matched exactly: nothing that only looks like one of ours is one."""

from __future__ import annotations

import pytest

from penstock.server.routes import OPEN, Route, Table

HASH = "0123456789abcdef" * 4


async def nothing(request, identity):
    raise AssertionError


@pytest.fixture
def table():
    routes = [("GET", "/a"), ("POST", "/a"), ("GET", "/blobs/{hash}"), ("PUT", "/blobs/{hash}")]
    return Table(Route(method=one, path=path, name=path, policy=OPEN, endpoint=nothing) for one, path in routes)


def test_a_path_has_its_methods_and_what_stands_in_it(table):
    methods, found = table.find("/a")
    assert (set(methods), found) == ({"GET", "POST"}, {})
    methods, found = table.find(f"/blobs/{HASH}")
    assert (set(methods), found) == ({"GET", "PUT"}, {"hash": HASH})


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "a", "/A", "/a/", "//a", "/a/.", "/a;", "/a%00", "/a\n", "/blobs", "/blobs/", "/blobs/{hash}"),
        *(f"/blobs/{HASH}/", f"/blobs/{HASH}\n", f"/blobs/{HASH[:-1]}", f"/blobs/{HASH}0", f"/blobs/{HASH.upper()}"),
        *(f"/blobs/../{HASH}", f"/blobs/{HASH[:-1]}/", f"/blobs/{HASH[:-1]}٣", f"/blobs/{HASH}/../{HASH}"),
    ],
)
def test_what_is_not_a_path_of_ours_has_nothing(table, path):
    assert table.find(path) == ({}, {})
