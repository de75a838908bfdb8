"""How data sets are recorded: here, and behind a server."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
from tests.sdk.dataset.conftest import make

from penstock import Dataset, Task
from penstock.core.errors import UnsafeArchive
from penstock.sdk.artifacts import record_as_is
from penstock.sdk.dataset import records

SCRIPT = """
    import json, sys
    from pathlib import Path
    from penstock import Dataset

    folder = Path(sys.argv[1])
    made = Dataset.create("words", "Tests")
    made.add_files(folder)
    made.upload()
    made.finalize()
    found = Dataset.get(dataset_project="Tests", dataset_name="words")
    copy = Path(found.get_local_copy())
    files = {one.relative_to(copy).as_posix(): one.read_text() for one in copy.rglob("*") if one.is_file()}
    print(json.dumps([found.verify(), files]))
"""


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:evil", "a\\b", "nul\0", "", "a//b"])
def test_a_manifest_with_an_evil_name_is_refused_whole(home, source, name):
    made = make("words", source)
    good = {"hash": "0" * 64, "size": 3}
    record_as_is(made.id, records.MANIFEST, {"files": {"fine.txt": good, name: good}})
    with pytest.raises(UnsafeArchive, match="data set 'words' is refused"):
        Dataset.get(dataset_id=made.id)


def test_the_contents_stay_while_a_version_has_them_and_go_with_the_last(home, source):
    first = make("words", source)
    second = Dataset.create(parent_datasets=[first])
    second.close()
    Dataset.delete(dataset_id=first.id)
    assert records.damaged(second.file_entries_dict) == []
    Dataset.delete(dataset_id=second.id)
    assert records.damaged(second.file_entries_dict) == ["a.txt", "b.txt", "deep/c.txt"]


def test_the_manifest_is_an_artifact_that_anybody_can_read(home, source):
    made = make("words", source)
    found = Task.get_task(task_id=made.id).artifacts["manifest"]
    assert sorted(found.get()["files"]) == ["a.txt", "b.txt", "deep/c.txt"]
    assert (found.metadata["files"], found.metadata["bytes"]) == ("3", "9")


@pytest.mark.parametrize("place", ["server"], indirect=True)
def test_a_data_set_is_made_and_read_through_a_server(place, source):
    script = place.folder / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    for home in ("one", "two"):
        variables = place.environment | {"PENSTOCK_HOME": str(place.folder / home)}
        done = subprocess.run(
            [sys.executable, str(script), str(source)], env=variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        bad, files = json.loads(done.stdout)
        assert (bad, files) == ([], {"a.txt": "one", "b.txt": "two", "deep/c.txt": "one"})
