"""`PipelineController`: how a user defines a pipeline and runs it.

The names, arguments and defaults are those that ClearML's documentation made known; where that documentation and its
implementation differ, this one does what is documented. Rules live in `core`, the run itself in `run`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from msgspec.structs import replace

from penstock.core import version as versions
from penstock.core.errors import BadParameter, Conflict, Invalid
from penstock.core.names import did_you_mean
from penstock.core.parameters import Declared, cast, choices, choose, restore, type_name
from penstock.core.pipeline import Pipeline, Step, duplicate, script_key
from penstock.core.progress import StepStatus
from penstock.core.rerun import PlannedStep
from penstock.core.run import BUMPED, UNNUMBERED, VERSION, Run, RunDetail, StepState
from penstock.core.secret import SECRET, is_seal
from penstock.core.task import Parameter, Script, Status
from penstock.ops.reruns import GetRerun
from penstock.ops.runs import DefineRun, GetRun
from penstock.ops.steps import GetStep
from penstock.ops.tasks import DescribeTask, GetParameters, SetParameters
from penstock.run import interactive
from penstock.run.callbacks import is_calling
from penstock.sdk import artifacts, drafts, launched, local, output_model, session
from penstock.sdk import node as nodes
from penstock.sdk.begin import Begin, StartOptions, find_resumed
from penstock.sdk.callbacks import ForAll, callbacks, for_every_step
from penstock.sdk.function import standalone
from penstock.sdk.given import container, requirements, time_limit, words
from penstock.sdk.logger import Logger
from penstock.sdk.models import Model
from penstock.sdk.on_run import OnRun
from penstock.sdk.steps import Function, NewStep, Retry, new_step
from penstock.sdk.task import Task
from penstock.sdk.task.main import Written
from penstock.sdk.task.making import arguments, script_of, wanted
from penstock.sdk.task_steps import new_task_step

if TYPE_CHECKING:
    from penstock.run.controller import Controller
    from penstock.run.storage import Serializer

OVER = frozenset({StepStatus.COMPLETED, StepStatus.CACHED, StepStatus.FAILED, StepStatus.ABORTED, StepStatus.SKIPPED})
GOOD = frozenset({StepStatus.COMPLETED, StepStatus.CACHED, StepStatus.SKIPPED})


class PipelineController:
    """A pipeline: parameters, steps, and a run of them.

    Making one records one task of type `controller`, in the hidden project `<project>/.pipelines/<name>`. Steps are
    added, then `start_locally(run_pipeline_steps_locally=True)` runs them on this machine and returns when they ended.

    Args:
        name: Name of the pipeline and of its run; the second run is called `name #2`, and so on.
        project: Project of the pipeline; made when it is not there.
        version: A version such as `1.2.3`; None chooses the next one after those that ran.
        pool_frequency: Accepted for compatibility; runs are driven by events and poll nothing.
        add_pipeline_tags: Whether each step's task gets the tag `pipe: <id of the run>`.
        target_project: Project of the steps' tasks: True for that of the run, a name, or a false value for `project`.
        auto_version_bump: Whether a version that already ran with other code is raised.
        abort_on_failure: Whether the first step that fails stops the others.
        add_run_number: Whether later runs get ` #N` behind their name.
        retry_on_failure: How often a failed step is tried again, or a function `(pipeline, node, retries) -> bool`;
            for the steps that do not say it themselves.
        docker, docker_args, docker_bash_setup_script, packages, repo, repo_branch, repo_commit, working_dir:
            Recorded for the controller's own task; they act where an agent runs it.
        always_create_from_code: Whether a draft or a clone of this pipeline is built by its script anew when it is
            started. When False it follows the definition that is stored with it, as people may have edited it.
        artifact_serialization_function: Turns a step's input or output into bytes, instead of its type's own format.
        artifact_deserialization_function: Turns those bytes back.
        output_uri: Where copies of artifacts and models are sent, for the steps that do not say it themselves: a
            folder, or a URL such as `s3://bucket/folder`.
        skip_global_imports: Whether the module's own imports are left out of the steps' code.
        enable_local_imports: Whether steps may import modules from the folder of this script.

    Raises:
        BadVersion: The version is none.
        NotStandalone: A serialization function cannot be taken out of its module.
    """

    Node = nodes.Node

    def __init__(
        self,
        name: str,
        project: str,
        version: str | None = None,
        pool_frequency: float = 0.2,
        add_pipeline_tags: bool = False,
        target_project: str | bool | None = True,
        auto_version_bump: bool | None = None,
        abort_on_failure: bool = False,
        add_run_number: bool = True,
        retry_on_failure: int | Retry | None = None,
        docker: str | None = None,
        docker_args: str | None = None,
        docker_bash_setup_script: str | None = None,
        packages: bool | str | Iterable[str] | None = None,
        repo: str | None = None,
        repo_branch: str | None = None,
        repo_commit: str | None = None,
        always_create_from_code: bool = True,
        artifact_serialization_function: Serializer | None = None,
        artifact_deserialization_function: Serializer | None = None,
        output_uri: str | bool | None = None,
        skip_global_imports: bool = False,
        working_dir: str | None = None,
        enable_local_imports: bool = True,
    ) -> None:
        _ = pool_frequency
        name = name or project or time.strftime("%Y-%m-%d %H:%M:%S")
        if version is not None:
            versions.Version.parse(version)
        self._version = version
        self._auto_version_bump = auto_version_bump
        self._add_run_number = add_run_number
        self._default_retry = retry_on_failure
        self._skip_global_imports = skip_global_imports
        self._enable_local_imports = enable_local_imports
        self._serializer = artifact_serialization_function
        self._definition = Pipeline(
            name=name,
            project=project,
            target_project=_target_project(target_project),
            add_pipeline_tags=add_pipeline_tags,
            abort_on_failure=abort_on_failure,
            output_uri=output_uri if isinstance(output_uri, str) else None,
            from_code=always_create_from_code,
            **_serialization(artifact_serialization_function, artifact_deserialization_function),
        )
        self._prepare()
        script = local.controller_script(requirements(packages), repo, repo_branch, repo_commit, working_dir)
        image = container(docker, docker_args, docker_bash_setup_script)
        self._run: Run = local.record(self._backend, self._settings, self._definition, script, image)

    def _prepare(self) -> None:
        self._steps: dict[str, Step] = {}
        self._code: dict[str, Script] = dict(self._definition.code)
        self._parameters: dict[str, Parameter] = {}
        self._sections: dict[str, str] = {}  # of parameters that are in another one than Args
        self._functions: dict[str, Mapping[str, Function]] = {}
        self._for_all = ForAll()
        self._controller: Controller | None = None
        self._is_stored = False
        self._settings = session.settings()
        self._backend = session.open_backend(self._settings)

    @classmethod
    def _of(cls, run: Run) -> Self:
        """Return the pipeline of a run that is recorded."""
        self = cls.__new__(cls)
        detail = session.backend().call(GetRun(id=run.id))
        stored = drafts.stored_definition(session.backend(), run.id) if not run.number else detail.definition
        self._version = drafts.version_of(run)
        self._auto_version_bump = BUMPED in run.task.runtime or None
        self._add_run_number = UNNUMBERED not in run.task.runtime
        self._default_retry = None
        self._skip_global_imports = False
        self._enable_local_imports = True
        self._serializer = None
        self._definition = replace(stored, steps=(), parameters=())
        self._prepare()
        self._is_stored = True
        self._run = run
        self._steps = {step.name: step for step in stored.steps}
        found = self._backend.call(GetParameters(task=run.id))
        declared = {one.path for one in stored.parameters}
        self._parameters = {one.name: one for one in found if one.section == "Args" or one.path in declared}
        return self

    @classmethod
    def create(
        cls,
        project_name: str,
        task_name: str,
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
        force_single_script_file: bool = False,
        version: str | None = None,
        add_run_number: bool = True,
        binary: str | None = None,
        module: str | None = None,
        detect_repository: bool = True,
    ) -> Self:
        """Record a draft run of a pipeline from its script, which is not run yet, and return it.

        Args:
            project_name, task_name: Project and name of the pipeline, as its script gives them.
            version: The version that the run is to get; `1.0.0` when there is none.
            argparse_args: Pairs of a parameter of the pipeline and its value.
            repo, branch, commit, script, working_directory, packages, requirements_file, docker, docker_args,
            docker_bash_setup_script, force_single_script_file, binary, module, detect_repository: As in `Task.create`.
            add_run_number: Accepted for compatibility; the script says it.

        Raises:
            Invalid: There is no such file, or nothing says what to run.
            BadVersion: The version is none.
        """
        _ = add_run_number
        image = container(docker, docker_args, docker_bash_setup_script)
        script_ = script_of(wanted(locals()))
        made = drafts.create(project_name, task_name, script_, image, arguments(argparse_args), version or "1.0.0")
        return cls._of(made)

    @classmethod
    def clone(
        cls,
        pipeline_controller: PipelineController | str,
        name: str | None = None,
        comment: str | None = None,
        parent: str | None = None,
        project: str | None = None,
        version: str | None = None,
    ) -> Self:
        """Record a draft run that is asked to do what another run was, and return it.

        Args:
            pipeline_controller: The pipeline, or the id of its run.
            name, project: Another pipeline that the draft shall belong to.
            comment, parent: Of the draft.
            version: The version that it is to get; the next one when there is none.

        Raises:
            NotFound: There is no such run.
            BadVersion: The version is none.
        """
        return cls._of(drafts.clone(_id_of(pipeline_controller), name, comment, parent, project, version))

    @classmethod
    def rerun(
        cls,
        run: PipelineController | str,
        parameters: Mapping[str, object] | None = None,
        from_step: str | None = None,
        only: str | None = None,
    ) -> Self:
        """Record a draft run that does anew what a run did, and reuses of it what does not depend on a change.

        What it will do with each step, and why, is its `rerun_plan`. `start_locally()` carries it out.

        Args:
            run: The pipeline, or its run: an id, a name such as `iris #3`, or `last`.
            parameters: Other values for the pipeline's parameters.
            from_step: A step that runs anew whatever has changed, with all that build on it.
            only: A step that runs anew whatever has changed; of the others only those run that it needs.

        Raises:
            NotFound: There is no such run or step.
            BadParameter: It has no such parameter, or the value does not fit its type.
            Conflict: The run was never started, goes on still, or is archived.
        """
        return cls._of(drafts.rerun(_id_of(run), parameters, from_step, only))

    @classmethod
    def launch(
        cls,
        run: PipelineController | str,
        parameters: Mapping[str, object] | None = None,
        queue: str = "services",
        tags: Iterable[str] | None = None,
        name: str | None = None,
        steps: Mapping[str, Mapping[str, object]] | None = None,
        use_cache: bool = True,
        reuse: bool = False,
        from_step: str | None = None,
        only: str | None = None,
    ) -> Self:
        """Record a new run of what a run did, and put it into a queue, for an agent to carry it out; return it.

        The run itself stays as it is. `wait()` waits for the new one's end.

        Args:
            run: The pipeline, or its run: an id, a name such as `iris #3`, or `last`.
            parameters: Other values for the pipeline's parameters.
            queue: Where it waits. Its steps go where its script sends them, but for `steps`.
            tags: Its tags; None for those of the run.
            name: What it is called; None for the name of the pipeline, with its number.
            steps: What is other for single steps, by name: `{"train": {"queue": "gpu", "cache": False}}`.
            use_cache: Whether equal executions may stand for steps that allow it.
            reuse: Whether to reuse of the run what does not depend on a change, as `rerun` does.
            from_step, only: As in `rerun`; each implies `reuse`.

        Raises:
            NotFound: There is no such run, step or queue.
            BadParameter: It has no such parameter, or the value does not fit.
            Conflict: Its script is not recorded; or the run goes on still, or is archived, and would be reused.
        """
        asked = {
            "queue": queue,
            "tags": None if tags is None else tuple(tags),
            "name": name,
            "steps": steps or None,
            "cache": use_cache,
            "reuse": reuse,
            "from_step": from_step,
            "only": only,
        }
        return cls._of(drafts.launch(_id_of(run), parameters, asked))

    @classmethod
    def get(
        cls,
        pipeline_id: str | None = None,
        pipeline_project: str | None = None,
        pipeline_name: str | None = None,
        pipeline_version: str | None = None,
        pipeline_tags: Iterable[str] | None = None,
        shallow_search: bool = False,
    ) -> Self:
        """Return a recorded run: by its id, or the newest of the highest version that fits the rest.

        Args:
            pipeline_version: Only runs of exactly this version.
            pipeline_tags: Only runs with one of these tags; `-tag` excludes.
            shallow_search: Accepted for compatibility; all runs are looked at, which takes no time.

        Raises:
            Invalid: There is none, or nothing says which.
        """
        _ = shallow_search
        return cls._of(drafts.find(pipeline_id, pipeline_project, pipeline_name, pipeline_version, pipeline_tags))

    @classmethod
    def enqueue(
        cls,
        pipeline_controller: PipelineController | str,
        queue_name: str | None = None,
        queue_id: str | None = None,
        force: bool = False,
    ) -> Task:
        """Put a draft run into a queue, for an agent to carry it out; return its task.

        Args:
            queue_name, queue_id: The queue; here both are its name.
            force: Accepted for compatibility; a run that has ended is cloned, and the clone enqueued.

        Raises:
            Invalid: No queue is named.
            BadTransition: It is no draft.
        """
        _ = force
        return Task.enqueue(_id_of(pipeline_controller), queue_name=queue_name, queue_id=queue_id)

    def create_draft(self) -> None:
        """Check the pipeline and keep it as a draft, to be started later: from here, by id, or by `clone`.

        Raises:
            BadPipeline, BadReference: The steps form no pipeline that can run.
            Conflict: It was started before.
        """
        self._must_be_draft()
        self._run = self._backend.call(DefineRun(id=self.id, definition=self._define()))
        asked = {VERSION: self._version, BUMPED: self._auto_version_bump, UNNUMBERED: not self._add_run_number}
        facts = {name: str(value) for name, value in asked.items() if value}
        self._backend.call(DescribeTask(id=self.id, runtime=facts))
        self._is_stored = True

    def add_parameter(
        self, name: str, default: object = None, description: str | None = None, param_type: object = None
    ) -> None:
        """Add a parameter of the pipeline; steps take it as `${pipeline.<name>}`.

        Args:
            name: Its name. Adding it again replaces it.
            default: Its value, unless the run is given another.
            description: What it is for.
            param_type: `str`, `int`, `float`, `bool`, `list`, `dict`, `date`, `datetime` or `Path`, as a type or its
                name; a `Literal` or an `Enum` for the only values that it may have; None takes that of the default.
                Values are turned into this type. Steps get dates and paths as texts. Of a `"secret"` nothing but its
                seal is recorded, shown or returned here; steps that are given it get the value.

        Raises:
            BadParameter: The default does not fit the type, or is nothing that a parameter can hold.
        """
        if not name or set("${}") & set(name):
            raise Invalid(f"a parameter cannot be called {name!r}", hint="leave out the characters $ { }")
        kind = type_name(param_type, default)
        section = self._sections.get(name, "Args")
        parameter = Parameter(section=section, name=name, value=None, type=kind, description=description or "")
        declared = Declared(default=cast(parameter, default), choices=choices(param_type) or choices(type(default)))
        if kind == SECRET:
            local.refuse_argument(name)
            declared = Declared()
        parameter = replace(parameter, value=choose(parameter, local.override(name, default), declared))
        stored = {one.path: one for one in self._backend.call(GetParameters(task=self.id))}
        if parameter.path in stored and name not in self._parameters:  # of a draft that is to run with other values
            parameter = replace(parameter, value=choose(parameter, stored[parameter.path].value, declared))
        self._backend.call(SetParameters(task=self.id, parameters=(parameter,)))
        self._parameters[name] = self._as_stored(parameter)
        self._definition = replace(self._definition, declared={**self._definition.declared, name: declared})

    def add_function_step(
        self,
        name: str,
        function: Function,
        function_kwargs: Mapping[str, object] | None = None,
        function_return: Iterable[str] | None = None,
        project_name: str | None = None,
        task_name: str | None = None,
        task_type: str | None = None,
        auto_connect_frameworks: Mapping[str, object] | bool | None = None,
        auto_connect_arg_parser: Mapping[str, object] | bool | None = None,
        packages: bool | str | Iterable[str] | None = None,
        repo: str | None = None,
        repo_branch: str | None = None,
        repo_commit: str | None = None,
        helper_functions: Iterable[Function] | None = None,
        docker: str | None = None,
        docker_args: str | None = None,
        docker_bash_setup_script: str | None = None,
        parents: Iterable[str] | None = None,
        execution_queue: str | None = None,
        monitor_metrics: Iterable[object] | None = None,
        monitor_artifacts: Iterable[object] | None = None,
        monitor_models: Iterable[object] | None = None,
        time_limit: float | None = None,
        continue_on_fail: bool = False,
        pre_execute_callback: Callable[..., object] | None = None,
        post_execute_callback: Callable[..., object] | None = None,
        cache_executed_step: bool = False,
        retry_on_failure: int | Retry | None = None,
        status_change_callback: Callable[..., object] | None = None,
        tags: Iterable[str] | str | None = None,
        output_uri: str | bool | None = None,
        draft: bool = False,
        working_dir: str | None = None,
        continue_behaviour: Mapping[str, bool] | None = None,
        stage: str | None = None,
    ) -> bool:
        """Add a step that calls a function in a process of its own; return True.

        Args:
            name: Unique in the pipeline; references name the step by it.
            function: A function of a module. It becomes a task of its own: its source with the imports, constants,
                classes and functions that it uses.
            function_kwargs: Arguments. A text may hold references such as `${other.result}` or `${pipeline.rate}`,
                also deep inside lists and dicts; each makes the step that it names a parent. Arguments that are left
                out keep the function's defaults.
            function_return: Names for what it returns: one takes the whole value, several take one item each.
            parents: Steps to wait for, besides those that references name.
            time_limit: Seconds that one try may run; then it is aborted.
            retry_on_failure: How often it is tried again when it fails, or a function
                `(pipeline, node, retries) -> bool`.
            continue_on_fail: Whether the run may still complete when the step fails. Its children are skipped.
            continue_behaviour: Finer: `continue_on_fail`, `continue_on_abort`, `skip_children_on_fail`,
                `skip_children_on_abort`, each True unless it is given as False.
            task_type: For example `training` or `data_processing`.
            project_name, task_name, tags, stage: Where the step's task lies, and how it is named and grouped.
            helper_functions: Functions of other modules that the source needs.
            working_dir: Folder that the process starts in, from the one that the pipeline is started in.
            monitor_metrics: Series of the step that the run takes over when the step has ended: pairs
                `(title, series)`, or pairs of such pairs to rename them.
            monitor_artifacts: Artifacts that the run takes over: names, or pairs of a name and a new one.
            monitor_models: Models that the run takes over, likewise; `name_*` is the last of these by name, `*` the
                last that was created.
            cache_executed_step: Whether an earlier execution with the same code, arguments, inputs and packages stands
                for this one; the step is then `cached`, and nothing runs.
            pre_execute_callback: `(pipeline, node, parameters)`, called before the launch. What it changes in the dict
                or at `node.job.task` reaches the step; when it returns False, the step and those below are skipped.
            post_execute_callback: `(pipeline, node)`, called once when the step has ended in any way, before its
                children start; it may change the status: `node.job.task.mark_failed()`.
            status_change_callback: `(pipeline, node, previous_status)`, called whenever the status changes.
            packages, repo, repo_branch, repo_commit, docker, docker_args,
            docker_bash_setup_script, execution_queue, draft: Recorded.
            output_uri: Where copies of its artifacts and models are sent; their URLs are those of the copies.
            auto_connect_frameworks: What is recorded of known libraries by itself, as in `Task.init`.
            auto_connect_arg_parser: Whether a command line that the function reads is recorded.

        Raises:
            BadPipeline: The name is taken or reserved.
            NotStandalone: The function cannot be made a task of its own.
            BadReference: A reference cannot be read.
            NotSerializable: The value of an argument cannot be stored.
            Invalid: Another argument makes no sense; the message names it.
        """
        given = dict(locals())
        del given["self"], given["name"], given["function"]
        self._must_be_draft()
        if name in self._steps:
            raise duplicate(name)
        new = new_step(
            name, function, given, skip_global_imports=self._skip_global_imports, default_retry=self._default_retry
        )
        self._add(new)
        return True

    def add_step(
        self,
        name: str,
        base_task_id: str | None = None,
        parents: Iterable[str] | None = None,
        parameter_override: Mapping[str, object] | None = None,
        configuration_overrides: Mapping[str, str | Mapping[str, object]] | None = None,
        task_overrides: Mapping[str, object] | None = None,
        execution_queue: str | None = None,
        monitor_metrics: Iterable[object] | None = None,
        monitor_artifacts: Iterable[object] | None = None,
        monitor_models: Iterable[object] | None = None,
        time_limit: float | None = None,
        base_task_project: str | None = None,
        base_task_name: str | None = None,
        clone_base_task: bool = True,
        continue_on_fail: bool = False,
        pre_execute_callback: Callable[..., object] | None = None,
        post_execute_callback: Callable[..., object] | None = None,
        cache_executed_step: bool = False,
        base_task_factory: Callable[[nodes.Node], Task] | None = None,
        retry_on_failure: int | Retry | None = None,
        status_change_callback: Callable[..., object] | None = None,
        recursively_parse_parameters: bool = False,
        output_uri: str | bool | None = None,
        continue_behaviour: Mapping[str, bool] | None = None,
        stage: str | None = None,
    ) -> bool:
        """Add a step that carries out a recorded task again; return True.

        A clone of the task is made, changed as the arguments say, and run: its script from its repository, at the
        commit and with the changes that were recorded, or from its recorded text. The task itself stays as it is.

        Args:
            name: Unique in the pipeline; references name the step by it.
            base_task_id: Id of the task.
            base_task_project, base_task_name: Its project and name instead; of several the newest that did not fail.
            base_task_factory: A function `(node) -> Task` instead, which makes the task when the step is launched; that
                task is carried out itself.
            clone_base_task: Whether a clone is carried out. When False the task itself is, once, while it is a draft;
                from then on it belongs to the run.
            parameter_override: Parameters that are other this time, by `Section/name`. A text may hold references such
                as `${other.artifacts.data.url}` or `${pipeline.rate}`; each makes the step that it names a parent.
            recursively_parse_parameters: Whether references inside lists and dicts count too.
            configuration_overrides: Configuration objects that are other this time: a text, or a dict that becomes
                JSON. References to steps and the pipeline in them count; any other `${...}` stays as it is written.
            task_overrides: Other facts that are other this time, for example `{"script.branch": "main"}`,
                `script.version_num`, `script.diff`, `script.entry_point`, `script.requirements.pip`, `container.image`,
                `project`, `name`; also as nested dicts.
            parents, monitor_metrics, monitor_artifacts, monitor_models, time_limit, continue_on_fail,
            continue_behaviour, pre_execute_callback, post_execute_callback, status_change_callback,
            cache_executed_step, retry_on_failure, stage: As in `add_function_step`.
            execution_queue: Recorded with the step's task.
            output_uri: Where copies of its artifacts and models are sent; that of the base task when there is none.

        Raises:
            BadPipeline: The name is taken or reserved.
            Invalid: There is no such task, or an argument makes no sense; the message names it.
            BadReference: A reference cannot be read.
        """
        given = dict(locals())
        del given["self"], given["name"]
        self._must_be_draft()
        if name in self._steps:
            raise duplicate(name)
        self._add(new_task_step(name, given, self._backend, self._default_retry))
        return True

    def _add(self, new: NewStep) -> None:
        name = new.step.name
        for argument, value in new.values.items():
            artifacts.record_as_is(self.id, f"{name}.{argument}", value, self._serializer)
        self._steps[name] = new.step
        self._code.setdefault(new.step.code, new.script)
        self._functions[name] = new.functions

    def set_default_execution_queue(self, default_execution_queue: str | None) -> None:
        """Set the queue of the steps that name none."""
        self._definition = replace(self._definition, default_queue=default_execution_queue)

    def set_pipeline_execution_time_limit(self, max_execution_minutes: float | None) -> None:
        """Set for how many minutes a run may go; then it is stopped. None or 0 sets no limit.

        Raises:
            Invalid: It is no number from 0.
        """
        whose = f"pipeline {self._definition.name!r}"
        limit = None if max_execution_minutes == 0 else time_limit(whose, max_execution_minutes, "minutes")
        self._definition = replace(self._definition, time_limit=limit and limit * 60)

    def start_locally(self, run_pipeline_steps_locally: bool = False, resume: str | None = None) -> None:
        """Run the pipeline from this process and return when it has ended. A step that fails raises nothing here.

        Args:
            run_pipeline_steps_locally: Whether the steps run here too, each in a process of its own. Else they wait in
                queues, for agents to carry them out: in that which they name, else in the pipeline's default one. Where
                nothing else is set up, an agent is started here when none lives.
            resume: A run of this very pipeline that goes on, instead of a new one: its id, its name or `last`. Steps
                that completed stay as they are, all others are tried again.

        Raises:
            BadPipeline: The steps form no pipeline that can run: nothing has been started.
            BadReference: A reference names nothing: nothing has been started.
            Invalid: A step names no queue, and the pipeline has no default one: nothing has been started.
            NotFound: A step names a queue that is not there: nothing has been started.
            Conflict: It was started before, the run to resume is not one that can go on, or a step has callbacks of a
                script that is not this one.
        """
        self._must_be_draft()
        if self._is_stored and self._definition.from_code and resume is None:
            self._carry_out()
            return
        self._run_here(resume, on_queues=not run_pipeline_steps_locally)

    def start(
        self,
        queue: str | None = "services",
        step_task_created_callback: Callable[[PipelineController, nodes.Node, dict[str, object]], object] | None = None,
        step_task_completed_callback: Callable[[PipelineController, nodes.Node], object] | None = None,
        wait: bool = True,
        exit_process: bool = True,
    ) -> bool:
        """Have an agent carry the run out: put it into a queue, and leave this process with exit code 0.

        The agent runs this very script again; there, this call carries the run out, puts each step into the queue that
        it names (else the pipeline's default one), and returns when the run has ended. What stands behind it in the
        script is done there alone.

        Args:
            queue: The queue of the run; None leaves it a draft.
            step_task_created_callback: Called as `(pipeline, node, parameters)` before each attempt waits; False skips
                the step.
            step_task_completed_callback: Called as `(pipeline, node)` when a step has ended.
            wait: Accepted for compatibility; where the run is carried out, this returns when it has ended.
            exit_process: Whether to leave this process. Without, this returns, and `wait()` waits for the run's end.

        Returns:
            True.

        Raises:
            BadPipeline, BadReference: The steps form no pipeline that can run: nothing has been started.
            Invalid: A step names no queue, and the pipeline has no default one: nothing has been started.
            NotFound: This queue, or that of a step, is not there: nothing has been started.
            Conflict: It was started before.
        """
        _ = wait
        self._must_be_draft()
        given = launched.get()
        if given is not None and given.carries:
            self._for_all = ForAll(created=step_task_created_callback, completed=step_task_completed_callback)
            self._run_here(None, on_queues=True)
            return True
        Begin(self._backend, self._settings, self._start_options()).enqueue(self.id, self._define(), queue)
        self._is_stored = True
        if given is not None:
            given.left.append(self.id)
        local.tell_where(self._run, queue)
        if exit_process and not interactive.cells(sys.modules.get("__main__")):
            sys.exit(0)
        return True

    def _run_here(self, resume: str | None, *, on_queues: bool) -> None:
        """Carry the run out in this process."""
        definition = self._define()
        local.refuse_lost_functions(self._steps, self._functions)
        begin = Begin(self._backend, self._settings, self._start_options(on_queues=on_queues))
        going_on = find_resumed(self._backend, definition, resume)
        started = begin.go_on(going_on, definition, self._run.id) if going_on else begin.start(self._run.id, definition)
        self._controller, self._run, self._steps = started.controller, started.run, started.steps
        try:
            self._run = self._controller.run()
        finally:
            self._controller = None

    def _carry_out(self) -> None:
        """Let the script build the pipeline anew, with the values that the draft has by now."""
        self._store_parameters()
        drafts.carry_out(self._run)
        self._run = self._detail().run
        self._parameters = {one.name: one for one in self._detail().definition.parameters}

    def _as_stored(self, parameter: Parameter) -> Parameter:
        """Return a parameter as it is recorded: of a secret no more than its seal stays in this process."""
        if parameter.type != SECRET or not parameter.value or is_seal(parameter.value):
            return parameter
        found = {one.path: one.value for one in self._backend.call(GetParameters(task=self.id))}
        return replace(parameter, value=found[parameter.path])

    def _store_parameters(self) -> None:
        self._backend.call(SetParameters(task=self.id, parameters=tuple(self._parameters.values())))

    def _start_options(self, *, on_queues: bool = False) -> StartOptions:
        return StartOptions(
            on_queues=on_queues,
            version=self._version,
            auto_version_bump=self._auto_version_bump,
            add_run_number=self._add_run_number,
            enable_local_imports=self._enable_local_imports,
            callbacks=callbacks(self, for_every_step(self._functions, self._for_all), self._node),
        )

    def _node(self, step: str, task: str | None) -> nodes.Node:
        return nodes.node(self._steps[step], self._backend.call(GetStep(run=self.id, step=step)), task)

    def _define(self) -> Pipeline:
        """Return the definition, with the values that the run's parameters have by now."""
        local.check_overrides(self._parameters)
        stored = {one.path: one for one in self._backend.call(GetParameters(task=self.id))}
        parameters = tuple(
            replace(one, value=cast(one, stored[one.path].value)) if one.path in stored else one
            for one in self._parameters.values()
        )
        self._parameters = {one.name: one for one in parameters}
        return replace(self._definition, steps=tuple(self._steps.values()), parameters=parameters, code=self._code)

    def _must_be_draft(self) -> None:
        if self._run.number:
            raise Conflict(
                f"pipeline {self._definition.name!r} has been started",
                hint="make a new PipelineController for another run",
            )

    def stop(self, timeout: float | None = None, mark_failed: bool = False, mark_aborted: bool = False) -> None:
        """Stop the run: what runs is aborted, what waits is skipped. Before the start it does nothing.

        Args:
            timeout: Minutes to wait for the end; None waits as long as it takes. Where the run's own callbacks or
                thread call it, it does not wait.
            mark_failed, mark_aborted: Accepted for compatibility; a run that is stopped ends as stopped.
        """
        _ = mark_failed, mark_aborted
        if self._controller is None:
            return
        self._controller.stop("stop() was called")
        if not self._controller.is_in_this_thread():
            self.wait(timeout)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended; return whether it has.

        Args:
            timeout: Minutes; None waits as long as it takes.

        Raises:
            Conflict: A callback of a run calls it: while that goes on, no run of this process ends.
        """
        if is_calling():
            raise Conflict(
                "a callback cannot wait for the end of a run: it is what the run waits for",
                hint="wait after start_locally() has returned, or in another thread",
            )
        return local.wait(self._backend, self._run.id, None if timeout is None else timeout * 60)

    def is_running(self) -> bool:
        """Return whether the run is in progress."""
        return self._detail().run.task.status is Status.IN_PROGRESS

    def is_successful(
        self, fail_on_step_fail: bool = True, fail_condition: Literal["all", "failed", "aborted"] = "all"
    ) -> bool:
        """Return whether the run ended well.

        Args:
            fail_on_step_fail: Whether each step must have ended well too. Cached and skipped steps have.
            fail_condition: What counts as not well: `failed` only, `aborted` only, or `all` (both).

        Raises:
            Invalid: The condition is none of the three.
        """
        if fail_condition not in {"all", "failed", "aborted"}:
            raise Invalid(f"fail_condition is {fail_condition!r}", hint="choose 'all', 'failed' or 'aborted'")
        detail = self._detail()
        spared = {"all": set[str](), "failed": {"aborted", "stopped"}, "aborted": {"failed"}}[fail_condition]
        steps_well = all(state.status in GOOD or state.status in spared for state in detail.steps)
        run = detail.run.task.status
        run_well = run in {Status.COMPLETED, Status.PUBLISHED} or run in spared
        return run_well and (steps_well or not fail_on_step_fail)

    def elapsed(self) -> float:
        """Return for how many minutes the run has been going, or went; -1.0 before it was started."""
        task = self._detail().run.task
        if task.started is None:
            return -1.0
        return ((task.ended or time.time()) - task.started) / 60

    def get_pipeline_dag(self) -> dict[str, nodes.Node]:
        """Return the steps by name, each as it is defined and as it stands now."""
        detail = self._detail()  # an agent may have begun it meanwhile
        if not detail.run.number:
            return {name: nodes.node(step, StepState(name=name)) for name, step in self._steps.items()}
        steps = {step.name: step for step in detail.definition.steps}
        return {state.name: nodes.node(steps[state.name], state) for state in detail.steps}

    def get_processed_nodes(self) -> list[nodes.Node]:
        """Return the steps that have ended, in any way."""
        return [one for one in self.get_pipeline_dag().values() if one.status in OVER]

    def get_running_nodes(self) -> list[nodes.Node]:
        """Return the steps that run now."""
        return [one for one in self.get_pipeline_dag().values() if one.status == StepStatus.RUNNING]

    @property
    def rerun_plan(self) -> tuple[PlannedStep, ...]:
        """What a rerun does with each step - `run`, `reuse` or `skip` - and why; empty for a run that is none."""
        found = self._backend.call(GetRerun(run=self.id))
        return found.steps if found else ()

    def update_execution_plot(self) -> None:
        """Do nothing: whatever shows a run reads its graph and its steps as they are recorded at that moment."""

    def get_parameters(self) -> dict[str, object]:
        """Return the parameters of the run by name, each in its type."""
        return {name: restore(parameter) for name, parameter in self._parameters.items()}

    def connect_configuration(
        self, configuration: Written, name: str | None = None, description: str | None = None
    ) -> Written:
        """Record a configuration with the run and return it; see `Task.connect_configuration`.

        Args:
            configuration: A dict or list, or the path of a text file.
            name: Its name; `General` when there is none.
            description: What it is for.

        Raises:
            NotFound: There is no such file.
            BadParameter: The configuration cannot be written as a text.
        """
        return self.task.connect_configuration(configuration, name, description)

    def add_tags(self, tags: Iterable[str] | str) -> None:
        """Add tags to the run; a text is split at spaces."""
        self._backend.call(DescribeTask(id=self.id, add_tags=tuple(words(tags))))

    @property
    def id(self) -> str:
        """Id of the run."""
        return self._run.id

    @property
    def task(self) -> Task:
        """The run's own task, of type `controller`."""
        return Task(self._detail().run.task)

    @property
    def tags(self) -> list[str]:
        """Tags of the run."""
        return list(self._detail().run.task.tags)

    @property
    def version(self) -> str | None:
        """Version of the run: the one that was asked for, and once it is started the one that it got."""
        return self._run.version or self._version

    def set_parameters(self, parameters: Mapping[str, object]) -> None:
        """Change parameters of a draft, by name.

        Raises:
            BadParameter: The pipeline has no such parameter, or the value does not fit its type.
            Conflict: It was started already.
        """
        self._must_be_draft()
        for name, value in parameters.items():
            if name not in self._parameters:
                hint = did_you_mean(name, self._parameters, "it has no parameters")
                raise BadParameter(f"pipeline {self._definition.name!r} has no parameter {name!r}", hint=hint)
            one = self._parameters[name]
            self._parameters[name] = replace(one, value=cast(one, value))
        self._store_parameters()
        self._parameters = {name: self._as_stored(one) for name, one in self._parameters.items()}

    @OnRun
    @staticmethod
    def get_logger(run: str) -> Logger:
        """Return the logger of the run: in a step, that of the run that the step belongs to.

        Raises:
            Invalid: This process works on no pipeline.
        """
        return Logger(session.reporter(run))

    @OnRun
    @staticmethod
    def upload_artifact(
        run: str,
        name: str,
        artifact_object: object,
        metadata: Mapping[str, object] | None = None,
        delete_after_upload: bool = False,
        auto_pickle: bool | None = None,
        preview: object = None,
        wait_on_upload: bool = False,
        serialization_function: Serializer | None = None,
        sort_keys: bool = True,
    ) -> bool:
        """Store a value as an artifact of the run, from its script or from one of its steps; return True.

        Args:
            metadata: Facts to record with it, as texts.
            delete_after_upload: Whether the file that `artifact_object` names is removed once it is stored.
            serialization_function: Turns the value into bytes instead of its own format.
            preview: A short text that shows it, instead of one made of the value.
            auto_pickle, wait_on_upload, sort_keys: Accepted for compatibility; it is stored when this returns.

        Raises:
            Invalid: This process works on no pipeline.
            NotSerializable: No format can store the value.
        """
        _ = auto_pickle, wait_on_upload, sort_keys
        artifacts.upload(
            run,
            name,
            artifact_object,
            metadata=metadata,
            serializer=serialization_function,
            preview=None if preview is None else str(preview),
            delete=delete_after_upload,
        )
        return True

    @OnRun
    @staticmethod
    def upload_model(run: str, model_name: str, model_local_path: str, upload_uri: str | None = None) -> Model:
        """Store a file, or a folder as one archive, as an output model of the run; from its script or a step.

        Args:
            upload_uri: Accepted for compatibility; models go to the blob store.

        Raises:
            Invalid: There is no such file, or this process works on no pipeline.
        """
        _ = upload_uri
        return output_model.upload(run, model_name, model_local_path)

    def _detail(self) -> RunDetail:
        return self._backend.call(GetRun(id=self._run.id))


def _id_of(pipeline: PipelineController | str) -> str:
    return pipeline if isinstance(pipeline, str) else pipeline.id


def _target_project(target: str | bool | None) -> str | None:
    return None if target is True else target or ""


def _serialization(serializer: Serializer | None, deserializer: Serializer | None) -> dict[str, Any]:
    """Return the fields of the definition for the user's own functions that store and load artifacts."""
    code: dict[str, Script] = {}
    fields: dict[str, Any] = {"code": code}
    for name, function in (("serializer", serializer), ("deserializer", deserializer)):
        if function is not None:
            source = standalone(function)
            script = Script(source=source.source, entry_point=source.name, modules=source.modules)
            code[script_key(script)] = script
            fields[name] = script_key(script)
    return fields
