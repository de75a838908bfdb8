"""From a step's definition to what is recorded of an attempt, and to what its process is told."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from msgspec import Struct, to_builtins

from penstock.blobs.stamps import Stamp
from penstock.core import refs
from penstock.core.assignment import Assignment, Resolved
from penstock.core.errors import DiskFull, Invalid, NotFound
from penstock.core.outputs import Artifact
from penstock.core.parameters import held, plain
from penstock.core.pipeline import Argument, Pipeline, Step, script_key
from penstock.core.run import FOLDER, RETURNS, WORKING
from penstock.core.secret import SECRET, Secrets, is_seal, seals
from penstock.core.task import Json, Parameter, Script, ScriptKind, Task
from penstock.ops.tasks import NewTask
from penstock.run.attempt import AttemptSpec, encode
from penstock.run.lookup import Lookup
from penstock.run.process import Launch
from penstock.run.warm import ENTRY
from penstock.settings import Environments


class Surroundings(Struct, frozen=True, kw_only=True):
    """What a local run gives every step: the folders of the home, and where and how its process starts.

    Args:
        working: The folder that a step's process starts in, unless the step names another, from there.
        path: What `sys.path` is in a step's process.
        environment: The environment variables of a step's process.
        address: Where the blobs really are of which `blobs` has copies; empty when they are there.
        entry: What is called in a step's process, as `module:function`; see `Launch`.
        interpreter: The Python of the processes, whose path is given then; empty for this one.
        same_env: Whether a task runs in the environment that is here, True, or in one of its own; see `needs.choose`.
        environments: How those are built on this machine.
    """

    home: Path
    blobs: Path
    scratch: Path
    working: str
    path: tuple[str, ...]
    environment: dict[str, str]
    address: str = ""
    entry: str = ENTRY
    interpreter: str = ""
    same_env: bool | None = True
    environments: Environments = Environments()

    def scratch_of(self, task: str) -> Path:
        """Return the folder for files that an attempt needs while it runs."""
        return self.scratch / "tasks" / task

    def clear(self, task: str) -> None:
        """Remove that folder: what the attempt made of it is stored, or it is nothing."""
        shutil.rmtree(self.scratch_of(task), ignore_errors=True)


class Prepared(Struct, frozen=True, kw_only=True):
    """An attempt, ready to be recorded and started.

    Args:
        arguments: What the step is called with; of a step that runs a script, the parameters that it overrides.
        references: What each reference in them turned out to be, under its text.
        settings: Its parameters that are no arguments, by `Section/name`: the step may read them.
        stamps: Of the blobs among its inputs that this run has written, by hash.
        inputs: Artifacts that hold arguments, beside those of the run, by the name that `arguments` gives them.
        returns: Names of what its function returns.
        by_path: Whether the arguments go by `Section/name`, to a script, and not by name to a function.
    """

    new: NewTask
    arguments: dict[str, Argument]
    references: dict[str, Resolved]
    settings: dict[str, object] = {}
    stamps: dict[str, Stamp] = {}
    inputs: dict[str, Artifact] = {}
    returns: tuple[str, ...] = ()
    by_path: bool = False


def prepare(
    pipeline: Pipeline, run: Task, step: Step, lookup: Lookup, stamps: Mapping[str, Stamp] | None = None
) -> Prepared:
    """Look the step's references up and return the task to record.

    Raises:
        NotFound, BadReference: A reference turns out to name nothing.
    """
    references = {ref.text: lookup.resolve(ref) for argument in step.arguments.values() for ref in argument.refs()}
    tags = (f"pipe: {run.id}",) if pipeline.add_pipeline_tags else ()
    new = NewTask(
        id="",
        name=step.task_name or step.name,
        project=place_of(step, pipeline, run, pipeline.project),
        type=step.task_type,
        user=run.user,
        tags=(*step.tags, *tags),
        script=pipeline.code[step.code],
        container=step.container,
        queue=queue_of(step, pipeline, lookup),
        output_uri=step.output_uri or pipeline.output_uri,
        parameters=tuple(_parameter(name, one, references, run.id) for name, one in step.arguments.items()),
        runtime={RETURNS: json.dumps(step.returns)} if step.returns else {},
    )
    hashes = {found.artifact.hash for found in references.values() if found.artifact is not None}
    known = {hash: taken for hash, taken in (stamps or {}).items() if hash in hashes}
    return Prepared(new=new, arguments=step.arguments, references=references, stamps=known, returns=step.returns)


def as_given(parameters: Mapping[str, object]) -> dict[str, object]:
    """Return parameters that a user's function filled in as a step can be given them.

    Raises:
        Invalid: A name is no text, or a value is not plain.
    """
    found: dict[str, object] = {}
    for path, value in cast("Mapping[object, object]", parameters).items():
        if not isinstance(path, str):
            raise Invalid(f"a parameter's name is a text, not a {type(path).__name__}")
        try:
            found[path] = _as_given(value, path)
        except RecursionError:
            raise Invalid(f"parameter {path!r} is nested too deeply, or holds itself") from None
    return found


def _as_given(value: object, name: str) -> object:
    if isinstance(value, float):
        return float(value)  # also what is no number: only its record cannot hold that
    if isinstance(value, list | tuple):
        return [_as_given(item, name) for item in cast("list[object]", value)]
    if isinstance(value, dict):
        items = cast("dict[object, object]", value)
        if not all(isinstance(key, str) for key in items):
            raise Invalid(f"parameter {name!r} cannot hold a dict whose keys are no texts")
        return {str(key): _as_given(item, name) for key, item in items.items()}
    return plain(value, name)


def differs(value: object, other: object) -> bool:
    """Return whether a step can tell two plain values apart: 1, 1.0 and True are three."""
    return type(value) is not type(other) or repr(value) != repr(other)


def changed(
    arguments: Mapping[str, Argument],
    before: Mapping[str, object],
    after: Mapping[str, object],
    *,
    by_path: bool = False,
) -> dict[str, Argument]:
    """Return the arguments of a draft whose parameters may have been changed.

    Args:
        before, after: Its parameters by `Section/name`, as they were and as they are; their values are plain.
        by_path: Whether the arguments go by `Section/name`, too.

    Raises:
        Invalid: A parameter that was changed names an artifact.
    """
    found = dict(arguments)
    for path, value in after.items():
        section, _, name = path.partition("/")
        if path in before and not differs(value, before[path]):
            continue
        if by_path:
            found[path] = Argument(value=cast("Json", refs.quote(value)))
            continue
        if section == "kwargs_artifacts":
            raise Invalid(f"{path} names an artifact, and cannot be changed", hint="change plain arguments: kwargs/...")
        if section == "kwargs":
            found[name] = Argument(value=cast("Json", refs.quote(value)))
    return found


def parameter(path: str, value: object) -> Parameter:
    """Return what is recorded of a parameter that somebody sets by its `Section/name`.

    Raises:
        Invalid: It has no section, or its value is not plain.
    """
    section, slash, name = path.partition("/")
    if not (section and slash and name):
        raise Invalid(f"{path!r} is not of the form section/name", hint="for an argument of the function: kwargs/name")
    kind = "" if value is None else type(value).__name__
    return Parameter(section=section, name=name, value=held(value, name), type=kind)


def assignment(
    pipeline: Pipeline, run: Task, step: Step, prepared: Prepared, inputs: Mapping[str, Artifact]
) -> Assignment:
    """Return what an attempt is given that an agent carries out."""
    needed = [one.artifact for one in prepared.arguments.values() if one.artifact is not None]
    known = {**inputs, **prepared.inputs}
    return Assignment(
        arguments={} if prepared.by_path else prepared.arguments,
        inputs={name: known[name] for name in needed},
        references=prepared.references,
        returns=prepared.returns,
        connect=step.connect,
        time_limit=step.time_limit,
        working=run.runtime.get(WORKING, ""),
        folder=run.runtime.get(FOLDER, ""),
        serializer=pipeline.code[pipeline.serializer] if pipeline.serializer else None,
        deserializer=pipeline.code[pipeline.deserializer] if pipeline.deserializer else None,
    )


def start(
    task: Task,
    given: Assignment,
    place: Surroundings,
    stamps: Mapping[str, Stamp] | None = None,
    secrets: Secrets | None = None,
) -> Launch:
    """Return what starts the process of an attempt, wherever it was assigned.

    Args:
        stamps: Of the blobs among its inputs that this very process knows, by hash.
        secrets: Those that it needs, by their seals.

    Raises:
        NotFound: The folder that it is to work in is not there, or a secret is not.
    """
    must_have(secrets or {}, seals(to_builtins([given.arguments, given.references])), task.step or task.name)
    is_function = task.script.kind is ScriptKind.FUNCTION
    inside = task.script.working_dir if is_function else None  # a script's own lies where it is checked out
    folder = os.path.join(place.working, inside or "")  # noqa: PTH118 - an absolute one wins
    if not os.path.isdir(folder):  # noqa: PTH112 - it is a text
        raise NotFound(f"the working folder {folder!r} of step {task.step or task.name!r} is not there")
    spec = AttemptSpec(
        task=task,
        file=str(write_script(task.script, script_key(task.script), place.scratch)) if is_function else "",
        arguments=given.arguments,
        inputs=given.inputs,
        references=given.references,
        stamps=dict(stamps or {}),
        returns=given.returns,
        home=str(place.home),
        blobs=str(place.blobs),
        address=place.address,
        scratch=str(place.scratch_of(task.id)),
        cache=str(place.home / "cache"),
        connect=given.connect,
        secrets=dict(secrets or {}),
        serializer=given.serializer,
        deserializer=given.deserializer,
    )
    return Launch(
        key=task.id,
        payload=encode(spec),
        cwd=folder,
        environment={**place.environment, "PENSTOCK_HOME": str(place.home), "PENSTOCK_TASK_ID": task.id},
        path=place.path,
        entry=place.entry,
        time_limit=given.time_limit,
    )


def must_have(secrets: Secrets, needed: set[str], step: str) -> None:
    """Raise NotFound when one of the secrets that a step needs is not at hand; the message names no secret."""
    if needed - secrets.keys():
        raise NotFound(
            f"step {step!r} is given a secret that its run does not have",
            hint="give it to the run itself, as a parameter: penstock launch RUN --secret NAME",
        )


def write_script(script: Script, key: str, scratch: Path) -> Path:
    """Write the script where tracebacks, debuggers and processes that the step starts find it; return the file.

    Scripts are kept under the hash of their content, so a file that is there is the right one.

    Raises:
        Invalid: The entry point is no function's name, and might lead elsewhere.
        DiskFull: It cannot be written.
    """
    if not script.entry_point.isidentifier():
        raise Invalid(f"{script.entry_point!r} is not the name of a function", hint="correct the task's entry point")
    file = scratch / "code" / key / f"{script.entry_point}.py"
    if not file.exists():
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = file.with_name(f".{file.name}.{os.getpid()}")
            part.write_text(script.source, "utf-8", errors="surrogatepass")
            part.replace(file)
        except OSError as error:
            raise DiskFull(
                f"cannot write {file}: {error.strerror}", hint="free some space, or set PENSTOCK_HOME"
            ) from error
    return file


def place_of(step: Step, pipeline: Pipeline, run: Task, otherwise: str) -> str:
    """Return the project of a step's task.

    Args:
        otherwise: Where it lies when the pipeline says that it does not lie with the run.
    """
    if step.project:
        return step.project
    return run.project if pipeline.target_project is None else pipeline.target_project or otherwise


def queue_of(step: Step, pipeline: Pipeline, lookup: Lookup) -> str | None:
    """Return the queue that a step names, or its pipeline."""
    queue = step.queue or pipeline.default_queue
    if queue is None:
        return None
    return str(refs.resolve(queue, lambda reference: lookup.resolve(reference).value))


def _parameter(name: str, argument: Argument, references: Mapping[str, Resolved], run: str) -> Parameter:
    """Return what is recorded of an argument: its value, or which artifact it is."""
    if argument.artifact is not None:
        return Parameter(section="kwargs_artifacts", name=name, value=f"{run}.{argument.artifact}", type="str")

    def lookup(reference: refs.Ref) -> object:
        found = references[reference.text]
        return found.value if found.artifact is None else f"{found.artifact.task}.{found.artifact.name}"

    value = plain(refs.resolve(argument.value, lookup, lambda reference: references[reference.text].text), name)
    whole = references.get(argument.value) if isinstance(argument.value, str) else None
    section = "kwargs_artifacts" if whole is not None and whole.artifact is not None else "kwargs"
    kind = "" if value is None else SECRET if is_seal(value) else type(value).__name__
    return Parameter(section=section, name=name, value=value, type=kind)
