"""What a run made."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.cli.artifacts import _safe
from penstock.core.outputs import Model
from penstock.ops.models import AddModel, LinkModel


@pytest.fixture
def made(recorder):
    run = recorder.run({"load": [], "train": ["load"]})
    load, train = recorder.attempt(run, "load"), recorder.attempt(run, "train")
    recorder.artifact(load.id, "rows", b"[1, 2]", preview="[1, 2]\nsecond line")
    recorder.artifact(train.id, "rows", b"[3]")
    recorder.artifact(run.id, "train.options", b"{}", preview="{}")
    blob = recorder.backend.blobs.put_bytes(b"weights")
    weights = Model(
        id="1" * 32, task=train.id, project="", name="best", direction="output", url="", hash=blob.hash, size=blob.size,
        framework="PyTorch", facts={"format": "file", "type": "pathlib.Path", "file_name": "net.pt"},
    )  # fmt: skip
    recorder.call(AddModel(model=weights))
    return run


def test_artifacts_and_models_are_listed_by_step(made, penstock):
    assert [line.split() for line in penstock("artifacts").out.splitlines()] == [
        ["STEP", "NAME", "TYPE", "SIZE", "PREVIEW"],
        ["pipeline", "train.options", "list", "2", "B", "{}"],
        ["load", "rows", "list", "6", "B", "[1,", "2]"],
        ["train", "rows", "list", "3", "B", "[1]"],
        ["train", "best", "PyTorch", "model", "7", "B", "net.pt"],
    ]


def test_one_step_and_one_name_may_be_chosen(made, penstock):
    assert [one["step"] for one in penstock("artifacts", "last", "train", "--json").document()["artifacts"]] == [
        "train"
    ]
    chosen = penstock("artifacts", "last", "--name", "rows", "--json").document()
    assert [one["step"] for one in chosen["artifacts"]] == ["load", "train"]
    assert chosen["models"] == []
    assert [one["name"] for one in penstock("artifacts", "last", "--json").document()["models"]] == ["best"]


def test_a_name_that_is_misspelt_is_not_found(made, penstock):
    answer = penstock("artifacts", "last", "--name", "row")
    assert answer.code == 3
    assert "hint: did you mean 'rows'?" in answer.err


def test_whole_previews_are_shown(made, penstock):
    out = penstock("artifacts", "last", "load", "--preview").out
    assert out == "load.rows  list, 6 B\n  [1, 2]\n  second line\n"


def test_the_bytes_of_one_are_saved(made, penstock, tmp_path):
    target = tmp_path / "rows.json"
    answer = penstock("artifacts", "last", "load", "--name", "rows", "--save", str(target))
    assert (answer.code, answer.out) == (0, f"{target}\n")
    assert target.read_bytes() == b"[1, 2]"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_into_a_folder_it_is_saved_under_its_own_name(made, penstock, tmp_path):
    answer = penstock("artifacts", "last", "train", "--name", "best", "--save", str(tmp_path))
    assert answer.out == f"{tmp_path / 'best.pt'}\n"
    assert (tmp_path / "best.pt").read_bytes() == b"weights"


def test_all_are_saved_below_a_folder(made, penstock, tmp_path):
    answer = penstock("artifacts", "last", "-o", str(tmp_path / "out"), "--json")
    saved = [str(Path(one).relative_to(tmp_path / "out")) for one in answer.document()["saved"]]
    assert saved == ["pipeline/train.options.json", "load/rows.json", "train/rows.json", "train/best.pt"]
    assert (tmp_path / "out" / "train" / "rows.json").read_bytes() == b"[3]"


def test_a_model_whose_bytes_are_elsewhere_is_listed_with_their_address(made, recorder, penstock, tmp_path):
    task = made.id
    recorder.call(
        AddModel(model=Model(id="2" * 32, task=task, project="", name="far", direction="output", url="s3://b"))
    )
    recorder.call(LinkModel(task=task, model="1" * 32, direction="input"))
    assert "s3://b" in penstock("artifacts", "last").out
    assert len(penstock("artifacts", "last", "--json").document()["models"]) == 2, (
        "what the run took in it did not make"
    )
    answer = penstock("artifacts", "last", "--name", "far", "--save", str(tmp_path / "x"))
    assert (answer.code, "the bytes of model 'far' are not here: they are s3://b" in answer.err) == (3, True)
    assert len(penstock("artifacts", "last", "-o", str(tmp_path / "out"), "--json").document()["saved"]) == 4


def test_saving_to_one_file_takes_one_artifact(made, penstock, tmp_path):
    answer = penstock("artifacts", "last", "--save", str(tmp_path / "x"))
    assert answer.code == 2
    assert "4 are chosen" in answer.err
    assert not (tmp_path / "x").exists()


def test_damaged_bytes_are_not_saved(made, recorder, penstock, tmp_path):
    path = recorder.backend.blobs.path(hashlib.sha256(b"[1, 2]").hexdigest())
    path.chmod(0o600)
    path.write_bytes(b"[9, 9]")
    answer = penstock("artifacts", "last", "load", "--save", str(tmp_path / "x"))
    assert answer.code == 1
    assert "is damaged" in answer.err
    assert list(tmp_path.glob("*x*")) == []


class Bomb:
    def __reduce__(self):
        return (Path("exploded").write_text, ("boom",))


def test_a_pickle_is_never_loaded(recorder, penstock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = recorder.run({"a": []})
    recorder.artifact(recorder.attempt(run, "a").id, "bomb", pickle.dumps(Bomb()), form="pickle", preview="<Bomb>")
    assert penstock("artifacts").code == 0
    assert penstock("artifacts", "last", "--preview").code == 0
    assert penstock("artifacts", "last", "--save", str(tmp_path)).out == f"{tmp_path / 'bomb.pkl'}\n"
    assert not (tmp_path / "exploded").exists()


def test_names_that_are_paths_stay_in_the_folder(recorder, penstock, tmp_path):
    run = recorder.run({"..": []})
    task = recorder.attempt(run, "..").id
    for name in ("../../evil", "/etc/passwd", "..", "a/b", "a_b"):
        recorder.artifact(task, name)
    answer = penstock("artifacts", "last", "-o", str(tmp_path / "out"), "--json")
    saved = [Path(one) for one in answer.document()["saved"]]
    assert len(set(saved)) == 5
    assert all(path.is_relative_to(tmp_path / "out") and ".." not in path.parts and path.is_file() for path in saved)


@given(st.text())
def test_a_safe_name_is_one_name_of_a_visible_file(name):
    safe = _safe(name)
    assert 0 < len(safe) <= 100
    assert "/" not in safe
    assert "\0" not in safe
    assert safe not in {".", ".."}


def test_a_run_that_made_nothing_says_so(recorder, penstock):
    recorder.complete({"a": []})
    assert penstock("artifacts").err == "run iris made no artifacts\n"
    assert penstock("artifacts", "last", "a").err == "step a made no artifacts\n"
