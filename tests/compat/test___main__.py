"""`python -m penstock.compat`."""

from __future__ import annotations

import pytest

from penstock.compat.__main__ import command


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ([], ["run", "--as-clearml"]),
        (["train.py"], ["run", "--as-clearml", "train.py"]),
        (["train.py", "--rate", "1"], ["run", "--as-clearml", "train.py", "--", "--rate", "1"]),
    ],
)
def test_what_stands_behind_the_script_is_the_scripts_own(given, made):
    assert command(given) == made
