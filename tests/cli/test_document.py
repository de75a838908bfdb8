"""JSON documents."""

from __future__ import annotations

import json
import math

import msgspec

from penstock.cli.document import emit, encode
from penstock.core.outputs import ScalarSummary


def test_records_become_objects():
    summary = ScalarSummary(title="loss", series="train", last=0.5, minimum=0.5, maximum=2.0, count=2, iteration=1)
    assert json.loads(encode({"metrics": [summary]})) == {"metrics": [msgspec.to_builtins(summary)]}


def test_numbers_that_json_does_not_know_become_null():
    assert json.loads(encode([math.nan, math.inf, -math.inf, 1.5])) == [None, None, None, 1.5]


def test_text_that_no_encoding_takes_is_spelt_out():
    assert json.loads(encode({"a": ["\udc80"], "\ud800": 1})) == {"a": ["\\udc80"], "\\ud800": 1}


def test_a_document_is_all_that_is_printed(capsys):
    emit({"runs": []})
    assert json.loads(capsys.readouterr().out) == {"runs": []}
