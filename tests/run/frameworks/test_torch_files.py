from __future__ import annotations

import pytest

# The parameters are those of PyTorch 2; the files are texts.
TORCH = {
    "torch/__init__.py": "from torch import jit\nfrom torch.serialization import load, save\n",
    "torch/serialization.py": """
        import os, pickle
        def save(obj, f, pickle_module=pickle, pickle_protocol=2, _use_new_zipfile_serialization=True,
                 _disable_byteorder_record=False):
            if isinstance(f, (str, os.PathLike)):
                with open(f, "wb") as file:
                    pickle_module.dump(obj, file, pickle_protocol)
            else:
                pickle_module.dump(obj, f)
        def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
            if isinstance(f, (str, os.PathLike)):
                with open(f, "rb") as file:
                    return pickle.load(file)
            return pickle.load(f)
        """,
    "torch/jit/__init__.py": """
        from torch.jit._script import RecursiveScriptModule
        from torch.jit._serialization import load, save
        """,
    "torch/jit/_script.py": """
        from pathlib import Path
        class RecursiveScriptModule:
            def save(self, f, **kwargs):
                Path(str(f)).write_text("script")
        """,
    "torch/jit/_serialization.py": """
        from pathlib import Path
        def save(m, f, _extra_files=None):
            m.save(f, _extra_files=_extra_files or {})
        def load(f, map_location=None, _extra_files=None, _restore_shapes=False):
            from torch.jit._script import RecursiveScriptModule
            Path(f).read_text()
            return RecursiveScriptModule()
        """,
}

USE = """
import io
torch.save({"w": 1}, "a.pt")
torch.save(obj=[1], f="b.bin", _use_new_zipfile_serialization=False)
torch.save([1], io.BytesIO())
try:
    torch.save([1], "no/such/folder.pt")
except FileNotFoundError:
    pass
assert torch.load("a.pt", map_location="cpu", weights_only=True) == {"w": 1}
module = torch.jit.RecursiveScriptModule()
torch.jit.save(module, "c.ts")
module.save("d.ts")
torch.jit.load("c.ts")
"""
TOLD = [
    ("model_saved", "a.pt", "PyTorch"),
    ("model_saved", "b.bin", "PyTorch"),
    ("model_loaded", "a.pt", "PyTorch"),
    ("model_saved", "c.ts", "PyTorch"),
    ("model_saved", "d.ts", "PyTorch"),
    ("model_loaded", "c.ts", "PyTorch"),
]


@pytest.mark.parametrize("start", ["import torch\nfollow()\n", "follow()\nimport torch\n"])
def test_models_that_torch_saves_and_loads_are_recorded_once(script, start):
    assert script(TORCH, start + USE) == TOLD


def test_names_that_were_imported_before_are_followed_too(script):
    code = "from torch import save\nfrom torch.serialization import load\nfollow()\nsave(1, 'a.pt')\nload('a.pt')"
    assert script(TORCH, code) == [TOLD[0], TOLD[2]]


def test_a_module_that_is_loaded_anew_is_followed_anew(script):
    anew = "importlib.reload(torch.serialization)\nimportlib.reload(torch)\n"
    code = "import importlib, torch\nfollow()\n" + anew + "torch.save(1, 'a.pt')"
    assert script(TORCH, code) == TOLD[:1]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ("{'pytorch': '*.pt'}", 2),
        ("{'pytorch': ['*.pt', 'b*']}", 3),
        ("{'pytorch': False}", 0),
        ("{'joblib': False}", 6),
    ],
)
def test_wildcards_choose_among_the_files(script, wanted, count):
    assert len(script(TORCH, f"follow({wanted})\nimport torch\n" + USE)) == count


FASTAI = {
    **TORCH,
    "fastai/__init__.py": "",
    "fastai/learner.py": """
        import torch
        class Learner:
            def export(self, fname="export.pkl"):
                torch.save(self, fname)
        """,
}


@pytest.mark.parametrize(("wanted", "names"), [("True", ["l.pkl", "a.pt"]), ("{'fastai': False}", ["a.pt"])])
def test_what_fastai_saves_with_torch_is_switched_off_by_its_own_name(script, wanted, names):
    start = f"follow({wanted})\nimport torch\nfrom fastai.learner import Learner\n"
    code = start + "Learner().export('l.pkl')\ntorch.save(1, 'a.pt')"
    assert [name for _, name, _ in script(FASTAI, code)] == names


MEGENGINE = {
    "megengine/__init__.py": "from megengine.serialization import load, save",
    "megengine/serialization.py": """
        import pickle
        def save(obj, f, pickle_module=pickle, pickle_protocol=4):
            with open(f, "wb") as file:
                pickle_module.dump(obj, file, pickle_protocol)
        def load(f, map_location=None, pickle_module=pickle):
            with open(f, "rb") as file:
                return pickle_module.load(file)
        """,
}


def test_models_of_megengine_are_recorded_as_its_own(script):
    code = "import megengine as mge\nfollow()\nmge.save([1], 'm.mge')\nassert mge.load('m.mge') == [1]"
    assert script(MEGENGINE, code) == [("model_saved", "m.mge", "MegEngine"), ("model_loaded", "m.mge", "MegEngine")]
