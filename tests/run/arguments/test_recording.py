"""What was heard from the command line, and where it goes."""

from __future__ import annotations

import pytest

from penstock.core.task import Configuration, Parameter
from penstock.run.arguments.recording import Found, Recording, attempt, record


class Section:
    name = "Args"

    def __init__(self, *, assigned=False, **values):
        self.assigned = assigned
        self.kept = {name: Parameter(section="Args", name=name, value=value) for name, value in values.items()}

    def stored(self):
        return self.kept

    def store(self, parameters):
        self.kept |= {one.name: one for one in parameters}

    @property
    def values(self):
        return {name: one.value for name, one in self.kept.items()}


def test_what_was_heard_before_there_is_a_task_is_recorded_once_there_is():
    recording, section = Recording(), Section()
    recording.heard([Found(("lr",), 1)], "a")
    recording.heard([Found(("lr",), 2)], "a")
    recording.heard([Found(("other",), 3)], "b")
    recording.configured(Configuration(name="c", text="old"))
    recording.configured(Configuration(name="c", text="new"))
    told = []
    recording.attach(section, True, told.append)
    assert section.values == {"lr": 2, "other": 3}
    assert [one.text for one in told] == ["new"]
    recording.heard([Found(("late",), 4)])
    recording.configured(Configuration(name="d", text="late"))
    assert section.values["late"] == 4
    assert [one.text for one in told] == ["new", "late"]


def test_after_it_was_detached_nothing_is_recorded():
    recording, section = Recording(), Section()
    recording.attach(section, True)
    recording.detach()
    recording.heard([Found(("lr",), 1)])
    assert section.values == {}
    assert recording.assigned() == {}


@pytest.mark.parametrize(
    ("wanted", "names"),
    [(True, {"lr", "epochs", "train/lr"}), (False, set()), ({"lr": False}, {"epochs"}),
     ({"lr": True, "*": False}, {"lr", "train/lr"}), ({"train/lr": False}, {"lr", "epochs"}),
     ({}, {"lr", "epochs", "train/lr"})],
)  # fmt: skip
def test_names_are_followed_as_they_are_wanted(wanted, names):
    recording, section = Recording(), Section()
    recording.attach(section, wanted)
    recording.heard([Found(("lr",), 1), Found(("epochs",), 2), Found(("train", "lr"), 3)])
    assert set(section.values) == names
    assert set(recording.assigned()) == set()


def test_values_of_a_task_that_exists_are_assigned_as_far_as_they_are_wanted():
    recording = Recording()
    assert recording.assigned() == {}
    recording.attach(Section(assigned=True, lr=1, epochs=2), {"lr": False})
    assert set(recording.assigned()) == {"epochs"}


def test_a_task_that_exists_gets_only_what_it_has_not():
    section = Section(assigned=True, lr=1)
    record(section, [Found(("lr",), 5, "new"), Found(("epochs",), 2, "how often")])
    assert section.values == {"lr": 1, "epochs": 2}
    assert section.kept["epochs"].description == "how often"


def test_a_failure_of_ours_is_said_in_one_line(capsys):
    assert attempt(lambda: 1 // 0, 7) == 7
    assert capsys.readouterr().err == (
        "penstock: the command line was not followed: ZeroDivisionError: integer division or modulo by zero\n"
    )
    assert attempt(lambda: 1, 7) == 1
