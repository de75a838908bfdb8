"""Records a draft from a script that has not run."""

from __future__ import annotations

import os
import platform
import posixpath
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from types import ModuleType
from typing import Any, Self

from msgspec import Struct
from msgspec.structs import replace

from penstock.core.errors import Invalid
from penstock.core.task import Parameter, Script, ScriptKind
from penstock.ops.lifecycle import CloneTask, Copied
from penstock.ops.tasks import CreateTask, DescribeTask, NewTask, SetParameters
from penstock.run import stand_in
from penstock.sdk import session
from penstock.sdk.given import container, requirements
from penstock.sdk.given import task_type as kind_of
from penstock.sdk.task.finding import Findable
from penstock.sdk.task.requests import parameter


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


class Makeable(Findable):
    """How tasks are made from scripts that have not run."""

    @classmethod
    def create(
        cls,
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: str | None = None,
        repo: str | None = None,
        branch: str | None = None,
        commit: str | None = None,
        script: str | None = None,
        working_directory: str | None = None,
        packages: bool | str | Iterable[str] | None = None,
        requirements_file: str | Path | None = None,
        docker: str | None = None,
        docker_args: str | None = None,
        docker_bash_setup_script: str | None = None,
        argparse_args: Iterable[tuple[str, object]] | None = None,
        base_task_id: str | None = None,
        add_task_init_call: bool = True,
        force_single_script_file: bool = False,
        binary: str | None = None,
        module: str | None = None,
        detect_repository: bool = True,
    ) -> Self:
        """Record a draft from a script that has not run, and return it.

        Args:
            project_name, task_name, task_type: Where it lies, and what it is called.
            repo, branch, commit: Its repository: a URL, or a local folder. The script's own when there is none.
            script: Path of the script; within the repository when `repo` is given.
            module: A module to run instead, as `-m package.module` or `package.module`.
            working_directory: Folder to run in, from the root of the repository.
            packages: Requirement lines; None finds them in the script.
            requirements_file: A file with requirement lines instead.
            docker, docker_args, docker_bash_setup_script: The container that it asks for.
            argparse_args: Pairs of an argument of the script and its value.
            base_task_id: A task to take everything from that is not given here.
            force_single_script_file: Whether only the text of the script is recorded, and not its repository.
            detect_repository: Whether the repository of a local script is looked for.
            binary: Version of Python to run it, as `python3.12`: recorded.
            add_task_init_call: Accepted for compatibility; a script is followed without calling `Task.init`, too.

        Raises:
            Invalid: There is no such file, or nothing says what to run.
        """
        facts = {
            "name": task_name,
            "project": project_name,
            "type": None if task_type is None else kind_of(task_type),
            "container": container(docker, docker_args, docker_bash_setup_script),
        }
        return cls.of(make(wanted(locals()), facts, arguments(argparse_args), base_task_id))


def wanted(given: Mapping[str, Any]) -> Wanted:
    """Return what a draft shall run from the arguments of `Task.create`, or of another function that has them.

    Raises:
        Invalid: There is no such requirements file.
    """
    return Wanted(
        script=given["script"],
        module=given["module"],
        repo=given["repo"],
        branch=given["branch"],
        commit=given["commit"],
        working_directory=given["working_directory"],
        packages=requirements(given["requirements_file"] or given["packages"]),
        interpreter=given["binary"] or "",
        alone=given["force_single_script_file"] or not given["detect_repository"],
    )


def arguments(given: Iterable[tuple[str, object]] | None) -> tuple[Parameter, ...]:
    """Return the parameters that pairs of a script's argument and its value stand for."""
    return tuple(parameter(f"Args/{name.lstrip('-')}", value) for name, value in given or ())


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
        made = backend.call(CloneTask(source=base, clone=Copied(id=id, user=user, **place)))
        backend.call(DescribeTask(id=id, script=_changed(made.script, wanted), **given))
    else:
        script = script_of(wanted)
        given.setdefault("name", Path(script.entry_point).stem or "task")
        given.setdefault("project", "Untitled")
        backend.call(CreateTask(task=NewTask(id=id, user=user, script=script, **given)))
    if parameters:
        backend.call(SetParameters(task=id, parameters=parameters))
    return id


