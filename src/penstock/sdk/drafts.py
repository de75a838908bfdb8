"""Runs that are recorded and have not begun: made from a script or from another run, found again, carried out."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping

import msgspec

from penstock.backend import Backend
from penstock.core.errors import Conflict, Invalid, NotFound
from penstock.core.overrides import StepOverride
from penstock.core.parameters import cast, held
from penstock.core.pipeline import Pipeline
from penstock.core.run import DEFINITION, VERSION, Run, edited_definition
from penstock.core.secret import SECRET, Secret, is_masked
from penstock.core.tags import TagFilter
from penstock.core.task import Container, Json, Parameter, Script
from penstock.core.version import Version
from penstock.core.version import key as in_order
from penstock.ops.launches import LaunchRun
from penstock.ops.lifecycle import Copied
from penstock.ops.reruns import DraftRerun
from penstock.ops.runs import CloneRun, CreateRun, FindRun, GetRun, ListRuns
from penstock.ops.tasks import GetConfigurations, GetParameters, NewTask
from penstock.sdk import session
from penstock.sdk.local_agent import LocalAgent
from penstock.settings import environment

EVERY_RUN = 1_000_000  # a limit that no home reaches


def create(
    project: str,
    name: str,
    script: Script,
    image: Container | None,
    parameters: tuple[Parameter, ...],
    version: str | None,
) -> Run:
    """Record a draft run of a pipeline whose script has not run."""
    if version is not None:
        Version.parse(version)
    new = NewTask(
        id=uuid.uuid4().hex,
        name=name,
        project="",
        user=session.settings().user,
        script=script,
        container=image,
        parameters=parameters,
        runtime={} if version is None else {VERSION: version},
    )
    return session.backend().call(CreateRun(pipeline=name, project=project, task=new))


def clone(
    source: str,
    name: str | None = None,
    comment: str | None = None,
    parent: str | None = None,
    project: str | None = None,
    version: str | None = None,
) -> Run:
    """Record a draft run like another run; see `PipelineController.clone`."""
    if version is not None:
        Version.parse(version)
    wanted = Copied(
        id=uuid.uuid4().hex,
        name=name,
        project=project,
        parent=parent,
        comment=comment,
        user=session.settings().user,
    )
    return session.backend().call(CloneRun(source=source, clone=wanted, version=version))


def rerun(source: str, values: Mapping[str, object] | None, from_step: str | None, only: str | None) -> Run:
    """Record a draft run that does a run anew, in part; see `PipelineController.rerun`."""
    backend = session.backend()
    run = backend.call(FindRun(text=source)).id
    parameters, secrets = told_apart(backend, run, values or {})
    op = DraftRerun(
        id=uuid.uuid4().hex,
        source=run,
        parameters=parameters,
        secrets=secrets,
        from_step=from_step,
        only=only,
        user=session.settings().user,
    )
    return backend.call(op).run


def launch(source: str, values: Mapping[str, object] | None, given: Mapping[str, object]) -> Run:
    """Record a new run of what a run did, and let it wait for an agent; see `PipelineController.launch`.

    Args:
        given: Further fields of the operation.
    """
    backend, settings = session.backend(), session.settings()
    found = backend.call(FindRun(text=source)).id
    parameters, secrets = told_apart(backend, found, values or {})
    op = LaunchRun(
        id=uuid.uuid4().hex,
        source=found,
        parameters=parameters,
        secrets=secrets,
        user=settings.user,
        steps=_overrides(given.get("steps") or {}),
        **{name: value for name, value in given.items() if value is not None and name != "steps"},  # type: ignore[arg-type]
    )
    run = backend.call(op)
    LocalAgent(backend, settings).start()
    return run


def told_apart(backend: Backend, run: str, values: Mapping[str, object]) -> tuple[dict[str, Json], dict[str, Secret]]:
    """Return values for the parameters of a run: those that are plain, and those of its secrets, which go apart.

    Raises:
        BadParameter: A parameter cannot hold the value.
    """
    if not values:
        return {}, {}
    known = {one.name: one for one in backend.call(GetParameters(task=run)) if one.type == SECRET}
    secrets = {name: Secret(str(cast(known[name], value) or "")) for name, value in values.items() if name in known}
    kept = {name: one for name, one in secrets.items() if not is_masked(one.text)}
    return {name: held(value, name) for name, value in values.items() if name not in known}, kept


def _overrides(given: object) -> dict[str, StepOverride]:
    """Return what is asked of single steps.

    Raises:
        Invalid: It is not said by `queue` and `cache`.
    """
    try:
        return msgspec.convert(given, dict[str, StepOverride])
    except msgspec.ValidationError as error:
        hint = 'write steps={"train": {"queue": "gpu", "cache": False}}'
        raise Invalid(f"steps= does not say what is other for single steps: {error}", hint=hint) from None


def find(id: str | None, project: str | None, name: str | None, version: str | None, tags: Iterable[str] | None) -> Run:
    """Return the run that is meant: by its id, or the newest of the highest version that fits all the rest.

    Raises:
        Invalid: There is none, or nothing says which.
    """
    backend = session.backend()
    if id is not None:
        if project is not None or name is not None:
            raise Invalid("a pipeline is found by pipeline_id, or by pipeline_project and pipeline_name")
        try:
            return backend.call(GetRun(id=id)).run
        except NotFound:
            raise Invalid(f"could not find pipeline with pipeline_id={id!r}") from None
    if name is None and project is None and not tags:
        raise Invalid("nothing says which pipeline", hint="give pipeline_id, or pipeline_project and pipeline_name")
    wanted = TagFilter.of(tags or ())
    found = [
        run
        for run in backend.call(ListRuns(pipeline=name, project=project, archived=False, limit=EVERY_RUN))
        if (version is None or version_of(run) == version) and wanted.fits(run.task.tags)
    ]
    if not found:
        asked = {"pipeline_project": project, "pipeline_name": name, "pipeline_version": version}
        said = ", ".join(f"{word}={value!r}" for word, value in asked.items() if value is not None)
        raise Invalid(f"could not find pipeline with {said or f'tags {list(tags or ())}'}")
    return max(found, key=lambda run: in_order(version_of(run) or "0"))  # of equal ones the first, which is the newest


def version_of(run: Run) -> str | None:
    """Return the version that a run has, or is to get."""
    return run.version or run.task.runtime.get(VERSION)


def stored_definition(backend: Backend, run: str) -> Pipeline:
    """Return what a draft will carry out, as people may have edited it.

    Raises:
        Invalid: What they left is no definition.
    """
    found = {one.name: one.text for one in backend.call(GetConfigurations(task=run))}
    if DEFINITION not in found:
        return backend.call(GetRun(id=run)).definition
    return edited_definition(found[DEFINITION], run, "correct it, or clone the run again")


def carry_out(run: Run) -> None:
    """Carry out a draft by its script, in a process of its own, and return when it has ended.

    Raises:
        Conflict: It could not be begun; the process has said why.
    """
    command = [sys.executable, "-m", "penstock", "execute", run.id]
    variables = {**environment(), "PENSTOCK_HOME": str(session.settings().home)}
    ended = subprocess.run(command, env=variables, check=False)
    if session.backend().call(GetRun(id=run.id)).run.number == 0:
        raise Conflict(f"run {run.task.name!r} did not begin: its script left with code {ended.returncode}")
