"""Classes of a script, pickled in one process and read in another."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

@dataclass
class Point:
    x: int
    def moved(self):
        return Point(self.x + {step})

class Colour(Enum):
    RED = 1

class Other:
    pass

{more}
"""

WRITE = """
import cloudpickle
Path(sys.argv[1]).write_bytes(cloudpickle.dumps([Point(1), Colour.RED, [Point]]))
"""

READ = """
from penstock.run.formats.script_classes import Unpickler
point, colour, (cls,) = Unpickler(open(sys.argv[1], "rb")).load()
print(type(point) is Point, colour is Colour.RED, cls is Point, point.moved().x, Point(5).moved().x)
"""

READ_WITHOUT = """
from penstock.run.formats.script_classes import Unpickler
point, colour, (cls,) = Unpickler(open(sys.argv[1], "rb")).load()
print(point.x, colour.name, cls.__name__, point.moved().x)
"""


@pytest.fixture
def run(tmp_path):
    def run_script(text, *arguments):
        (tmp_path / "script.py").write_text(text)
        command = [sys.executable, "-W", "ignore::ResourceWarning", str(tmp_path / "script.py"), *arguments]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stderr
        return found.stdout.split()

    return run_script


def test_what_arrives_is_of_the_script_s_own_class(run, tmp_path):
    run(SCRIPT.format(step=1, more=WRITE), str(tmp_path / "p"))
    assert run(SCRIPT.format(step=1, more=READ), str(tmp_path / "p")) == ["True", "True", "True", "2", "6"]


def test_the_present_script_s_code_counts_and_is_not_replaced_by_that_of_the_pickle(run, tmp_path):
    run(SCRIPT.format(step=1, more=WRITE), str(tmp_path / "p"))
    assert run(SCRIPT.format(step=10, more=READ), str(tmp_path / "p")) == ["True", "True", "True", "11", "15"]


def test_a_script_without_the_class_gets_it_from_the_pickle(run, tmp_path):
    run(SCRIPT.format(step=1, more=WRITE), str(tmp_path / "p"))
    assert run("import sys\n" + READ_WITHOUT, str(tmp_path / "p")) == ["1", "RED", "Point", "2"]


def test_something_else_of_the_same_name_is_not_taken_for_the_class(run, tmp_path):
    run(SCRIPT.format(step=1, more=WRITE), str(tmp_path / "p"))
    taken = "import sys\nPoint = 3\nColour = list\n" + READ_WITHOUT
    assert run(taken, str(tmp_path / "p")) == ["1", "RED", "Point", "2"]
