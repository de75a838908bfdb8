"""Write the reference pages of the Python API from the code: signatures and docstrings, nothing else.

`python scripts/reference.py` writes them; a test compares them, so that they stay true.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from penstock.sdk.absent import Absent
from penstock.sdk.artifacts import Artifact
from penstock.sdk.dataset import Dataset
from penstock.sdk.decorators import PipelineDecorator
from penstock.sdk.input_model import InputModel
from penstock.sdk.logger import Logger
from penstock.sdk.models import Model
from penstock.sdk.output_model import OutputModel
from penstock.sdk.pipeline import PipelineController
from penstock.sdk.task import Task

FOLDER = Path(__file__).parents[1] / "docs" / "reference"
PAGES: dict[str, tuple[type, ...]] = {
    "pipeline-controller.md": (PipelineController, PipelineController.Node),
    "pipeline-decorator.md": (PipelineDecorator,),
    "task.md": (Task, Artifact),
    "model-classes.md": (Model, InputModel, OutputModel),
    "logger.md": (Logger,),
    "dataset.md": (Dataset,),
}


def page(classes: tuple[type, ...]) -> str:
    """Return the page for these classes."""
    head = "<!-- Written by scripts/reference.py from the docstrings: change them there. -->\n"
    return head + "".join(_class(kind) for kind in classes)


def _class(kind: type) -> str:
    parts = [f"\n# {kind.__name__}\n\n"]
    if "__init__" in vars(kind) and kind in {PipelineController, Model, InputModel, OutputModel}:
        parts.append(_code(f"{kind.__name__}{_signature(kind)}"))
    parts.append(_text(kind.__doc__ or ""))
    parts += [_member(name, member) for name, member in _members(kind).items()]
    return "".join(parts)


def _members(kind: type) -> dict[str, object]:
    """Return the public members of a class, and those of the parts that it is put together from."""
    shown = {page for classes in PAGES.values() for page in classes}
    parts = [part for part in kind.__mro__ if part.__module__.startswith("penstock.") and part not in shown - {kind}]
    found: dict[str, object] = {}
    for part in parts:
        for name, member in vars(part).items():
            if not name.startswith("_") and not isinstance(member, Absent):
                found.setdefault(name, member)
    return found


def _member(name: str, member: object) -> str:
    if isinstance(member, property):
        return f"\n## {name}\n\n{_text(member.__doc__ or '')}"
    function: object = getattr(member, "function", member)
    function = getattr(function, "__func__", function)
    if not inspect.isfunction(function):
        return ""
    return f"\n## {name}\n\n{_code(f'{name}{_signature(function)}')}{_text(function.__doc__ or '')}"


def _signature(function: object) -> str:
    found = inspect.signature(function)  # type: ignore[arg-type]
    shown = [one for one in found.parameters.values() if one.name not in {"self", "cls", "run"}]
    texts = [re.sub(r": '([^']*)'", r": \1", str(one)) for one in shown]  # annotations are texts already
    arguments = ", ".join(texts)
    if len(arguments) > 80:
        arguments = "\n    " + ",\n    ".join(texts) + ",\n"
    returns = f" -> {found.return_annotation}" if isinstance(found.return_annotation, str) else ""
    return f"({arguments}){'' if inspect.isclass(function) else returns}"


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n\n"


def _text(docstring: str) -> str:
    """Return a docstring as Markdown: its sections become lists."""
    lines: list[str] = []
    for line in inspect.cleandoc(docstring).splitlines():
        if line in {"Args:", "Raises:", "Attributes:"}:
            lines += [f"**{line[:-1]}**", ""]
        elif line.startswith("    ") and not line.startswith("     "):
            lines.append(f"- {line.strip()}")
        elif line.startswith("     "):
            lines.append(f"  {line.strip()}")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, classes in PAGES.items():
        (FOLDER / name).write_text(page(classes), "utf-8")
