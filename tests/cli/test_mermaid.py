"""Graphs as Mermaid text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.mermaid import mermaid


def test_nodes_edges_and_colours_are_written():
    text = mermaid({"load": (), "train": ("load",)}, {"load": "completed", "train": "failed"})
    assert text.splitlines()[:4] == [
        "flowchart TD",
        '    s0["✓ load"]:::completed',
        '    s1["✗ train"]:::failed',
        "    s0 --> s1",
    ]
    assert "classDef completed fill:#" in text
    assert "classDef failed fill:#" in text


def test_a_name_cannot_be_syntax_or_html():
    text = mermaid(
        {'"]; click s0 "javascript:x" <img src=x>': ()}, {'"]; click s0 "javascript:x" <img src=x>': "pending"}
    )
    (node,) = [line for line in text.splitlines() if "s0[" in line]
    assert node.count('"') == 2
    assert not set("<>;&") & set(re.sub(r"#\d+;", "", node))


@given(st.text(min_size=1, max_size=30))
def test_whatever_a_node_is_called_it_takes_one_line(name):
    text = mermaid({name: ()}, {name: "running"})
    assert len(text.splitlines()) == 3
    label = text.splitlines()[1][len('    s0["') : -len('"]:::running')]
    assert not set('"[]{}|<>`\\') & set(label)
