from __future__ import annotations

import pytest

from penstock import Dataset, Logger, Model, StorageManager, Task
from penstock.sdk import absent
from penstock.sdk.absent import Absent

KINDS = {
    Task: absent.NotTask,
    Dataset: absent.NotDataset,
    Logger: absent.NotLogger,
    Model: absent.NotModel,
    StorageManager: absent.NotStorage,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_says_so_by_name_with_a_hint(kind):
    named = {name: one for name, one in vars(KINDS[kind]).items() if isinstance(one, Absent)}
    assert named
    for name, one in named.items():
        assert not hasattr(kind, name)
        with pytest.raises(AttributeError) as error:
            getattr(kind, name)
        assert str(error.value) == f"Penstock has no {kind.__name__}.{name} (hint: {one.hint})"


def test_a_misspelt_name_is_told_as_ever():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = Task.nothing
