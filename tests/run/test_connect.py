"""Connecting whatever a script has."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

from penstock.core.errors import BadParameter
from penstock.run.arguments.following import Following
from penstock.run.connect import connect, connect_configuration


class Section:
    name = "General"

    def __init__(self, kept=(), *, assigned=False):
        self.assigned = assigned
        self.kept = dict(kept)

    def stored(self):
        return self.kept

    def store(self, parameters):
        self.kept |= {one.name: one for one in parameters}

    @property
    def values(self):
        return {name: one.value for name, one in self.kept.items()}


@pytest.fixture
def parser():
    one = argparse.ArgumentParser()
    one.add_argument("--lr", type=float, default=0.1)
    yield one
    Following().stop()


def test_a_dict_an_object_and_a_parser_are_connected_each_in_its_way(parser):
    for one in ({"lr": 0.1}, SimpleNamespace(lr=0.1)):
        section = Section()
        assert connect(one, section) == one
        assert section.values == {"lr": 0.1}
    section = Section()
    assert connect(parser, section) is parser
    assert parser.parse_args(["--lr", "0.5"]).lr == 0.5
    assert section.values == {"lr": 0.5}


def test_a_parser_of_a_task_that_is_carried_out_gets_its_values(parser):
    recorded = Section()
    connect(parser, recorded)
    parser.parse_args(["--lr", "0.5"])
    connect(parser, Section(recorded.kept, assigned=True))
    assert parser.parse_args([]).lr == 0.5


def test_what_a_parser_has_parsed_before_is_recorded_when_it_is_connected(parser):
    connect(parser, Section())
    parser.parse_args(["--lr", "0.5"])
    section = Section()
    connect(parser, section)
    assert section.values == {"lr": 0.5}


def test_a_parser_that_is_not_connected_is_not_followed(parser):
    section = Section()
    connect(parser, section)
    other = argparse.ArgumentParser()
    other.add_argument("--other")
    other.parse_args(["--other", "1"])
    assert section.values == {}


def test_what_cannot_be_connected_is_refused():
    with pytest.raises(BadParameter, match="a int cannot be connected"):
        connect(5, Section())


def test_a_configuration_is_connected_beside(tmp_path):
    told = []
    connect_configuration({"a": 1}, "net", stored=None, store=told.append, folder=tmp_path)
    assert told[0].name == "net"