def _changed(script: Script, wanted: Wanted) -> Script:
    """Return a base's script with what is given instead: another script, or parts of what says how this one runs."""
    if wanted.script or wanted.module:
        return script_of(wanted)
    given = {
        "repository": wanted.repo,
        "branch": wanted.branch,
        "commit": wanted.commit,
        "working_dir": wanted.working_directory,
        "packages": wanted.packages,
        "interpreter": _version(wanted.interpreter) or None,
    }
    return replace(script, **{name: value for name, value in given.items() if value is not None})


def _version(interpreter: str) -> str:
    """Return the version in the name or path of an interpreter, such as `/usr/bin/python3.12`."""
    return PurePath(interpreter).name.removeprefix("python")


def script_of(wanted: Wanted) -> Script:
    """Return what is recorded of a script that has not run.

    Raises:
        Invalid: There is no such file, or nothing says what to run.
    """
    if not (wanted.script or wanted.module):
        raise Invalid("nothing says what to run", hint="give script= or module=")
    module = wanted.module.removeprefix("-m").strip() if wanted.module else None
    interpreter = _version(wanted.interpreter) or platform.python_version()
    if wanted.repo is None or Path(wanted.repo).is_dir():
        return _local(wanted, module, interpreter)
    folder = wanted.working_directory or "."
    return Script(
        kind=ScriptKind.MODULE if module else ScriptKind.SCRIPT,
        entry_point=f"-m {module}" if module else posixpath.relpath(str(wanted.script), folder),
        repository=wanted.repo,
        branch=wanted.branch,
        commit=wanted.commit,
        working_dir=folder,
        packages=wanted.packages,
        interpreter=interpreter,
        stands_for=stand_in.get(),
    )


def _local(wanted: Wanted, module: str | None, interpreter: str) -> Script:
    from penstock.run.script import describe_packages

    main, found = _of_module(wanted, module) if module else _of_file(wanted)
    chosen = {name: value for name, value in (("branch", wanted.branch), ("commit", wanted.commit)) if value}
    if wanted.commit:
        chosen["diff"] = ""
    if wanted.working_directory and found.repository and not module:
        place = posixpath.join(found.working_dir or ".", found.entry_point)
        chosen["entry_point"] = posixpath.relpath(place, wanted.working_directory)
        chosen["working_dir"] = wanted.working_directory
    packages = describe_packages(main, [str(main.__file__)]) if wanted.packages is None else wanted.packages
    return replace(found, packages=packages, interpreter=interpreter, stands_for=stand_in.get(), **chosen)


def _of_file(wanted: Wanted) -> tuple[ModuleType, Script]:
    """Return a local script as a module that is not run, and what is recorded of it."""
    from penstock.run.script import describe_script

    file = Path(wanted.repo or ".", wanted.script or "").absolute()
    if not file.is_file():
        raise Invalid(f"there is no script {str(file)!r}", hint="give the path of a file, or repo= with a URL")
    main = _unrun(file)
    if wanted.alone:
        text = file.read_text("utf-8", errors="replace")
        return main, Script(source=text, kind=ScriptKind.SCRIPT, entry_point=file.name, working_dir=".")
    return main, describe_script(main, [str(file)])


def _of_module(wanted: Wanted, module: str) -> tuple[ModuleType, Script]:
    """Return the same of a module in a local repository."""
    from penstock.run.repository import root_of
    from penstock.run.script import describe_script

    root = Path(wanted.repo or ".").resolve()
    folder = root / (wanted.working_directory or "")
    place = folder.joinpath(*module.split("."))
    file = place / "__main__.py" if place.is_dir() else place.with_suffix(".py")
    if not file.is_file():
        hint = "give repo= with the repository that it is in, and working_directory= with where it is imported from"
        raise Invalid(f"there is no module {module!r} in {str(folder)!r}", hint=hint)
    main = _unrun(file)
    found = describe_script(main, [str(file)])
    if not found.repository:
        raise Invalid(f"module {module!r} needs a repository with a commit, and {str(root)!r} is none")
    working_dir = os.path.relpath(folder, root_of(folder) or root)
    return main, replace(found, kind=ScriptKind.MODULE, entry_point=f"-m {module}", working_dir=working_dir)


def _unrun(file: Path) -> ModuleType:
    main = ModuleType("__main__")
    main.__file__ = str(file)
    return main
