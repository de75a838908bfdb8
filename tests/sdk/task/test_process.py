from __future__ import annotations

import random

import numpy as np
import pytest

from penstock import PipelineController, Task, TaskTypes
from penstock.core.errors import Invalid


def test_a_process_knows_which_task_is_its_own(home):
    mine = PipelineController("mine", "Tests").task
    other = Task.create("Tests", "other", script=__file__, force_single_script_file=True)
    assert (mine.is_current_task(), mine.is_main_task(), other.is_current_task()) == (True, True, False)


def test_types_are_written_as_the_documentation_does():
    assert Task.TaskTypes is TaskTypes
    assert TaskTypes.data_processing is TaskTypes.DATA_PROCESSING
    assert len(TaskTypes) == 11


def test_a_seed_makes_random_numbers_come_again():
    def drawn():
        Task.set_random_seed(5)
        return random.random(), np.random.rand()  # noqa: NPY002 - the generator that a seed of the whole process reaches

    assert drawn() == drawn()
    Task.set_random_seed(None)


def test_credentials_are_passed_over_and_that_is_said(home, capsys):
    Task.set_credentials(api_host="https://example.invalid", key="k", secret="s")
    said = capsys.readouterr().err
    assert "set_credentials() was passed over" in said
    assert str(home) in said


def test_nothing_is_on_line_without_a_server_and_with_one_it_cannot_be_left(home, monkeypatch):
    Task.set_offline(offline_mode=True)
    assert Task.is_offline()
    Task.set_offline(offline_mode=False)
    assert not Task.is_offline()
    monkeypatch.setenv("PENSTOCK_URL", "http://127.0.0.1:1")
    with pytest.raises(Invalid, match="PENSTOCK_URL names a server"):
        Task.set_offline(offline_mode=True)
