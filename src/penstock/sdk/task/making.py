"""Records a draft from a script that has not run."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.task import Parameter, Script, ScriptKind
from penstock.ops.lifecycle import CloneTask, Copied
from penstock.ops.tasks import CreateTask, DescribeTask, NewTask, SetParameters
from penstock.sdk import session


class Wanted(Struct, frozen=True, kw_only=True):
    """What a draft shall run; see `Task.create`.

    Args:
        alone: Whether only the text of a local script is recorded, and not its repository.
    """

    script: str | None = None
    module: str | None = None
    repo: str | None = None
    branch: str | None = None
    commit: str | None = None
    working_directory: str | None = None
    packages: tuple[str, ...] | None = None
    interpreter: str = ""
    alone: bool = False


def make(wanted: Wanted, facts: Mapping[str, Any], parameters: tuple[Parameter, ...], base: str | None) -> str:
    """Record a draft and return its id.

    Args:
        facts: Name, project, type and container, each None where it is not given.
        parameters: Of the draft, besides those of the base.
        base: Id of the task to take from what is not given.

    Raises:
        Invalid: There is no such file, or nothing says what to run.
        NotFound: There is no such base.
    """
    backend, user = session.backend(), session.settings().user
    given = {name: value for name, value in facts.items() if value is not None}
    id = uuid.uuid4().hex
    if base is not None:
        place = {name: given.pop(name) for name in ("name", "project") if name in given}
        backend.call(CloneTask(source=base, clone=Copied(id=id, user=user, **place)))
        if wanted.script or wanted.module:
            given["script"] = script_of(wanted)
        if given:
            backend.call(DescribeTask(id=id, **given))
    else:
        script = script_of(wanted)
        given.setdefault("name", Path(script.entry_point).stem or "task")
        given.setdefault("project", "Untitled")
        backend.call(CreateTask(task=NewTask(id=id, user=user, script=script, **given)))
    if parameters:
        backend.call(SetParameters(task=id, parameters=parameters))
    return id


def script_of(wanted: Wanted) -> Script:
    """Return what is recorded of a script that has not run.

    Raises:
        Invalid: There is no such file, or nothing says what to run.
    """
    if not (wanted.script or wanted.module):
        raise Invalid("nothing says what to run", hint="give script= or module=")
    module = wanted.module.removeprefix("-m").strip() if wanted.module else None
    interpreter = wanted.interpreter.removeprefix("python") or platform.python_version()
    if wanted.repo is not None and not Path(wanted.repo).is_dir():
        return Script(
            kind=ScriptKind.MODULE if module else ScriptKind.SCRIPT,
            entry_point=f"-m {module}" if module else str(wanted.script),
            repository=wanted.repo,
            branch=wanted.branch,
            commit=wanted.commit,
            working_dir=wanted.working_directory or ".",
            packages=wanted.packages,
            interpreter=interpreter,
        )
    if module:
        raise Invalid(f"module {module!r} needs the repository that it is in", hint="give repo=")
    return _local(wanted, interpreter)


def _local(wanted: Wanted, interpreter: str) -> Script:
    from penstock.run.script import describe_packages, describe_script

    file = Path(wanted.repo or ".", wanted.script or "").absolute()
    if not file.is_file():
        raise Invalid(f"there is no script {str(file)!r}", hint="give the path of a file, or repo= with a URL")
    main = ModuleType("__main__")
    main.__file__ = str(file)
    found = describe_script(main, [str(file)])
    if wanted.alone:
        text = file.read_text("utf-8", errors="replace")
        found = Script(source=text, kind=ScriptKind.SCRIPT, entry_point=file.name, working_dir=".")
    chosen = {name: value for name, value in (("branch", wanted.branch), ("commit", wanted.commit)) if value}
    if wanted.commit:
        chosen["diff"] = ""
    if wanted.working_directory:
        chosen["working_dir"] = wanted.working_directory
    packages = describe_packages(main, [str(file)]) if wanted.packages is None else wanted.packages
    return replace(found, packages=packages, interpreter=interpreter, **chosen)
